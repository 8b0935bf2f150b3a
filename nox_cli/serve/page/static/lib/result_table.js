// A table of results, a page at a time, that keeps its place when rows come in between.

import { h, replace, safe } from "./dom.js";
import { count } from "./format.js";

/**
 * @typedef {import("./ensemble.js").Row} Row
 * @typedef {import("./result_columns.js").Column} Column
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
    /** @type {Map<string, HTMLTableRowElement>} */
    this._lines = new Map();
    this._caption = h("caption", { class: "visually-hidden" }, "Results");
    this._head = h("thead", null);
    this._body = h("tbody", null);
    this._pages = h("nav", { class: "toolbar result-pages", "aria-label": "Pages of the table" });
    const table = h("table", { class: "results" }, this._caption, this._head, this._body);
    const box = h(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": "Table of results" },
      table,
    );
    this.element = h("div", { class: "result-table" }, box, this._pages);
  }

  /**
   * Show rows.
   *
   * @param {Row[]} rows - sorted.
   * @param {Column[]} columns
   * @param {{name: string, isFalling: boolean}} sort
   * @param {boolean} isOther - they are not the same rows with news: the first page is shown.
   */
  update(rows, columns, sort, isOther) {
    const names = columns.map((one) => one.label).join("\n");
    if (names !== this._columns.map((one) => one.label).join("\n")) {
      this._lines.clear();
      replace(this._body);
    }
    this._rows = rows;
    this._columns = columns;
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
    this._page = Math.floor(Math.max(0, this._rows.indexOf(row)) / PAGE);
    this._draw();
    this._lines.get(keyOf(row))?.scrollIntoView({ block: "center" });
  }

  /** @param {{name: string, isFalling: boolean}} sort */
  _drawHead({ name, isFalling }) {
    const focused = this._head.contains(document.activeElement) ? document.activeElement?.textContent : null;
    const cells = this._columns.map((column) => {
      const isSorted = column.name !== "" && column.name === name;
      const press = () => this._options.sort(column.name, isSorted && !isFalling);
      const arrow = h("span", { "aria-hidden": "true" }, isFalling ? "↓ " : "↑ ");
      return h(
        "th",
        {
          scope: "col",
          class: column.isText ? `cell-${column.label}` : "number",
          title: column.title,
          "aria-sort": isSorted ? (isFalling ? "descending" : "ascending") : null,
        },
        column.name
          ? h("button", { type: "button", onclick: press }, isSorted && arrow, column.label)
          : column.label,
      );
    });
    replace(
      this._head,
      h("tr", null, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Choose")), cells),
    );
    if (focused) {
      [...this._head.querySelectorAll("button")]
        .find((one) => one.textContent.replace(/[↑↓] /, "") === focused.replace(/[↑↓] /, ""))
        ?.focus();
    }
  }

  _draw() {
    const shown = this._rows.slice(this._page * PAGE, (this._page + 1) * PAGE);
    const kept = new Set(shown.map(keyOf));
    const anchor = [...this._lines.values()].find((line) => line.getBoundingClientRect().bottom > 0);
    const isAnchored =
      anchor &&
      anchor.getBoundingClientRect().top < innerHeight &&
      this._body.getBoundingClientRect().top < 0;
    const before = anchor?.getBoundingClientRect().top ?? 0;
    for (const [key, line] of this._lines) {
      if (!kept.has(key)) {
        this._lines.delete(key);
        line.remove();
      }
    }
    shown.forEach((row, place) => {
      const line = this._line(row);
      if (this._body.children[place] !== line) {
        this._body.insertBefore(line, this._body.children[place] ?? null);
      }
    });
    if (isAnchored && anchor.isConnected) {
      scrollBy(0, anchor.getBoundingClientRect().top - before);
    }
    this._drawPages();
  }

  /** @param {Row} row @returns {HTMLTableRowElement} */
  _line(row) {
    const key = keyOf(row);
    const isPicked = this._options.isPicked(row);
    const line =
      this._lines.get(key) ??
      h(
        "tr",
        null,
        h(
          "td",
          null,
          h("input", { type: "checkbox", "aria-label": `Choose ${row.number} ${row.name ?? ""}`.trim() }),
        ),
        this._columns.map((column) => h("td", { class: column.isText ? `cell-${column.label}` : "number" })),
      );
    this._lines.set(key, line);
    const box = /** @type {HTMLInputElement} */ (line.querySelector("input"));
    box.onchange = () => this._options.pick(row);
    box.checked = isPicked;
    box.disabled = !isPicked && this._options.isFull();
    line.setAttribute("aria-selected", String(isPicked));
    for (const [place, column] of this._columns.entries()) {
      fill(line.cells[place + 1], column, row);
    }
    return line;
  }

  _drawPages() {
    const pages = Math.ceil(this._rows.length / PAGE);
    this._pages.hidden = pages < 2;
    if (pages < 2) {
      return;
    }
    const turn = (/** @type {string} */ words, /** @type {number} */ by) =>
      h(
        "button",
        {
          type: "button",
          class: "button",
          disabled: this._page + by < 0 || this._page + by >= pages,
          onclick: () => this._turn(by),
        },
        words,
      );
    const [first, last] = [this._page * PAGE + 1, Math.min(this._rows.length, (this._page + 1) * PAGE)];
    replace(
      this._pages,
      turn("Previous", -1),
      h(
        "span",
        { class: "muted" },
        `${count(first)} to ${count(last)} of ${count(this._rows.length, "row")}`,
      ),
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
  if (shown instanceof Node) {
    if (!cell.firstChild?.isEqualNode(shown)) {
      replace(cell, shown);
    }
  } else if (cell.textContent !== String(shown ?? "")) {
    cell.textContent = safe(String(shown ?? ""));
  }
  const remark = column.remark?.(row);
  if (remark) {
    cell.title = remark;
  }
}

/** @param {Row} row */
function keyOf(row) {
  return `${row.number}@${row.temperature_k ?? ""}`;
}
