// The columns of `nox results` as the page shows them: names, units, decimals, words.

import { h } from "../../lib/dom.js";
import { duration, exponential, reason, signed } from "../../lib/format.js";
import { calculation, medium, method } from "../../lib/methods.js";
import { href } from "../../lib/router.js";

const PLURAL = /** @type {const} */ ({
  hartree: "_hartree",
  ev: "_ev",
  kcal: "_kcal_per_mol",
  kj: "_kj_per_mol",
});
const SIGNS = { hartree: "Eh", ev: "eV", kcal: "kcal", kj: "kJ" };
const WORDS = { hartree: "Eh", ev: "eV", kcal: "kcal/mol", kj: "kJ/mol" };
const DECIMALS = { hartree: [8, 6], ev: [6, 4], kcal: [4, 2], kj: [4, 2] };
const ATMOSPHERE_PA = 101_325;
// The gravest first, as the table of the terminal.
const DOUBTS = Object.entries({
  positive_energy: "energy",
  coulomb_explosion: "apart",
  bonds_changed: "bonds",
  not_stationary: "slope",
  imaginary_modes: "saddle",
  unbound: "unbound",
  small_gap: "gap",
  gamma_point: "gamma",
});
/** Why a row is not compared, in words. */
export const OBSTACLES = /** @type {Texts} */ ({
  no_energy: "no energy",
  not_converged: "not converged",
  bonds_changed: "bonds changed",
  not_stationary: "not stationary, so without G",
  alone: "no other job of this formula, charge, method and conditions",
});
// What rows of one comparison share, and others differ in.
const CIRCUMSTANCES = /** @type {[string, string, (row: Row) => string][]} */ ([
  ["formula", "formula", (row) => row.formula ?? ""],
  ["calculation", "calc", (row) => calculation(row.calculation, row.opt_level)],
  ["method", "method", (row) => method(row.method) ?? ""],
  ["solvent", "in", surroundings],
  [
    "temperature_k",
    "T",
    (row) => (row.temperature_k === null ? "" : `${Number(row.temperature_k.toPrecision(6))} K`),
  ],
  ["pressure_pa", "state", (row) => (row.pressure_pa === null ? "" : pressure(row.pressure_pa))],
  ["engine", "engine", (row) => `${row.engine ?? ""} ${row.engine_version ?? ""}`.trim()],
]);

/** The units that `--unit` takes, in words; empty: the usual ones. */
export const UNITS = /** @type {[string, string][]} */ ([
  ["", "Eh, Δ kcal/mol"],
  ["kcal", "kcal/mol"],
  ["kj", "kJ/mol"],
  ["ev", "eV"],
  ["hartree", "Eh"],
]);

/**
 * Describe energies and differences in a unit.
 *
 * @param {string} unit - as `--unit` takes it; empty: hartree, differences in kcal/mol.
 * @returns {{energy: Quantity, gibbs: Quantity, difference: Quantity}}
 */
export function quantities(unit) {
  const of = (
    /** @type {string} */ base,
    /** @type {keyof typeof PLURAL} */ one,
    /** @type {number} */ place,
  ) => ({
    field: `${base}${PLURAL[one]}`,
    sign: SIGNS[one],
    words: WORDS[one],
    decimals: DECIMALS[one][place],
  });
  const known = /** @type {keyof typeof PLURAL | ""} */ (unit in PLURAL ? unit : "");
  const total = known || "hartree";
  return {
    energy: of("energy", total, 0),
    gibbs: of("gibbs", total, 0),
    difference: of("relative", known || "kcal", 1),
  };
}

/** Name the columns of `GET /results` that the page needs.  @param {string} unit @param {boolean} isWeighed */
export function wanted(unit, isWeighed) {
  const { energy, gibbs, difference } = quantities(unit);
  return [
    "number,name,formula,charge,unpaired_electrons,calculation,opt_level,method,solvation,solvent",
    "spin_polarised,engine,engine_version,temperature_k,pressure_pa,state,reason,warnings,verdicts,converged",
    `${energy.field},${gibbs.field},gap_ev,dipole_debye,gradient_norm_hartree_per_bohr,steps`,
    `imaginary_modes,lowest_mode_cm1,bonds_changed,wall_s,${difference.field}`,
    "compared_by,reference,not_compared",
    ...(isWeighed ? ["boltzmann_weight", "same_conformer_as", "degeneracy"] : []),
  ].join(",");
}

