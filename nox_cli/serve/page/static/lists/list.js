// Lists of any length: only the visible rows are in the document.  Keys move in it, select and open.

import { unpressed } from "../lib/api.js";
import { h, replace } from "../lib/dom.js";

/**
 * @typedef {object} Rows - the rows of a list; `PagedRows` reads them as they are needed.
 * @property {number} length
 * @property {boolean} isExact - whether `length` is their number.
 * @property {(index: number) => any} at - undefined: it is being read.
 * @property {(id: string) => number} indexOf - -1: it is not among the rows that are known.
 * @property {(first: number, last: number) => void} want - reads what a view shows.
 * @property {() => Promise<void>} [toEnd] - reads the last rows, where `length` does not lead to them.
 *
 * @typedef {object} Options
 * @property {string} label - names the list for screen readers.
 * @property {ListColumn[]} columns
 * @property {Rows} rows
 * @property {(item: any) => string} id
 * @property {(item: any) => string} title - names a row for screen readers.
 * @property {(item: any) => void} open - Enter, or a click on a row.
 * @property {Selection} [selection] - undefined: rows cannot be selected.
 * @property {{key: string, isDescending: boolean, change: (key: string) => void}} [sort]
 */

// Firefox draws nothing below 17.9 million pixels.
const TALLEST = 8_000_000;
const OVERSCAN = 8;
const IDLE_MS = 160;
const DEFAULT_ROW = 32;
let lists = 0;

/** Holds the rows that are selected: some of them, or all of the list, also those that were never read. */
export class Selection {
  /** @param {() => void} onchange */
  constructor(onchange) {
    this.isAll = false;
    /** @type {Map<string, any>} */
    this.items = new Map();
    this._onchange = onchange;
  }

  get isEmpty() {
    return !this.isAll && this.items.size === 0;
  }

  /** @param {string} id */
  has(id) {
    return this.isAll || this.items.has(id);
  }

  /** Select a row, or no longer.  Of all rows, it is the one that stays.  @param {string} id @param {any} item */
  toggle(id, item) {
    if (this.isAll || !this.items.delete(id)) {
      this.items.set(id, item);
    }
    this.isAll = false;
    this._onchange();
  }

  /** @param {[string, any][]} rows */
  add(rows) {
    this.isAll = false;
    for (const [id, item] of rows) {
      this.items.set(id, item);
    }
    this._onchange();
  }

  all() {
    this.items.clear();
    this.isAll = true;
    this._onchange();
  }

  clear() {
    this.items.clear();
    this.isAll = false;
    this._onchange();
  }
}

/** Draws the visible rows of a list; its element scrolls. */
export class List {
  /** @param {Options} options */
  constructor(options) {
    this._options = options;
    this._name = `list-${++lists}`;
    /** @type {Map<string, any>} what is drawn, by id. */
    this._drawn = new Map();
    /** What a pixel of the scroll bar is below the rows: more than 0 in lists that are too long for one. */
    this._offset = 0;
    this._scrolledTo = 0;
    this._frame = 0;
    this._idle = 0;
    this._row = DEFAULT_ROW;
    this._isDragged = false;
    /** The row that the keys are at. */
    this.current = 0;
    this._currentId = "";
    /** Where a range begins. */
    this._anchor = -1;
    this._head = h("div.list-head", { role: "row", "aria-rowindex": "1" });
    this._header = h("div", { role: "rowgroup", class: "list-header" }, this._head);
    this._body = h("div.list-rows", { role: "rowgroup" });
    this.element = h(
      "div.list",
      {
        role: "grid",
        tabindex: "0",
        "aria-label": options.label,
        "aria-multiselectable": options.selection ? "true" : null,
        onkeydown: (/** @type {KeyboardEvent} */ event) => this._pressed(event),
        onscroll: () => this._scrolled(),
        onclick: (/** @type {MouseEvent} */ event) => this._clicked(event),
        onpointerdown: (/** @type {PointerEvent} */ event) => this._grabbed(event),
      },
      this._header,
      this._body,
    );
    this._resized = new ResizeObserver(() => this._measure());
    this._resized.observe(this.element);
    divide(options, this.element);
    this._drawHead();
  }

