// The numbers of a job: energies, doubts, orbitals, bonds and charges, vibrations and their spectrum.

import { get } from "../../lib/api.js";
import { command, line } from "../../lib/command.js";
import { facts, h, replace, select } from "../../lib/dom.js";
import { count, exponential } from "../../lib/format.js";
import { report } from "../../lib/notice.js";
import { change } from "../../lib/router.js";
import { numbers } from "../../plots/numbers.js";
import { plot } from "../../plots/plot.js";
import { gas } from "./calculation.js";

const UNITS = /** @type {Record<string, {words: string, suffix: string, decimals: number}>} */ ({
  hartree: { words: "Eh", suffix: "_hartree", decimals: 8 },
  ev: { words: "eV", suffix: "_ev", decimals: 6 },
  kcal: { words: "kcal/mol", suffix: "_kcal_per_mol", decimals: 4 },
  kj: { words: "kJ/mol", suffix: "_kj_per_mol", decimals: 4 },
});
const ENERGIES = /** @type {[string, string][]} */ ([
  ["energy", "E"],
  ["zpe", "Zero-point energy"],
  ["enthalpy", "H"],
  ["gibbs", "G (quasi-RRHO)"],
  ["gibbs_rrho", "G (RRHO)"],
]);
const WIDTHS = ["5", "10", "20", "50"];
const USUAL_WIDTH = "20";
// Levels this far from the frontier are drawn (eV), and levels this close side by side.
const WINDOW_EV = 5;
const CLOSE_EV = 0.08;
const EMPTY = 0.01;

/** Two panels: the numbers, and the spectrum. */
export class Numbers {
  /** @param {{path: string, query: Record<string, any>, signal: AbortSignal}} about */
  constructor({ path, query, signal }) {
    this.path = path;
    this.signal = signal;
    this.shown = "";
    this.unit = String(query.unit) in UNITS ? String(query.unit) : "hartree";
    this.width = USUAL_WIDTH;
    this.energies = h("div.job-rest");
    this.rest = h("div.job-rest");
    this.element = h(
      "section.panel.job-first",
      { hidden: true },
      h("h2", "Results"),
      this.energies,
      this.rest,
    );
    this.curve = h("div");
    this.modes = h("div.job-rest");
    this.spectrum = h("section.panel", { hidden: true }, this.curve, this.modes);
    /** @type {ReturnType<typeof plot> | null} */
    this.drawn = null;
  }

  /** @param {Job} job */
  async update(job) {
    const result = job.outcome?.result;
    const key = `${job.outcome?.attempt} ${Boolean(result)} ${job.state} ${job.attempt}`;
    this.element.hidden = !result;
    if (!result || key === this.shown) {
      return;
    }
    this.shown = key;
    if (result.kind === "echo") {
      replace(this.rest, h("pre.job-log", JSON.stringify(result.payload, null, 2)));
      return;
    }
    const hasModes = Boolean(result.vibrations?.frequencies_cm1?.length);
    this.spectrum.hidden = !hasModes;
    replace(this.rest, standing(job), warnings(job), otherNumbers(result), levels(result), bonds(result));
    await Promise.all([this.readEnergies(job), hasModes && this.readSpectrum(job)]);
  }

  /** @param {Job} job */
  async readEnergies(job) {
    const query = { selector: job.number, unit: this.unit, every: true };
    const [row] = (await get("results", { query, signal: this.signal })).items;
    if (query.unit !== this.unit) {
      return; // another unit was chosen meanwhile
    }
    const { words, suffix, decimals } = UNITS[this.unit];
    const shown = ENERGIES.filter(([name]) => typeof row?.[`${name}${suffix}`] === "number");
    const choose = (/** @type {string} */ unit) => {
      this.unit = unit;
      change({ unit: unit === "hartree" ? "" : unit });
      this.readEnergies(job).catch(report);
    };
    const units = Object.entries(UNITS).map(([name, one]) => [name, one.words]);
    const choice = select(units, this.unit, choose, { "aria-label": "Unit" });
    const chosen = this.unit === "hartree" ? [] : ["--unit", this.unit];
    const all = job.public_state === "completed" ? [] : ["--all"];
    const { thermochemistry } = job.outcome.result;
    replace(
      this.energies,
      facts(
        shown.map(([name, label]) => [label, `${row[`${name}${suffix}`].toFixed(decimals)} ${words}`]),
        "dd.number",
      ),
      h(
        "div.row",
        h("label.small.muted", "Unit ", choice),
        thermochemistry &&
          row &&
          h(
            "span.muted.small",
            `${conditions(thermochemistry)}, TS ${(row[`enthalpy${suffix}`] - row[`gibbs${suffix}`]).toFixed(decimals)} ${words}`,
          ),
      ),
      command(line("nox", "results", job.number, ...chosen, ...all)),
    );
  }

