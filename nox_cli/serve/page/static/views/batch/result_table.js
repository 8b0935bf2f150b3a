// A table of results, a page at a time, that keeps its place when rows come in between.

import { h, redraw, replace, safe } from "../../lib/dom.js";
import { count } from "../../lib/format.js";
import { keyed, put } from "../../lib/keyed.js";

/**
 * @typedef {object} Options
 * @property {(name: string, isFalling: boolean) => void} sort
 * @property {(row: Row) => void} pick - its checkbox was used.
 * @property {(row: Row) => boolean} isPicked
 * @property {() => boolean} isFull - no more rows can be picked.
 */

const PAGE = 200;

/** Draws rows; one that is there already keeps its element, and with it the focus. */
export class ResultTable {
  /** @param {Options} options */
  constructor(options) {
    this._options = options;
    this._page = 0;
    /** @type {Row[]} */
    this._rows = [];
    /** @type {Column[]} */
    this._columns = [];
    /** @type {Set<Row>} */
    this._breaks = new Set();
    this._version = 0;
    this._caption = h("caption.visually-hidden", "Results");
    this._head = h("thead");
    this._body = h("tbody");
    this._pages = h("nav.toolbar.result-pages", { "aria-label": "Pages of the table" });
    const table = h("table.results", this._caption, this._head, this._body);
    const box = h("div.table", { tabindex: "0", role: "region", "aria-label": "Table of results" }, table);
    this.element = h("div", box, this._pages);
  }

  /**
   * Show rows.
   *
   * @param {Row[]} rows - sorted.
   * @param {Column[]} columns
   * @param {{name: string, isFalling: boolean}} sort
   * @param {boolean} isOther - they are not the same rows with news: the first page is shown.
   * @param {Set<Row>} breaks - the rows with which another group begins.
   */
  update(rows, columns, sort, isOther, breaks) {
    const names = columns.map((one) => one.label).join("\n");
    if (names !== this._columns.map((one) => one.label).join("\n")) {
      this._version += 1;
    }
    this._rows = rows;
    this._columns = columns;
    this._breaks = breaks;
    this._page = isOther ? 0 : Math.min(this._page, Math.max(0, Math.ceil(rows.length / PAGE) - 1));
    this._drawHead(sort);
    this._draw();
  }

  /** Write again which rows are picked. */
  mark() {
    this._draw();
  }

  /** Show the page of a row, and the row.  @param {Row} row */
  show(row) {
    const place = Math.max(0, this._rows.indexOf(row));
    this._page = Math.floor(place / PAGE);
    this._draw();
    this._body.children[place % PAGE]?.scrollIntoView({ block: "center" });
  }

  /** @param {{name: string, isFalling: boolean}} sort */
  _drawHead({ name, isFalling }) {
    const cells = this._columns.map((column) => {
      const isSorted = column.name !== "" && column.name === name;
      const press = () => this._options.sort(column.name, isSorted && !isFalling);
      const arrow = h("span", { "aria-hidden": "true" }, isFalling ? "↓ " : "↑ ");
      return h(
        "th",
        {
          scope: "col",
          class: classOf(column),
          title: column.title,
          "aria-sort": isSorted ? (isFalling ? "descending" : "ascending") : null,
        },
        column.name
          ? h("button", { id: `by-${column.name}`, onclick: press }, isSorted && arrow, column.label)
          : column.label,
      );
    });
    redraw(this._head, h("tr", h("th", { scope: "col" }, h("span.visually-hidden", "Choose")), cells));
  }

  _draw() {
    const shown = this._rows.slice(this._page * PAGE, (this._page + 1) * PAGE);
    const anchor = [...this._body.children].find((line) => line.getBoundingClientRect().bottom > 0);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    const isInside = this._body.getBoundingClientRect().top < 0;
    keyed(
      this._body,
      shown,
      (row) => this._keyOf(row),
      (row) => this._line(row),
    );
    if (anchor?.isConnected && isInside) {
      scrollBy(0, anchor.getBoundingClientRect().top - before);
    }
    this._drawPages();
  }

  /** @param {Row} row - with another set of columns its line is another one. */
  _keyOf(row) {
    return `${this._version} ${row.number}@${row.temperature_k ?? ""}`;
  }

  /** @param {Row} first */
  _line(first) {
    const label = `Choose ${first.number} ${first.name ?? ""}`.trim();
    const box = h("input", {
      type: "checkbox",
      "aria-label": label,
      onchange: () => this._options.pick(first),
    });
    const cells = this._columns.map((column) => h("td", { class: classOf(column) }));
    const element = h("tr", h("td", box), cells);
    const update = (/** @type {Row} */ row) => {
      box.checked = this._options.isPicked(row);
      box.disabled = !box.checked && this._options.isFull();
      element.setAttribute("aria-selected", String(box.checked));
      element.classList.toggle("result-break", this._breaks.has(row));
      for (const [place, column] of this._columns.entries()) {
        fill(cells[place], column, row);
      }
    };
    return { element, update };
  }

  _drawPages() {
    const pages = Math.ceil(this._rows.length / PAGE);
    this._pages.hidden = pages < 2;
    if (pages < 2) {
      return;
    }
    const turn = (/** @type {string} */ words, /** @type {number} */ by) =>
      h(
        "button.button",
        { disabled: this._page + by < 0 || this._page + by >= pages, onclick: () => this._turn(by) },
        words,
      );
    const [first, last] = [this._page * PAGE + 1, Math.min(this._rows.length, (this._page + 1) * PAGE)];
    replace(
      this._pages,
      turn("Previous", -1),
      h("span.muted", `${count(first)} to ${count(last)} of ${count(this._rows.length, "row")}`),
      turn("Next", 1),
    );
  }

  /** @param {number} by */
  _turn(by) {
    this._page += by;
    this._draw();
    this.element.scrollIntoView({ block: "start" });
    /** @type {HTMLElement | null} */ (this.element.querySelector(".table"))?.focus({ preventScroll: true });
  }
}

/** @param {HTMLTableCellElement} cell @param {Column} column @param {Row} row */
function fill(cell, column, row) {
  const shown = column.shown(row);
  if (!(shown instanceof Node)) {
    put(cell, safe(String(shown ?? "")));
  } else if (!cell.firstChild?.isEqualNode(shown)) {
    replace(cell, shown);
  }
  cell.title = safe(column.remark?.(row) ?? "");
}

/** @param {Column} column */
function classOf(column) {
  return `${column.isText ? `col-${column.label}` : "number"}${column.isSpare ? " col-spare" : ""}`;
}