  /** Whether the first row is visible. */
  get isAtTop() {
    return this._top < this._row / 2;
  }

  /** The rows that are visible: the first, and the one after the last. @returns {[number, number]} */
  get visible() {
    const last = Math.ceil((this._top + this._view) / this._row);
    return [Math.floor(this._top / this._row), Math.min(last, this._options.rows.length)];
  }

  /** The items that are visible. @returns {any[]} */
  get shown() {
    const [first, last] = this.visible;
    const all = Array.from({ length: Math.max(0, last - first) }, (_, place) =>
      this._options.rows.at(first + place),
    );
    return all.filter(Boolean);
  }

  /** End it. */
  close() {
    this._resized.disconnect();
    cancelAnimationFrame(this._frame);
    this._frame = -1; // nor what waits for a release
    clearTimeout(this._idle);
  }

  /** Draw again, before the next frame. */
  draw() {
    this._frame ||= requestAnimationFrame(async () => {
      await unpressed();
      if (this._frame > 0) {
        this._frame = 0;
        this._draw();
      }
    });
  }

  /** Follow indices that have changed by a number of rows; what is visible does not move.  @param {number} rows */
  shift(rows) {
    this.current += rows;
    this._anchor = this._anchor < 0 ? -1 : this._anchor + rows;
    for (const row of this._drawn.values()) {
      row.index += rows;
    }
    this._show(this._top + rows * this._row);
  }

  /** Scroll to a row, and make it the current one. @param {number} index */
  go(index) {
    this.current = Math.max(0, Math.min(index, this._options.rows.length - 1));
    this._currentId = "";
    const y = this.current * this._row;
    const top = Math.max(y + this._row - this._view, Math.min(y, this._top));
    if (Math.abs(top - this._top) >= 1) {
      this._show(top);
    }
    this.draw();
  }

  /** Begin at a row. @param {number} index */
  begin(index) {
    this.current = index;
    this._show(index * this._row);
  }

  get _view() {
    return Math.max(0, this.element.clientHeight - this._header.offsetHeight);
  }

  get _top() {
    return this.element.scrollTop + this._offset;
  }

  get _height() {
    return this._options.rows.length * this._row;
  }

  _measure() {
    const top = this._top / this._row;
    this._row = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || DEFAULT_ROW;
    this._show(top * this._row);
  }

  /** Scroll to a pixel of the whole list.  @param {number} y */
  _show(y) {
    const height = this._height;
    const physical = Math.min(height, TALLEST);
    const top = Math.max(0, Math.min(y, height - this._view));
    this._body.style.height = `${physical}px`;
    const place = height > TALLEST ? (top / (height - this._view)) * (physical - this._view) : top;
    this.element.scrollTop = place;
    this._scrolledTo = this.element.scrollTop;
    this._offset = height > TALLEST ? top - this._scrolledTo : 0;
    for (const row of this._drawn.values()) {
      this._place(row);
    }
    this.draw();
  }

  _scrolled() {
    const height = this._height;
    const moved = this.element.scrollTop - this._scrolledTo;
    this._scrolledTo = this.element.scrollTop;
    clearTimeout(this._idle);
    if (height > TALLEST && (this._isDragged || Math.abs(moved) > 2 * this._view)) {
      // The place of the scroll bar is a part of the whole; a wheel moves by rows.
      const part = this._scrolledTo / (TALLEST - this._view);
      this._offset = part * (height - this._view) - this._scrolledTo;
    } else if (height > TALLEST) {
      this._idle = setTimeout(() => this._show(this._top), IDLE_MS);
    }
    this._draw();
  }

  /** Note while the scroll bar is held. @param {PointerEvent} event */
  _grabbed(event) {
    const { left } = this.element.getBoundingClientRect();
    if (event.target !== this.element || event.clientX - left < this.element.clientWidth) {
      return;
    }
    this._isDragged = true;
    const released = new AbortController();
    const release = (/** @type {Event} */ one) => {
      if (!(one instanceof PointerEvent) || one.type === "pointerup" || one.buttons === 0) {
        this._isDragged = false;
        released.abort();
      }
    };
    for (const name of ["pointerup", "pointermove", "wheel", "keydown"]) {
      addEventListener(name, release, { signal: released.signal, capture: true, passive: true });
    }
  }