  /** @param {Job} job */
  async readSpectrum(job) {
    const query = { width: this.width };
    const found = await get(`${this.path}/spectrum`, { query, signal: this.signal });
    if (query.width !== this.width) {
      return; // another width was chosen meanwhile
    }
    const { modes } = found;
    const real = modes.filter((/** @type {any} */ one) => one.frequency_cm1 > 0);
    const data = {
      title: `IR spectrum, lines ${this.width} cm-1 wide`,
      x: {
        label: "cm-1",
        values: found.curve_km_per_mol.map(
          (/** @type {number} */ _, /** @type {number} */ place) => place * found.step_cm1,
        ),
      },
      reverse: true,
      series: [{ label: "intensity", unit: "km/mol", values: found.curve_km_per_mol }],
      sticks: {
        label: "modes",
        x: real.map((/** @type {any} */ one) => one.frequency_cm1),
        values: real.map((/** @type {any} */ one) => one.ir_intensity_km_per_mol),
      },
    };
    const choose = (/** @type {string} */ width) => {
      this.width = width;
      this.readSpectrum(job).catch(report);
    };
    const widths = WIDTHS.map((width) => [width, `${width} cm-1`]);
    const choice = select(widths, this.width, choose, { "aria-label": "Width of the lines" });
    const options = this.width === USUAL_WIDTH ? [] : ["--width", this.width];
    replace(
      this.modes,
      found.notes.map((/** @type {string} */ note) =>
        h("p", { class: note.startsWith("!") ? "warning small" : "muted small" }, note),
      ),
      h("label.small.muted", "Width ", choice),
      modeTable(modes),
      command(line("nox", "plot", job.number, "--kind", "ir", ...options)),
    );
    this.drawn ??= plot(this.curve, data, this.signal);
    try {
      (await this.drawn).update(data);
    } catch (error) {
      this.drawn = null; // the next change draws it again
      replace(this.curve);
      throw error;
    }
  }
}

/** Name the attempt of the result, if it is not the newest.  @param {Job} job */
function standing(job) {
  const { attempt } = job.outcome;
  return attempt === job.attempt
    ? null
    : h(
        "p.warning",
        `Result of attempt ${attempt}; attempt ${job.attempt} is ${job.state === "running" ? "running" : job.public_state}.`,
      );
}

/** @param {Job} job */
function warnings({ outcome }) {
  const { warnings: found = [] } = outcome;
  return (
    found.length > 0 &&
    h(
      "ul.job-warnings",
      { "aria-label": "Warnings" },
      found.map((/** @type {string} */ one) => h("li.warning", one)),
    )
  );
}

/** @param {any} found */
function conditions(found) {
  return `${gas(found)}, symmetry number ${found.symmetry_number} (${found.symmetry_number_origin})`;
}

/** @param {any} result */
function otherNumbers(result) {
  const { convergence, continued = result.provenance?.continued } = result;
  /** @type {[string, any][]} */
  const rows = [
    ["Gap", unitOf(result.gap_ev, 3, "eV")],
    ["HOMO", unitOf(result.homo_ev, 3, "eV")],
    ["LUMO", unitOf(result.lumo_ev, 3, "eV")],
    ["Dipole", unitOf(result.dipole_debye, 3, "D")],
    [
      "|g|",
      typeof result.gradient_norm_hartree_per_bohr === "number" &&
        `${exponential(result.gradient_norm_hartree_per_bohr)} Eh/bohr`,
    ],
    [
      "Optimisation",
      convergence &&
        `${convergence.converged ? "converged" : "not converged"} in ${count(convergence.steps, "step")}`,
    ],
    ["Continued", continued && `after ${count(continued.gradients, "gradient")} of earlier attempts`],
  ];
  return facts(rows, "dd.number");
}

/** @param {any} value @param {number} decimals @param {string} unit */
function unitOf(value, decimals, unit) {
  return typeof value === "number" ? `${value.toFixed(decimals)} ${unit}` : "";
}

