// What is drawn of ensembles: their summary, the histogram of energies, the cumulative weights.

import { h } from "../../lib/dom.js";
import { count, title } from "../../lib/format.js";
import { href } from "../../lib/router.js";
import { bins, POPULATION, populations } from "./ensemble.js";
import { apart, fixed, quantities } from "./result_columns.js";

/**
 * @typedef {import("./ensemble.js").Ensemble} Ensemble
 * @typedef {import("../../lib/dom.js").Child} Child
 */

// The gas constant, per mole and kelvin.
const R = { cal: 1.987204259, J: 8.31446261815324 };
// Bars are no narrower than the difference below which two conformers count as one, about 0.05 kcal/mol.
const FINEST = { kcal: 0.05, kj: 0.2, ev: 0.002, hartree: 1e-4 };
const MOST_GROUPS = 20;
// The rest of the conformers is not plotted.
const NEARLY_ALL = 0.999;
const LARGEST = `${100 * POPULATION} %`;

/**
 * Describe ensembles: one as a list of facts, several as a table whose rows can be pressed.
 *
 * @param {Ensemble[]} all
 * @param {string} unit - as `--unit` takes it.
 * @param {string | undefined} pressed - the key of the one that is looked at.
 * @param {(key: string) => void} press
 * @returns {Child}
 */
export function summary(all, unit, pressed, press) {
  if (all.length < 2) {
    const facts = all.flatMap((one) => factsOf(one, unit)).filter(({ value }) => value !== "");
    const shown = facts.map(({ label, help, value }) =>
      h("div", { title: help }, h("dt", label), h("dd", value)),
    );
    return shown.length ? h("dl.batch-facts", shown) : null;
  }
  const lowest = all.map((one) => one.lowest);
  const lines = all.slice(0, MOST_GROUPS).map((one) => {
    const isPressed = one.key === pressed;
    const name = apart(one.lowest, lowest) || title(one.lowest);
    const button = h("button", { "aria-pressed": String(isPressed), onclick: () => press(one.key) }, name);
    const cells = factsOf(one, unit).map(({ value }, place) =>
      h("td", { class: place ? "number" : null }, value),
    );
    return h("tr", { "aria-selected": String(isPressed) }, h("th", { scope: "row" }, button), cells);
  });
  const heads = factsOf(all[0], unit).map(({ label, help }, place) =>
    h("th", { scope: "col", class: place ? "number" : null, title: help }, label),
  );
  const more = all.length - MOST_GROUPS;
  const words = `${count(all.length)} groups: energies are compared within each, not between them`;
  return h(
    "div.table",
    h(
      "table.batch-groups",
      h("caption", more > 0 ? `${words}. The ${MOST_GROUPS} largest are:` : words),
      h("thead", h("tr", h("th", { scope: "col" }, "group"), heads)),
      h("tbody", lines),
    ),
  );
}

/** @param {Ensemble} one @param {string} unit @returns {{label: string, help: string, value: Child}[]} */
function factsOf({ lowest, rows, distinct, span, needed, average, entropy }, unit) {
  const { difference, energy, gibbs } = quantities(unit);
  const total = lowest.compared_by === "gibbs" ? gibbs : energy;
  const heat = unit === "" || unit === "kcal" ? "cal" : "J";
  const relative = (/** @type {number | null} */ value) =>
    value === null ? "" : `${fixed(value, difference.decimals)} ${difference.words}`;
  return [
    {
      label: "lowest",
      help: "from which energies are counted",
      value: [
        h("a", { href: href(`jobs/${lowest.number}`) }, title(lowest)),
        ` ${fixed(lowest[total.field], total.decimals)} ${total.words}`,
      ],
    },
    {
      label: distinct === null ? "jobs" : "distinct",
      help: "conformers that are not there again",
      value: distinct === null ? count(rows.length) : `${count(distinct)} of ${count(rows.length)}`,
    },
    { label: "range", help: "from the lowest energy to the highest", value: relative(span) },
    {
      label: `in ${LARGEST}`,
      help: `conformers that make ${LARGEST} of the population`,
      value: needed === null ? "" : count(needed),
    },
    { label: "mean", help: "mean of the relative energies by weight", value: relative(average) },
    {
      label: "S of mixing",
      help: "entropy of the distribution over conformers: -R Σ w ln(w / degeneracy)",
      value: entropy === null ? "" : `${(entropy * R[heat]).toFixed(2)} ${heat}/(mol K)`,
    },
  ];
}

/**
 * Plot how many jobs are in each range of energies.
 *
 * @param {Ensemble} one
 * @param {string} unit
 * @param {string} name - of the ensemble, if there are others.
 * @param {(from: number, to: number) => void} pick - gets the range of a bar that was chosen.
 * @returns {import("../../plots/plot.js").Plot}
 */
export function histogram(one, unit, name, pick) {
  const { difference } = quantities(unit);
  const { width, from, counts } = bins(
    one.rows.map((row) => row[difference.field]),
    FINEST[/** @type {keyof typeof FINEST} */ (unit)] ?? FINEST.kcal,
  );
  const at = (/** @type {number} */ place) => Number((from + place * width).toPrecision(9));
  const symbol = one.lowest.compared_by === "gibbs" ? "ΔG" : "ΔE";
  return {
    title: `Jobs${name && ` of ${name}`} per ${Number(width.toPrecision(3))} ${difference.words}`,
    kind: "bars",
    x: {
      label: `${symbol} (${difference.words}), middle of each bar`,
      values: counts.map((_, place) => at(place + 0.5)),
    },
    series: [{ label: "jobs", values: counts }],
    onPick: (place) => pick(at(place), at(place + 1)),
  };
}

/**
 * Plot the sum of the weights, from the lowest conformer on.
 *
 * @param {Ensemble} one
 * @param {(row: import("./ensemble.js").Row) => void} pick - gets the row of a point that was chosen.
 * @returns {import("../../plots/plot.js").Plot | null} null: nothing is weighed.
 */
export function cumulative(one, pick) {
  const all = populations(one.rows);
  const end = all.findIndex(({ total }) => total >= NEARLY_ALL);
  const some = all.slice(0, end < 0 ? all.length : end + 1);
  if (some.length === 0) {
    return null;
  }
  return {
    title: `Cumulative weight of the lowest ${count(some.length, "conformer")}`,
    x: { label: "conformers, from the lowest on", values: [0, ...some.map((_, place) => place + 1)] },
    series: [
      {
        label: "weight",
        unit: "%",
        values: [0, ...some.map(({ total }) => Number((100 * total).toFixed(4)))],
      },
    ],
    lines: [{ label: "share of the population:", value: 100 * POPULATION }],
    onPick: (place) => place && pick(some[place - 1].row),
  };
}
