// Keyboard shortcuts, and the sheet that lists them.

import { h } from "./dom.js";
import { dialog } from "./notice.js";

const SEQUENCE_MS = 1_500;

/** @type {{keys: string, label: string, work: () => void}[]} */
let shortcuts = [];
let typed = "";
let typedAt = 0;

/**
 * Offer a shortcut; it never fires while somebody types into a field or a dialog is open.
 *
 * @param {string} keys - one key, or two after each other: `?`, `g j`.
 * @param {string} label - what it does, for the sheet; empty: the sheet leaves it out.
 * @param {() => void} work
 * @param {AbortSignal} [signal] - ends it.
 */
export function shortcut(keys, label, work, signal) {
  const added = { keys, label, work };
  shortcuts.push(added);
  signal?.addEventListener("abort", () => {
    shortcuts = shortcuts.filter((one) => one !== added);
  });
}

/** Listen to the keyboard, from now on. */
export function start() {
  shortcut("?", "Show these shortcuts", sheet);
  addEventListener("keydown", pressed);
}

/** Show the sheet of all shortcuts that hold now. */
export function sheet() {
  const rows = shortcuts
    .filter((one) => one.label)
    .map(({ keys, label }) => [
      h(
        "dt",
        keys.split(" ").map((key) => h("kbd", key)),
      ),
      h("dd", label),
    ]);
  const close = h("button.button", { onclick: () => box.close() }, "Close");
  const box = dialog("Keyboard shortcuts", [h("dl.keys", rows), h("p.actions", close)]);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {Element} */ (event.target);
  const isTyping = target.closest?.("input, select, textarea, [contenteditable]");
  const isOther =
    event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented;
  if (isTyping || isOther || document.querySelector("dialog[open]")) {
    typed = "";
    return;
  }
  const before = event.timeStamp - typedAt < SEQUENCE_MS ? typed : "";
  const found = named(`${before} ${event.key}`) ?? named(event.key);
  typed = event.key;
  typedAt = event.timeStamp;
  if (found) {
    typed = "";
    event.preventDefault();
    found.work();
  }
}

/** Find a shortcut; that of a view goes before that of the page.  @param {string} keys */
function named(keys) {
  return shortcuts.findLast((one) => one.keys === keys);
}
