// The rows that a person has chosen, and their structures in one view.

import { h, redraw, replace } from "../../lib/dom.js";
import { count, title } from "../../lib/format.js";
import { sorted } from "./ensemble.js";
import { overlay } from "./overlay.js";
import { fixed, quantities } from "./result_columns.js";

const MOST = 5;

/** A bar that names the chosen rows, and a panel that lays their structures on each other. */
export class Together {
  /**
   * @param {string} overlay - the numbers of the jobs that are shown together, as the address has them.
   * @param {AbortSignal} signal
   * @param {{note: (overlay: string) => void, mark: () => void}} options - `note`: writes the address;
   *   `mark`: marks the rows that are chosen.
   */
  constructor(overlay, signal, { note, mark }) {
    this.overlay = overlay;
    this.signal = signal;
    this.note = note;
    this.mark = mark;
    this.chosen = overlay.split(",").map(Number).filter(Boolean).slice(0, MOST);
    /** @type {Row[]} */
    this.rows = [];
    this.unit = "";
    this.showing = new AbortController();
    this.panel = h("section.panel", { hidden: true, "aria-label": "Structures together" });
    this.bar = h("div.batch-chosen", { role: "status", hidden: true });
  }

  get isFull() {
    return this.chosen.length >= MOST;
  }

  /** @param {Row[]} rows - all. @param {string} unit */
  update(rows, unit) {
    this.rows = rows;
    this.unit = unit;
    this.draw();
  }

  /** Choose a row, or no longer. @param {Row} row */
  pick({ number }) {
    this.choose(
      this.chosen.includes(number) ? this.chosen.filter((one) => one !== number) : [...this.chosen, number],
    );
  }

  /** @param {number[]} numbers */
  choose(numbers) {
    this.chosen = numbers;
    this.mark();
    this.draw();
  }

  /** The chosen rows, the lowest first. */
  shown() {
    const rows = this.chosen
      .map((number) => this.rows.find((row) => row.number === number))
      .filter((row) => row !== undefined);
    return sorted(rows, (row) => row[quantities(this.unit).difference.field], false);
  }

  draw() {
    const rows = this.shown();
    const words = `${rows.map(title).join(", ")}${rows.length === MOST ? " (at most five)" : ""}`;
    const isFew = rows.length < 2;
    const why = isFew ? "Choose two to five rows" : null;
    this.bar.hidden = rows.length === 0;
    redraw(
      this.bar,
      h("span.cut", words),
      h("button.button.primary", { disabled: isFew, title: why, onclick: () => this.open() }, "Overlay"),
      h("button.button", { onclick: () => this.clear() }, "Clear"),
    );
    if (this.overlay && this.panel.hidden && !isFew) {
      this.show();
    }
  }

  open() {
    this.keep(this.chosen.join(","));
    this.show();
    this.panel.scrollIntoView({ block: "start" });
  }

  async show() {
    this.showing.abort();
    this.showing = new AbortController();
    const rows = this.shown();
    const { difference } = quantities(this.unit);
    const box = h("div");
    const close = h("button.button", { onclick: () => this.close() }, "Close");
    replace(this.panel, h("div.head", h("h2", `Structures of ${count(rows.length, "job")}`), close), box);
    this.panel.hidden = false;
    const words = (/** @type {Row} */ row) =>
      row.reference ? `${fixed(row[difference.field], difference.decimals)} ${difference.words}` : "";
    await overlay(box, rows, words, AbortSignal.any([this.showing.signal, this.signal]));
  }

  close() {
    this.showing.abort();
    this.panel.hidden = true;
    this.keep("");
  }

  clear() {
    this.close();
    this.choose([]);
  }

  /** @param {string} overlay */
  keep(overlay) {
    this.overlay = overlay;
    this.note(overlay);
  }
}