/**
 * Describe what all rows share, as the line above the table of `nox results`.
 *
 * @param {Row[]} rows
 * @returns {string} such as `C13H18O2 · opt tight · GFN2-xTB · gas phase · xtb 22.1`.
 */
export function shared(rows) {
  const computed = rows.filter((row) => row.engine_version);
  return CIRCUMSTANCES.map(([, , of]) => distinct(computed.length ? computed : rows, of))
    .map((all) => (all.length === 1 ? all[0] : ""))
    .filter(Boolean)
    .join(" · ");
}

/**
 * Describe in what some rows differ from others.
 *
 * @param {Row} row
 * @param {Row[]} rows - all.
 * @returns {string} such as `C6H14 · charge +1 · GFN1-xTB`.
 */
export function apart(row, rows) {
  const own = CIRCUMSTANCES.filter(([, , of]) => distinct(rows, of).length > 1).map(([, , of]) => of(row));
  const isCharged = new Set(rows.map((one) => one.charge)).size > 1;
  return [...own.slice(0, 1), isCharged ? `charge ${signed(row.charge)}` : "", ...own.slice(1)]
    .filter(Boolean)
    .join(" · ");
}

/**
 * Choose the columns that rows need, in the order of `nox results`.
 *
 * @param {Row[]} rows
 * @param {string} unit
 * @param {Map<Row, number>} totals - the cumulative weight of each row that has one.
 * @returns {Column[]}
 */
export function columns(rows, unit, totals) {
  const { energy, gibbs, difference } = quantities(unit);
  const has = (/** @type {string} */ field) =>
    rows.some((row) => row[field] !== null && row[field] !== undefined);
  const isSame = (/** @type {string} */ field) => rows.every((row) => row[field] === rows[0][field]);
  const by = new Set(rows.map((row) => row.compared_by).filter(Boolean));
  const symbol = by.size > 1 ? "ΔG,ΔE" : by.has("gibbs") ? "ΔG" : "ΔE";
  const isWeighed = rows.some((row) => row.boltzmann_weight !== undefined) && by.size > 0;
  /** @type {(Column | false)[]} */
  const all = [
    number("number", "#", "number of the job", "number", 0),
    {
      name: "name",
      label: "name",
      title: "name of the job",
      isText: true,
      value: (row) => row.name,
      shown: link,
      remark: (row) => row.name ?? "",
    },
    {
      name: "charge",
      label: "q",
      title: "charge (e)",
      isSpare: isSame("charge"),
      value: (row) => row.charge,
      shown: (row) => signed(row.charge),
    },
    {
      ...number("unpaired_electrons", "unp", "unpaired electrons", "unpaired_electrons", 0),
      isSpare: isSame("unpaired_electrons"),
    },
    number(
      "energy",
      `E/${energy.sign}`,
      `electronic energy (${energy.words})`,
      energy.field,
      energy.decimals,
    ),
    has(gibbs.field) &&
      number("gibbs_hartree", `G/${gibbs.sign}`, `free energy (${gibbs.words})`, gibbs.field, gibbs.decimals),
    by.size > 0 && {
      ...number(
        "relative",
        `${symbol}/${difference.sign}`,
        `relative to the lowest that is comparable (${difference.words})`,
        difference.field,
        difference.decimals,
      ),
      shown: (row) => fixed(row[difference.field], difference.decimals) || "-",
      remark: (row) => (row.not_compared ? `not compared: ${OBSTACLES[row.not_compared]}` : ""),
    },
    by.size > 1 && {
      name: "compared_by",
      label: "by",
      title: "what is compared: free energies where every row has one",
      isText: true,
      value: (row) => row.compared_by,
      shown: (row) => (row.compared_by === "gibbs" ? "G" : row.compared_by ? "E" : "-"),
    },
    isWeighed && {
      name: "boltzmann_weight",
      label: "w/%",
      title: "Boltzmann weight; = 12: the conformer of job 12, which has the weight",
      value: (row) => row.boltzmann_weight,
      shown: weight,
    },
    isWeighed && {
      name: "",
      label: "Σw/%",
      title: "sum of the weights from the lowest energy on",
      value: (row) => totals.get(row),
      shown: (row) => percent(totals.get(row)),
    },
    has("degeneracy") &&
      number(
        "degeneracy",
        "deg",
        "2: counted with its mirror image, which is not among these",
        "degeneracy",
        0,
      ),
    has("imaginary_modes") && number("imaginary_modes", "im", "imaginary modes", "imaginary_modes", 0),
    has("lowest_mode_cm1") &&
      number("lowest_mode_cm1", "low/cm⁻¹", "lowest mode (cm⁻¹)", "lowest_mode_cm1", 0),
    number("gap_ev", "gap/eV", "gap between HOMO and LUMO (eV)", "gap_ev", 3),
    number("dipole_debye", "dip/D", "dipole moment (debye)", "dipole_debye", 3),
    {
      ...number(
        "gradient_norm_hartree_per_bohr",
        "|g|",
        "norm of the gradient (Eh/bohr)",
        "gradient_norm_hartree_per_bohr",
        0,
      ),
      shown: (row) => exponential(row.gradient_norm_hartree_per_bohr),
    },
    has("steps") && number("steps", "steps", "steps of the optimisation", "steps", 0),
    {
      name: "wall_s",
      label: "time",
      title: "time of the calculation",
      value: (row) => row.wall_s,
      shown: (row) => (row.wall_s === null ? "" : duration(row.wall_s)),
    },
    ...CIRCUMSTANCES.filter(([, , of]) => distinct(rows, of).length > 1).map(([name, label, of]) => ({
      name,
      label,
      title: label,
      isText: true,
      value: (/** @type {Row} */ row) => row[name],
      shown: of,
    })),
    {
      name: "",
      label: "note",
      title: "what to know of the row",
      isText: true,
      value: () => null,
      shown: note,
      remark: (row) => notes(row).join("; "),
    },
  ];
  return all.filter((one) => one !== false);
}

