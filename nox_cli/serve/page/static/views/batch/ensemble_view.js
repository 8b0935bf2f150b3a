// What is drawn of ensembles: remarks, their summary, the histogram of energies, the cumulative weights.

import { h, replace, table } from "../../lib/dom.js";
import { count, title } from "../../lib/format.js";
import { failure } from "../../lib/notice.js";
import { href } from "../../lib/router.js";
import { plot } from "../../plots/plot.js";
import { ROOM_TEMPERATURE_K } from "./choices.js";
import { bins, POPULATION, populations } from "./ensemble.js";
import { apart, fixed, OBSTACLES, quantities, shared } from "./result_columns.js";

// The gas constant, per mole and kelvin.
const R = { cal: 1.987204259, J: 8.31446261815324 };
// Bars are no narrower than the difference below which two conformers count as one, about 0.05 kcal/mol.
const FINEST = { kcal: 0.05, kj: 0.2, ev: 0.002, hartree: 1e-4 };
const MOST_GROUPS = 20;
const MOST_NAMED = 6;
// The rest of the conformers is not plotted.
const NEARLY_ALL = 0.999;
const LARGEST = `${100 * POPULATION} %`;

/**
 * Describe what rows share, and why some are not compared.
 *
 * @param {Row[]} rows
 * @param {Ensemble[]} all
 * @param {string[]} remarks - of the server.
 * @param {boolean} isAt - a temperature was chosen.
 * @param {Child} later - why there are no weights.
 */
export function about(rows, all, remarks, isAt, later) {
  const alone = rows.filter((row) => row.not_compared === "alone");
  const isNone = all.length === 0 && alone.length > 1;
  const left = Map.groupBy(
    rows.filter((row) => row.not_compared && !(isNone && row.not_compared === "alone")),
    (row) => row.not_compared,
  );
  const notes = [
    isNone && "Nothing is ranked: no two of these jobs have the same formula, charge, method and conditions",
    ...remarks,
    ...[...left].map(
      ([why, some]) => `${count(some.length, "row")} not compared, ${OBSTACLES[why]}: ${numbers(some)}`,
    ),
    later,
  ].filter(Boolean);
  const weights = h("span.muted", ` · weights at ${temperature(all, isAt)}`);
  const items = notes.map((words) => h("li", words));
  return [
    rows.length > 0 && h("p", shared(rows), all.length > 0 && weights),
    items.length > 0 && h("ul.batch-remarks.small", items),
  ];
}

/** The numbers of the first of some rows.  @param {Row[]} rows */
function numbers(rows) {
  const first = rows.slice(0, MOST_NAMED).map((row) => row.number);
  return `${first.join(", ")}${rows.length > MOST_NAMED ? ", …" : ""}`;
}

/** The temperature of the weights, in words.  @param {Ensemble[]} all @param {boolean} isAt */
function temperature(all, isAt) {
  const found = all.map(({ lowest }) => {
    const isOwn = isAt || lowest.compared_by === "gibbs";
    return (isOwn && lowest.temperature_k) || ROOM_TEMPERATURE_K;
  });
  const kelvins = [...new Set(found)].sort((a, b) => a - b).map((one) => Number(one.toPrecision(6)));
  return `${kelvins.join(", ")} K`;
}

/**
 * Describe ensembles: one as a list of facts, several as a table whose rows can be pressed.
 *
 * @param {Ensemble[]} all
 * @param {string} unit - as `--unit` takes it.
 * @param {string | undefined} pressed - the key of the one that is looked at.
 * @param {(key: string) => void} press
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
  const heads = factsOf(all[0], unit).map(
    ({ label, help }, place) =>
      /** @type {[Child, string?, string?]} */ ([label, place ? "number" : undefined, help]),
  );
  const more = all.length - MOST_GROUPS;
  const words = `${count(all.length)} groups: energies are compared within each, not between them`;
  const caption = h("caption", more > 0 ? `${words}. The ${MOST_GROUPS} largest are:` : words);
  return table(caption, [["group"], ...heads], lines, "table.batch-groups");
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

/** The plots of one ensemble, side by side. */
export class Figures {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.element = h("div.grid.batch-figures");
    /** @type {ReturnType<typeof plot>[]} */
    this.plots = [];
  }

  /**
   * @param {Ensemble[]} all
   * @param {string} unit - as `--unit` takes it.
   * @param {string | undefined} pressed - the key of the one that is looked at; the first, if it is none of them.
   * @param {{pickRange: (key: string, from: number, to: number) => void, pickRow: (row: Row) => void}} options
   */
  update(all, unit, pressed, { pickRange, pickRow }) {
    const one = all.find(({ key }) => key === pressed) ?? all[0];
    const lowest = all.map((other) => other.lowest);
    const name = all.length > 1 ? apart(one.lowest, lowest) : "";
    const bars = one && histogram(one, unit, name, (from, to) => pickRange(one.key, from, to));
    const data = [bars, one && cumulative(one, pickRow)].filter(
      (found) => found !== null && found !== undefined,
    );
    this.element.hidden = data.length === 0;
    while (this.element.children.length > data.length) {
      this.element.lastChild?.remove();
      this.plots.length = Math.min(this.plots.length, data.length);
    }
    for (const [place, found] of data.entries()) {
      this.plots[place]?.then(
        (drawn) => drawn.update(found),
        () => {},
      );
      if (!this.element.children[place]) {
        const box = h("div.panel");
        this.element.append(box);
        this.plots[place] = plot(box, found, this.signal);
        this.plots[place].catch((error) => replace(box, failure(error)));
      }
    }
  }
}

/**
 * Plot how many jobs are in each range of energies.
 *
 * @param {Ensemble} one
 * @param {string} unit
 * @param {string} name - of the ensemble, if there are others.
 * @param {(from: number, to: number) => void} pick - gets the range of a bar that was chosen.
 * @returns {Plot}
 */
function histogram(one, unit, name, pick) {
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
 * @param {(row: Row) => void} pick - gets the row of a point that was chosen.
 * @returns {Plot | null} null: nothing is weighed.
 */
function cumulative(one, pick) {
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