  _draw() {
    const { rows, id } = this._options;
    const [first, last] = this.visible;
    this._body.style.height = `${Math.min(this._height, TALLEST)}px`;
    this.element.setAttribute("aria-rowcount", rows.isExact ? rows.length + 1 : -1);
    this._follow();
    const drawn = new Map();
    const from = Math.max(0, first - OVERSCAN);
    let before = null;
    for (let index = from; index < Math.min(rows.length, last + OVERSCAN); index += 1) {
      const item = rows.at(index);
      const key = item ? id(item) : `?${index}`;
      const row = this._drawn.get(key) ?? { element: h("div", { role: "row" }), item: null, mark: "" };
      this._drawn.delete(key);
      drawn.set(key, row);
      row.index = index;
      this._fill(row, item);
      this._place(row);
      const next = before ? before.nextSibling : this._body.firstChild;
      if (next !== row.element) {
        this._body.insertBefore(row.element, next); // screen readers read the order of the document
      }
      before = row.element;
    }
    for (const row of this._drawn.values()) {
      row.element.remove();
    }
    this._drawn = drawn;
    const current = rows.at(this.current);
    const active = current && drawn.has(id(current)) ? this._idOf(current) : "";
    this.element.setAttribute("aria-activedescendant", active);
    this._drawBox();
    rows.want(first, last);
  }

  /** Keep the current row where its item is now. */
  _follow() {
    const { rows, id } = this._options;
    const place = this._currentId ? rows.indexOf(this._currentId) : -1;
    this.current = place >= 0 ? place : Math.max(0, Math.min(this.current, rows.length - 1));
    const item = rows.at(this.current);
    this._currentId = item ? id(item) : "";
  }

  /** @param {any} row */
  _place(row) {
    row.element.style.transform = `translateY(${row.index * this._row - this._offset}px)`;
  }

  /** @param {any} row @param {any} item */
  _fill(row, item) {
    const { columns, id, selection } = this._options;
    const isSelected = Boolean(item && selection?.has(id(item)));
    const mark = `${row.index} ${isSelected} ${row.index === this.current}`;
    if (row.mark !== mark) {
      row.mark = mark;
      row.element.className = `list-row${row.index === this.current ? " current" : ""}`;
      row.element.setAttribute("aria-rowindex", row.index + 2);
      if (selection) {
        row.element.setAttribute("aria-selected", String(isSelected));
      }
      if (row.box) {
        row.box.checked = isSelected;
      }
    }
    if (item && row.item === item) {
      return;
    }
    row.item = item;
    row.element.id = item ? this._idOf(item) : "";
    row.box = item && selection ? this._box(item, isSelected) : null;
    const cells = columns.map((one) =>
      h("div", { role: "gridcell", class: cellClass(one) }, item ? one.cell(item) : h("span.list-blank")),
    );
    if (!item) {
      row.element.removeAttribute("id");
    }
    replace(row.element, selection && h("div", { role: "gridcell", class: "cell cell-box" }, row.box), cells);
  }

  /** @param {any} item */
  _idOf(item) {
    return `${this._name}-${this._options.id(item)}`;
  }

  /** @param {any} item @param {boolean} isSelected */
  _box(item, isSelected) {
    const label = `Select ${this._options.title(item)}`;
    return h("input", { type: "checkbox", tabindex: "-1", "aria-label": label, checked: isSelected });
  }

  _drawHead() {
    const { columns, selection, sort } = this._options;
    this._all = h("input", { type: "checkbox", tabindex: "-1", "aria-label": "Select all of the list" });
    const cells = columns.map((one) => {
      const isSorted = one.sort !== undefined && one.sort === sort?.key;
      const order = isSorted ? (sort?.isDescending ? "descending" : "ascending") : null;
      const arrow = isSorted && h("span", { "aria-hidden": "true" }, sort?.isDescending ? " ↓" : " ↑");
      const name =
        one.sort && sort
          ? h("button", { onclick: () => sort.change(one.sort ?? "") }, one.label, arrow)
          : one.label;
      return h("div", { role: "columnheader", class: cellClass(one), "aria-sort": order }, name);
    });
    const box =
      selection &&
      h("div", { role: "columnheader", class: "cell cell-box", "aria-label": "Selected" }, this._all);
    replace(this._head, box, cells);
  }

