// What the page reports: remarks that pass, errors with what to do, empty lists, and what is being read.

import { h } from "./dom.js";
import { live } from "./live.js";

const SHOWN_MS = 6_000;
// Until what failed is tried again while the page is live.
const AGAIN_MS = 5_000;

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

/**
 * Report an error, unless a view was left or a request given up.
 *
 * @param {Error} error
 * @returns {undefined}
 */
export function report(error) {
  if (error.name !== "AbortError") {
    remark(error.message, { kind: "error" });
  }
}

/**
 * Describe an error: what happened, what to do, and a button that tries again.
 *
 * @param {any} error - an `ApiError`, or any other.
 * @param {() => void} [retry] - also called once the server answers again, if it did not.
 * @returns {HTMLElement}
 */
export function failure(error, retry) {
  const isAway = error.status === 0 || error.status === 503;
  const isBug = !("status" in error);
  const waiting = new AbortController();
  function again() {
    waiting.abort();
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
    retry && h("p", h("button.button", { onclick: again }, "Try again")),
  );
  if (retry && isAway) {
    let wasAway = live.state !== "live";
    live.watch(() => {
      if (wasAway && live.state === "live" && box.isConnected) {
        again();
      }
      wasAway = live.state !== "live";
    }, waiting.signal);
    setTimeout(() => !wasAway && !waiting.signal.aborted && box.isConnected && again(), AGAIN_MS);
  }
  return box;
}

/**
 * Describe why a list is empty, and what would fill it.
 *
 * @param {string} title
 * @param {...Child} more - a hint, a command, a link.
 * @returns {HTMLElement}
 */
export function empty(title, ...more) {
  return h("div.empty", h("p.what", title), ...more);
}

/**
 * Hold the place of what is being read, so that nothing moves when it comes.
 *
 * @param {number} lines - the height, in lines of a table.
 * @returns {HTMLElement}
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
