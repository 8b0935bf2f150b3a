// What the page reports: remarks that pass, errors with what to do, empty lists, and what is being read.

import { h, replace } from "./dom.js";
import { live } from "./live.js";

const SHOWN_MS = 6_000;
// Until what failed is tried again while the page is live: twice as long after each time.
const AGAIN_MS = 2_000;
/** @type {WeakMap<Element, {tries: number, end?: AbortController}>} */
const waiting = new WeakMap();

/**
 * Report something that has happened; screen readers read it.
 *
 * @param {string} words
 * @param {{kind?: "info" | "error", action?: Element}} [options] - `action`: a link or button that belongs to it.
 */
export function remark(words, { kind = "info", action } = {}) {
  const close = h("button.close", { "aria-label": "Dismiss", onclick: () => box.remove() }, "×");
  const box = h("div", { class: `remark ${kind}` }, h("p", sentence(words)), action, close);
  const boxes = /** @type {HTMLElement} */ (document.getElementById("remarks"));
  boxes.append(box);
  if (kind !== "error") {
    setTimeout(() => box.remove(), SHOWN_MS + 40 * words.length);
  }
}

/** Report an error, unless a view was left or a request given up.  @param {Error} error @returns {undefined} */
export function report(error) {
  if (error.name !== "AbortError") {
    remark(error.message, { kind: "error" });
  }
}

/**
 * Describe an error: what happened, what to do, and a button that tries again.
 *
 * @param {any} error - an `ApiError`, or any other.
 * @param {() => unknown} [retry] - also called later, if the error may pass.
 * @param {Element | null} [before] - returned if it says the same: it is not read again, and keeps the focus.
 */
export function failure(error, retry, before) {
  const isBug = !("status" in error);
  function pressed() {
    waiting.get(box)?.end?.abort();
    retry?.();
  }
  const box = h(
    "div.failure",
    { role: "alert" },
    h("p.what", isBug ? `The page has a defect: ${error.message}` : sentence(error.message)),
    error.hint && h("p.hint", sentence(error.hint)),
    isBug && h("p.hint", "Reload the page; the server and its jobs are not affected."),
    (error.refusals ?? [])
      .slice(0, 20)
      .map((/** @type {any} */ one) => h("p", `${one.index + 1}: ${one.message}`)),
    retry && h("p", h("button.button", { onclick: pressed }, "Try again")),
  );
  const shown = before?.isConnected && before.isEqualNode(box) ? before : box;
  if (retry && error.isPassing) {
    wait(shown, retry);
  }
  return shown;
}

/**
 * Show an error in place of all else; the same one stays as it is.
 *
 * @param {Element} place
 * @param {any} error
 * @param {() => unknown} [retry] - as of `failure`.
 * @param {...Child} more - above it.
 */
export function fail(place, error, retry, ...more) {
  const before = place.querySelector(":scope > .failure");
  const box = failure(error, retry, before);
  if (box !== before) {
    replace(place, ...more, box);
  }
}

/** Try again after a while, or once the server is back.  @param {Element} box @param {() => unknown} retry */
function wait(box, retry) {
  const state = waiting.get(box) ?? { tries: 0 };
  state.end?.abort();
  const end = new AbortController();
  state.end = end;
  waiting.set(box, state);
  let wasAway = live.state !== "live";
  function again() {
    if (box.isConnected && !end.signal.aborted) {
      end.abort();
      state.tries += 1;
      retry();
    }
  }
  live.watch(() => {
    if (wasAway && live.state === "live") {
      again();
    }
    wasAway = live.state !== "live";
  }, end.signal);
  setTimeout(() => !wasAway && again(), AGAIN_MS * 2 ** state.tries);
}

/** Describe why a list is empty, and what would fill it.  @param {string} title @param {...Child} more - a hint, a command, a link. */
export function empty(title, ...more) {
  return h("div.empty", h("p.what", title), ...more);
}

/**
 * Hold the place of what is being read, so that nothing moves when it comes.
 *
 * @param {number} lines - the height, in lines of a table.
 */
export function skeleton(lines) {
  const bars = Array.from({ length: lines }, () => h("div.bar"));
  return h("div.skeleton", { role: "status", "aria-label": "Loading" }, bars);
}

/**
 * Ask in a dialog over the page; Escape closes it, and the focus returns to where it was.
 *
 * @param {string} title
 * @param {Child[]} content
 * @param {{signal?: AbortSignal, class?: string}} [options] - the signal closes it.
 * @returns {HTMLDialogElement} which is open, and removed when it is closed.
 */
export function dialog(title, content, options = {}) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const box = h("dialog", { class: options.class, "aria-labelledby": "dialog-title" }, heading, content);
  box.addEventListener("close", () => box.remove());
  options.signal?.addEventListener("abort", () => box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** @param {string} words - a remark of the server, or a command to type, which stays as it is. */
function sentence(words) {
  if (words.startsWith("nox ")) {
    return words;
  }
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?:]$/.test(text) ? text : `${text}.`;
}