/** Draw the orbital levels around the frontier, and list all of them.  @param {any} result */
function levels({ orbitals, beta_orbitals: beta, homo_ev: homo, lumo_ev: lumo }) {
  if (!orbitals?.energies_ev?.length) {
    return null;
  }
  const rows = [...levelRows(orbitals, beta ? "alpha" : ""), ...levelRows(beta, "beta")];
  const [least, most] = [(homo ?? lumo ?? 0) - WINDOW_EV, (lumo ?? homo ?? 0) + WINDOW_EV];
  const near = rows.filter(({ energy }) => energy >= least && energy <= most);
  const words = `${count(near.length, "level")} from ${least.toFixed(1)} to ${most.toFixed(1)} eV; HOMO ${homo?.toFixed(3) ?? "-"} eV, LUMO ${lumo?.toFixed(3) ?? "-"} eV`;
  const drawing = h("div.job-levels", { role: "img", "aria-label": `Orbital levels: ${words}` });
  const placed = [...near].sort((one, two) => one.energy - two.energy);
  placed.forEach((level, place) => {
    const close = placed.slice(0, place).filter((one) => level.energy - one.energy < CLOSE_EV).length;
    const mark = h("i", {
      class: level.occupation > EMPTY ? "level occupied" : "level",
      title: `${level.index} ${level.spin} ${level.energy.toFixed(3)} eV, ${level.occupation.toFixed(2)} electrons`,
    });
    mark.style.bottom = `${(100 * (level.energy - least)) / (most - least)}%`;
    mark.style.left = `calc(132px + ${28 * (close % 6)}px)`;
    drawing.append(mark);
  });
  for (const [name, energy] of [
    ["HOMO", homo],
    ["LUMO", lumo],
  ]) {
    if (typeof energy === "number") {
      const label = h("span.level-name", `${name} ${energy.toFixed(3)} eV`);
      // Below and above, so that they are apart even where there is no gap.
      const below = name === "HOMO" ? 16 : 0;
      label.style.bottom = `calc(${(100 * (energy - least)) / (most - least)}% - ${below}px)`;
      drawing.append(label);
    }
  }
  const table = numbers({
    name: "orbitals",
    summary: "Orbitals",
    columns: ["orbital", ...(beta ? ["spin"] : []), "energy (eV)", "occupation"],
    decimals: [0, ...(beta ? [0] : []), 4, 4],
    rows: rows.map(({ index, spin, energy, occupation }) => [
      index,
      ...(beta ? [spin] : []),
      energy,
      occupation,
    ]),
  });
  return [h("h3", "Orbital levels"), drawing, table.element];
}

/** @param {any} orbitals @param {string} spin */
function levelRows(orbitals, spin) {
  const { energies_ev: energies = [], occupations = [] } = orbitals ?? {};
  return energies.map((/** @type {number} */ energy, /** @type {number} */ place) => ({
    index: place + 1,
    spin,
    energy,
    occupation: occupations[place] ?? 0,
  }));
}

/** @param {any} result */
function bonds({ bond_orders: orders, bonds_changed: changed, symbols }) {
  if (!orders?.length) {
    return null;
  }
  const name = (/** @type {number} */ atom) => `${symbols[atom - 1] ?? ""}${atom}`;
  const formed = new Set((changed?.formed ?? []).map((/** @type {number[]} */ pair) => pair.join("-")));
  const rows = orders.map((/** @type {number[]} */ [one, two, order]) => [
    `${name(one)}-${name(two)}`,
    order,
    formed.has(`${one}-${two}`) ? "formed" : "",
  ]);
  const broken = (changed?.broken ?? []).map((/** @type {number[]} */ [one, two]) => [
    `${name(one)}-${name(two)}`,
    null,
    "broken",
  ]);
  const table = numbers({
    name: "bond orders",
    summary: "Bonds",
    columns: ["bond", "Wiberg order", "change"],
    decimals: [0, 3],
    rows: [...broken, ...rows],
  });
  return [h("h3", "Bond orders"), table.element];
}

/** @param {any[]} modes */
function modeTable(modes) {
  const table = numbers({
    name: "modes",
    summary: "Modes",
    columns: ["mode", "frequency (cm-1)", "IR intensity (km/mol)", "kind"],
    decimals: [0, 2, 2],
    rows: modes.map((one, place) => [
      place + 1,
      one.frequency_cm1,
      one.ir_intensity_km_per_mol,
      one.imaginary ? "imaginary" : "",
    ]),
  });
  table.element.open = true;
  return table.element;
}
