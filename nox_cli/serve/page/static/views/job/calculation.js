// What a job computes: in words, as `nox status` writes them, and as the options of `nox submit`.

import { line } from "../../lib/command.js";
import { count } from "../../lib/format.js";
import * as named from "../../lib/methods.js";

/** @typedef {Record<string, any>} Fields - a JSON object: a specification, a job; of another version of nox perhaps. */

const USUAL_LEVELS = /** @type {Texts} */ ({ opt: "normal", ohess: "tight" });
const METHOD_OPTIONS = /** @type {Record<string, string[]>} */ ({
  gfn1: ["--gfn", "1"],
  gfn0: ["--gfn", "0"],
  gfnff: ["--gfnff"],
  ipea1: ["--ipea1"],
});
const ATMOSPHERE_PA = 101_325;
const MIB = 1_048_576;
const USUAL_MIB = 2_048;
const CURVED = new Set(["hess", "ohess", "bhess"]);

/**
 * Describe a calculation: `opt tight · GFN2-xTB · ALPB(thf) · tblite 0.8.0`.
 *
 * @param {Fields} spec - of the job.
 * @param {Fields} [result] - whose engine has computed.
 */
export function words(spec, result) {
  if (spec.kind === "echo") {
    return "echo";
  }
  const { engine, engine_version: version } = result ?? spec;
  return [
    named.calculation(spec.kind, spec.opt_level),
    named.method(spec.method),
    spec.structure?.lattice_angstrom ? "crystal at the gamma point" : named.medium(spec),
    spec.spin_polarised && "spin-polarised",
    spec.frozen_atoms?.length && `${count(spec.frozen_atoms.length, "atom")} frozen`,
    spec.program_options?.length && `xtb ${spec.program_options.join(" ")}`,
    spec.program_input && "with an input file",
    CURVED.has(spec.kind) && gas(spec),
    [engine, version].filter(Boolean).join(" "),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Describe charge and spin with their origins: `charge +1, unpaired 0 (default)`.  @param {Fields} spec */
export function charge(spec) {
  const origins = [...new Set([spec.charge_origin, spec.unpaired_origin].filter(Boolean))];
  const from = origins.length ? ` (${origins.join(", ")})` : "";
  return `charge ${spec.charge > 0 ? "+" : ""}${spec.charge}, unpaired ${spec.unpaired}${from}`;
}

/**
 * Write the command that submits the same calculation.
 *
 * @param {Fields} job - the raw record.
 * @returns {string} one line; empty: no command can, as for a structure that came from another program.
 */
export function submitLine(job) {
  const { spec } = job;
  if (spec.kind === "echo") {
    return line("nox", "submit", "--kind", "echo", "--payload", JSON.stringify(spec.payload), ...around(job));
  }
  const file = spec.source?.file ?? "";
  if (!file || spec.source?.job || spec.program_input) {
    return "";
  }
  const given = file.startsWith("SMILES ") ? ["--smiles", file.slice("SMILES ".length)] : [file];
  const passed = spec.program_options?.length ? ["--", ...spec.program_options] : [];
  return line(
    "nox",
    "submit",
    ...given,
    ...kindOptions(spec),
    ...methodOptions(spec),
    ...around(job),
    ...passed,
  );
}

/** @param {Fields} spec */
function kindOptions(spec) {
  const { kind, opt_level: level, frozen_atoms: frozen = [] } = spec;
  const isCurved = CURVED.has(kind);
  return [
    ...(kind === "sp" ? [] : [`--${kind}`]),
    ...(level && level !== (USUAL_LEVELS[kind] ?? level) ? [level] : []),
    ...option("--temp", isCurved && spec.temperature_k, 298.15),
    ...(isCurved && spec.pressure_pa !== ATMOSPHERE_PA ? ["--pressure", `${spec.pressure_pa}Pa`] : []),
    ...option("--symmetry-number", spec.symmetry_number),
    ...option("--cycles", spec.cycles),
    ...(frozen.length ? ["--freeze", frozen.join(",")] : []),
  ];
}

/** @param {Fields} spec */
function methodOptions(spec) {
  return [
    ...(METHOD_OPTIONS[spec.method] ?? []),
    ...(spec.solvation ? [`--${spec.solvation}`, spec.solvent] : []),
    ...(spec.spin_polarised ? ["--spinpol"] : []),
    ...option("--engine", spec.engine),
    ...option("--acc", spec.accuracy, 1),
    ...option("--etemp", spec.electronic_temperature_k, 300),
    ...option("--iterations", spec.iterations, 250),
    ...(spec.charge_origin === "default" ? [] : ["--chrg", spec.charge]),
    ...(spec.unpaired_origin === "default" ? [] : ["--uhf", spec.unpaired]),
  ];
}

/** The options of a job around its calculation.  @param {Fields} job */
function around(job) {
  return [
    ...option("--name", job.name),
    ...option("--batch", job.batch),
    ...Object.entries(job.tags).flatMap(([key, value]) => ["--tag", `${key}=${value}`]),
    ...option("--priority", job.priority, 0),
    ...option("--cores", job.cores, 1),
    ...(job.memory_bytes === USUAL_MIB * MIB ? [] : ["--memory", `${Math.round(job.memory_bytes / MIB)}M`]),
    ...option("--time", job.time_limit_s),
    ...option("--retries", job.retries, 0),
  ];
}

/** @param {string} name @param {any} value @param {any} [usual] */
function option(name, value, usual) {
  return value && value !== usual ? [name, value] : [];
}

/** Write the conditions of the free energy: `298.15 K, 1 atm`.  @param {Fields} spec - or the thermochemistry of a result. */
export function gas({ temperature_k: kelvin, pressure_pa: pascal }) {
  const atmospheres = pascal / ATMOSPHERE_PA;
  return `${kelvin} K, ${Number.isInteger(atmospheres) ? `${atmospheres} atm` : `${pascal} Pa`}`;
}