/**
 * Write a number with a fixed number of decimals.
 *
 * @param {number | null | undefined} value
 * @param {number} decimals
 * @returns {string} empty: there is none.
 */
export function fixed(value, decimals) {
  return value === null || value === undefined ? "" : value.toFixed(decimals);
}

/** Write a share in percent.  @param {number | null | undefined} share - 0 to 1. */
function percent(share) {
  return share === null || share === undefined ? "" : (100 * share).toFixed(1);
}

/** @param {string} name @param {string} label @param {string} title @param {string} field @param {number} decimals @returns {Column} */
function number(name, label, title, field, decimals) {
  return { name, label, title, value: (row) => row[field], shown: (row) => fixed(row[field], decimals) };
}

/** @param {Row} row */
function link(row) {
  return h("a", { href: href(`jobs/${row.number}`) }, row.name || `job ${row.number}`);
}

/** @param {Row} row */
function weight(row) {
  if (row.same_conformer_as) {
    return `= ${row.same_conformer_as}`;
  }
  return percent(row.boltzmann_weight) || "-";
}

/** @param {Row} row */
function note(row) {
  const words = notes(row);
  const isEnded = row.state === "failed" || row.state === "cancelled";
  return words.length
    ? h("span", { class: isEnded ? `state-${row.state}` : "warning" }, words.join("; "))
    : "";
}

/** @param {Row} row @returns {string[]} */
function notes(row) {
  if (row.state === "failed" || row.state === "cancelled") {
    return [`${row.state} ${reason(row.reason)}`.trim()];
  }
  const obstacle =
    row.not_compared && row.not_compared !== "alone" ? [`not compared: ${OBSTACLES[row.not_compared]}`] : [];
  const doubt = DOUBTS.find(([verdict]) => row.verdicts.includes(verdict))?.[1] ?? "";
  const own = row.converged === false && !row.not_compared ? ["not converged"] : [];
  return [
    ...obstacle,
    ...own,
    ...(row.warnings.length ? [`! ${doubt ? `${doubt}: ` : ""}${row.warnings.join("; ")}`] : []),
  ];
}

/** @param {Row} row */
function surroundings(row) {
  if (!row.method) {
    return "";
  }
  return `${medium(row)}${row.spin_polarised ? " · spin-polarised" : ""}`;
}

/** @param {number} pascal */
function pressure(pascal) {
  const atmospheres = pascal / ATMOSPHERE_PA;
  return Number.isInteger(atmospheres) ? `${atmospheres} atm` : `${Number(pascal.toPrecision(6))} Pa`;
}

/** @param {Row[]} rows @param {(row: Row) => string} of */
function distinct(rows, of) {
  return [...new Set(rows.map(of).filter(Boolean))];
}