  _drawBox() {
    const { selection } = this._options;
    if (this._all && selection) {
      this._all.checked = selection.isAll;
      this._all.indeterminate = !selection.isAll && !selection.isEmpty;
    }
  }

  /** @param {MouseEvent} event */
  _clicked(event) {
    const { open, selection, id } = this._options;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target === this._all) {
      (selection?.isAll ? selection.clear : selection?.all)?.call(selection);
      return;
    }
    const element = target.closest(".list-row");
    const row = [...this._drawn.values()].find((one) => one.element === element);
    if (!row?.item) {
      return;
    }
    const isBox = Boolean(target.closest(".cell-box"));
    if (!isBox && target.closest("a, button")) {
      return;
    }
    this.current = row.index;
    if (selection && event.shiftKey) {
      this._range(row.index);
    } else if (isBox || event.ctrlKey || event.metaKey) {
      this._anchor = row.index;
      selection?.toggle(id(row.item), row.item);
    } else if (!getSelection()?.toString()) {
      open(row.item);
    }
    this.draw();
  }

  /** Select from the anchor to a row. @param {number} index */
  _range(index) {
    const { rows, selection, id } = this._options;
    const anchor = this._anchor < 0 ? this.current : this._anchor;
    this._anchor = anchor;
    const [first, last] = [Math.min(anchor, index), Math.max(anchor, index)];
    const found = Array.from({ length: last - first + 1 }, (_, place) => rows.at(first + place)).filter(
      Boolean,
    );
    selection?.add(found.map((item) => [id(item), item]));
    getSelection()?.removeAllRanges();
  }

  /** Move the current row.  @param {number} index @param {boolean} [isRange] - select the rows on the way. */
  move(index, isRange = false) {
    const from = this.current;
    this.go(index);
    if (!isRange) {
      this._anchor = -1;
    } else if (this._options.selection) {
      this._anchor = this._anchor < 0 ? from : this._anchor;
      this._range(this.current);
    }
  }

  /** Select the current row, or no longer. */
  toggle() {
    const { rows, selection, id } = this._options;
    const item = rows.at(this.current);
    if (item) {
      this._anchor = this.current;
      selection?.toggle(id(item), item);
    }
  }

  async _end() {
    const { rows } = this._options;
    if (!rows.isExact) {
      await rows.toEnd?.();
    }
    this.move(rows.length - 1);
  }

  /** Open the current row. */
  open() {
    const item = this._options.rows.at(this.current);
    if (item) {
      this._options.open(item);
    }
  }

  /** @param {KeyboardEvent} event */
  _pressed(event) {
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const page = Math.max(1, Math.floor(this._view / this._row) - 1);
    const { current } = this;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.move(current + 1, event.shiftKey),
      ArrowUp: () => this.move(current - 1, event.shiftKey),
      PageDown: () => this.move(current + page, event.shiftKey),
      PageUp: () => this.move(current - page, event.shiftKey),
      Home: () => this.move(0, event.shiftKey),
      End: () => this._end(),
      Enter: () => this.open(),
      " ": () => this.toggle(),
    };
    const work = keys[event.key];
    if (work) {
      event.preventDefault();
      work();
    }
  }
}

/** Divide the width among the columns.  @param {Options} options @param {HTMLElement} element */
function divide({ columns, selection }, element) {
  const box = selection ? 36 : 0;
  const tracks = columns.map(({ width, grow }) => (grow ? `minmax(${width}px, ${grow}fr)` : `${width}px`));
  const least = columns.reduce((sum, one) => sum + one.width, box);
  element.style.setProperty("--columns", [box ? `${box}px` : "", ...tracks].join(" "));
  element.style.setProperty("--least", `${least}px`);
}

/** @param {ListColumn} column */
function cellClass(column) {
  return `cell cell-${column.name} ${column.class ?? ""}`.trim();
}
