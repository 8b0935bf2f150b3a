// The course of an optimisation: energy, change of energy and gradient norm of each step, against the thresholds.

import { get } from "../../lib/api.js";
import { command, line } from "../../lib/command.js";
import { h, replace } from "../../lib/dom.js";
import { count, exponential } from "../../lib/format.js";
import { plot, short } from "../../plots/plot.js";

const KCAL_PER_HARTREE = 627.509_474_063_1;

/** The panel of an optimisation that runs or has ended. */
export class Convergence {
  /** @param {{path: string, signal: AbortSignal}} about */
  constructor({ path, signal }) {
    this.path = path;
    this.signal = signal;
    this.verdict = h("div.row");
    this.plots = h("div.job-plots");
    this.command = h("div");
    this.element = h("section.panel", h("h2", "Convergence"), this.verdict, this.plots, this.command);
    /** @type {Promise<any[]> | null} */
    this.drawn = null;
    this.isWanted = false;
    this.taken = 0;
    this.first = 1;
    this.turn = 0;
  }

  /** @param {Job} job */
  async update(job) {
    this.isWanted = Boolean(job.spec.opt_level) && job.attempt > 0;
    this.taken = job.state === "running" ? 0 : (job.outcome?.result?.convergence?.steps ?? 0);
    this.element.hidden = !this.isWanted;
    const { number } = job;
    const words = job.state === "running" ? ["watch", number] : ["plot", number, "--kind", "convergence"];
    replace(this.command, command(line("nox", ...words)));
    await this.look();
  }

  /** Read the newest steps. */
  async look() {
    if (!this.isWanted) {
      return;
    }
    const turn = ++this.turn;
    let found;
    try {
      found = await get(`${this.path}/points`, { signal: this.signal });
    } catch (/** @type {any} */ error) {
      this.signal.throwIfAborted();
      replace(this.verdict, h("p.muted", `The steps cannot be read: ${error.message}`));
      if (error.isPassing) {
        throw error;
      }
      return;
    }
    if (turn !== this.turn) {
      return; // a newer answer is here, or comes
    }
    this.element.hidden = !(found.running || found.points.length);
    if (!found.points.length) {
      replace(this.verdict, h("p.muted", "No step has ended yet."));
      return;
    }
    await this.draw(found);
  }

  /** @param {any} found - as `GET /jobs/ID/points` returns it. */
  async draw(found) {
    const {
      points,
      energy_change_threshold_hartree: least,
      gradient_norm_threshold_hartree_per_bohr: gentle,
    } = found;
    const all = (/** @type {string} */ name) => points.map((/** @type {any} */ one) => one[name]);
    const steps = all("step");
    const energies = all("energy_hartree");
    const norms = all("gradient_norm_hartree_per_bohr");
    const lowest = Math.min(...energies);
    // Of a rejected step a running optimisation reports the energy of the step before.
    const changes = energies.map((/** @type {number} */ energy, /** @type {number} */ place) =>
      place === 0 || (found.running && energy === energies[place - 1])
        ? null
        : Math.abs(energy - energies[place - 1]),
    );
    this.first = steps[0];
    const rejected = this.taken - points.length;
    replace(
      this.verdict,
      h(
        "span",
        rejected > 0 ? `point ${points.length} of ${count(this.taken, "step")}` : `step ${steps.at(-1)}`,
      ),
      h("span", `E ${energies.at(-1).toFixed(8)} Eh`),
      verdict("|dE|", changes.at(-1), least),
      verdict("|g|", norms.at(-1), gentle),
      rejected > 0 && h("span.muted", `${count(rejected, "rejected step")} not drawn`),
    );
    const x = { label: "step", values: steps };
    const data = [
      {
        title: "Gradient and change of energy",
        x,
        log: true,
        series: [
          { label: "|g|", unit: "Eh/bohr", values: norms },
          { label: "|dE|", unit: "Eh", values: changes },
        ],
        lines: [
          { label: "|g| below", value: gentle, series: 0 },
          { label: "|dE| below", value: least, series: 1 },
        ],
      },
      {
        title: "Energy above the lowest",
        x,
        height: 150,
        series: [
          {
            label: "E",
            unit: "kcal/mol",
            colour: 3,
            values: energies.map((/** @type {number} */ energy) => KCAL_PER_HARTREE * (energy - lowest)),
          },
        ],
      },
    ];
    this.drawn ??= Promise.all(data.map((one) => plot(this.plots, one, this.signal)));
    try {
      for (const [place, one] of (await this.drawn).entries()) {
        one.update(data[place]);
      }
    } catch (error) {
      this.drawn = null; // the next look draws it again
      replace(this.plots);
      throw error;
    }
  }

  /** Mark a step in the plots.  @param {number} step - from 1; 0: none. */
  async mark(step) {
    for (const one of (await this.drawn) ?? []) {
      one.mark(step - this.first);
    }
  }
}

/** @param {string} name @param {number | null} value @param {number} limit */
function verdict(name, value, limit) {
  const isMet = value !== null && value < limit;
  const words = isMet ? "ok" : `wanted below ${short(limit)}`;
  return h(
    "span",
    { class: isMet ? "state-completed" : null },
    `${name} ${exponential(value) || "-"} `,
    h("span", { class: isMet ? "" : "muted" }, words),
  );
}
