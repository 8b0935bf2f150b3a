// All jobs by state and the rate at which they end, and the slots of all workers.

import { h, safe } from "../../lib/dom.js";
import { count, duration, left as leftWords, rate, STATES, stack, state } from "../../lib/format.js";
import { keyed, put } from "../../lib/keyed.js";
import { href } from "../../lib/router.js";
import { finding, slotsWords, troubles } from "../../lib/workforce.js";
import { Spark } from "../../plots/spark.js";

const SLICES = 30;
const STRIP_PARTS = 40;

/** The jobs by state, as a bar and as numbers, and the rate at which they end. */
export class Counts {
  constructor() {
    this.bar = stack({ "aria-hidden": "true" });
    this.held = h("span.muted.small");
    this.total = h("span.muted");
    this.tiles = Object.entries(STATES).map(([name, word]) => {
      const number = h("strong.big", " ");
      const link = h("a", { href: href("jobs", { state: word }) }, number, state(word));
      return { name, word, number, link, element: h("li", link, word === "waiting" && this.held) };
    });
    this.rate = h("strong.big", " ");
    this.left = h("p.muted", " ");
    this.spark = new Spark("bars");
    this.slices = h("p.muted.small", " ");
    this.element = h(
      "section.panel.overview-counts",
      { "aria-label": "Jobs by state" },
      h(
        "div",
        h("div.row", h("h2", "Jobs"), this.total),
        this.bar.element,
        h(
          "ul.tiles",
          this.tiles.map((one) => one.element),
        ),
      ),
      h(
        "div.pace",
        h("h2", "Rate"),
        h("div.pace-now", this.rate, this.left),
        this.spark.element,
        this.slices,
      ),
    );
  }

  /** @param {any} progress @param {any} workforce - null: not read so far. */
  show(progress, workforce) {
    const { counts, raw_counts: raw, total, owner } = progress;
    this.bar.update(counts);
    for (const { name, word, number, link, element } of this.tiles) {
      put(number, count(counts[name]));
      element.classList.toggle("is-none", counts[name] === 0);
      link.setAttribute("href", href("jobs", { state: word, all_users: owner === null }));
    }
    put(this.held, raw.held ? `${count(raw.held)} held` : "");
    const ended = counts.completed + counts.failed + counts.cancelled;
    put(this.total, `${count(ended)}/${count(total)} ended${owner === null ? ", of all users" : ""}`);
    this.pace(progress, ended === total, workforce);
  }

  /** @param {any} progress @param {boolean} isOver - all have ended. @param {any} workforce */
  pace({ rate_per_s: perS, left, ends_per_slice: ends, slice_s: sliceS }, isOver, workforce) {
    const isServed = !workforce || workforce.workers.some((/** @type {any} */ one) => one.alive);
    put(this.rate, perS === null || isOver ? "–" : rate(perS));
    put(this.left, isOver ? "all have ended" : left && isServed ? leftWords(left) : "no estimate so far");
    const slices = [...Array(Math.max(0, SLICES - ends.length)).fill(0), ...ends];
    const sum = ends.reduce((/** @type {number} */ all, /** @type {number} */ one) => all + one, 0);
    const words = ends.length
      ? `${count(sum)} ended in ${duration(sliceS * ends.length)}, a bar for each ${duration(sliceS)}`
      : "none has ended lately";
    this.spark.update(slices, ends.length ? `${words}: ${ends.join(", ")}` : words);
    put(this.slices, words);
  }
}

/** The workers in one strip, and what keeps jobs from running. */
export class Workers {
  constructor() {
    this.words = h("a", { href: href("workers") }, " ");
    this.strip = h("div.strip", { role: "img" });
    this.remarks = h("ul.findings", { "aria-label": "What keeps jobs from running" });
    this.element = h(
      "section.panel.overview-workers",
      { "aria-label": "Workers" },
      h("div.row.lead", h("h2", "Workers"), this.words),
      this.strip,
      this.remarks,
    );
  }

  /** @param {any} workforce */
  show(workforce) {
    const living = workforce.workers.filter((/** @type {any} */ one) => one.alive);
    const words = slotsWords(workforce);
    put(this.words, words);
    this.strip.hidden = living.length === 0;
    this.strip.setAttribute("aria-label", words);
    keyed(
      this.strip,
      parts(living),
      (one) => one.key,
      () => {
        const busy = h("i");
        const element = h("span", busy);
        return {
          element,
          update: (one) => {
            element.style.flexGrow = String(one.slots);
            element.title = `${safe(one.key)}: ${one.busy} of ${count(one.slots, "slot")} busy`;
            busy.style.width = `${(100 * one.busy) / Math.max(1, one.slots)}%`;
          },
        };
      },
    );
    keyed(this.remarks, troubles(workforce), (one) => one.found + one.hint, finding);
  }
}

/**
 * Add up slots so that a strip has room for all: of each worker, of each host, or of all together.
 *
 * @param {any[]} living
 * @returns {{key: string, busy: number, slots: number}[]}
 */
function parts(living) {
  /** @type {((one: any) => string)[]} */
  const keys = [
    (one) => (one.name === one.host || !one.name ? one.worker : `${one.host} ${one.name}`),
    (one) => one.host,
  ];
  const keyOf = keys.find((key) => new Set(living.map(key)).size <= STRIP_PARTS) ?? (() => "all workers");
  /** @type {Map<string, {key: string, busy: number, slots: number}>} */
  const found = new Map();
  for (const one of living) {
    const part = found.get(keyOf(one)) ?? { key: keyOf(one), busy: 0, slots: 0 };
    found.set(part.key, { ...part, busy: part.busy + one.busy, slots: part.slots + one.slots });
  }
  return [...found.values()].sort((one, other) => one.key.localeCompare(other.key, "en", { numeric: true }));
}
