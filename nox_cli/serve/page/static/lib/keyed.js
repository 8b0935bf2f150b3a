// Children of an element that keep up with a list: what stays is changed in place, so that focus, selection
// and the mouse stay where they are.

import { safe } from "./dom.js";

/**
 * @template T
 * @typedef {{element: HTMLElement, update: (item: T) => void}} Row
 */

/** @type {WeakMap<Element, Map<string, Row<any>>>} */
const ROWS = new WeakMap();

/**
 * Show a list as the children of an element, which has no others.
 *
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string | number} keyOf - what tells items apart.
 * @param {(item: T) => Row<T>} make - makes the child of a new item; `update` is called for it, too.
 */
export function keyed(parent, items, keyOf, make) {
  const before = ROWS.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = String(keyOf(item));
    const row = before.get(key) ?? make(item);
    row.update(item);
    after.set(key, row);
    before.delete(key);
  }
  for (const { element } of before.values()) {
    element.remove();
  }
  let place = 0;
  for (const { element } of after.values()) {
    if (parent.children[place] !== element) {
      parent.insertBefore(element, parent.children[place] ?? null);
    }
    place++;
  }
  ROWS.set(parent, after);
}

/** Write text into an element as `replace` does, unless it is there already.  @param {Element} element @param {string} text */
export function put(element, text) {
  const shown = safe(text);
  if (element.textContent !== shown) {
    element.textContent = shown;
  }
}

/** Let an element grow only: what is below it does not move up and down as lines come and go.  @param {HTMLElement} element */
export function growOnly(element) {
  const tallest = Math.max(Number.parseFloat(element.style.minHeight) || 0, element.offsetHeight);
  element.style.minHeight = `${tallest}px`;
}
