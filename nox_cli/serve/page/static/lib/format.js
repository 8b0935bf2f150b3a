// Jobs, states, numbers and times in the words of the terminal.

import { h } from "./dom.js";

/** @type {Texts} */
const SYMBOLS = { pending: "○", running: "▶", completed: "✓", failed: "✕", cancelled: "⊘" };
/** The words of the states that all others are shown as, in the order of bars. */
export const STATES = /** @type {Texts} */ ({
  completed: "done",
  failed: "failed",
  cancelled: "cancelled",
  running: "running",
  pending: "waiting",
});
/** @type {Texts} */
const PUBLIC = {
  held: "pending",
  scheduled: "pending",
  blocked: "pending",
  queued: "pending",
  waiting: "pending",
  done: "completed",
};
const REASONS = /** @type {Texts} */ ({
  user: "by request",
  scf: "scf not converged",
  damaged: "record damaged",
  internal: "internal error",
});
const UNITS_S = /** @type {[string, number][]} */ ([
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
]);
const KIB = 1024;
const MIB = KIB ** 2;
const GIB = KIB ** 3;
const NUMBER = new Intl.NumberFormat("en-US");

/**
 * Make the badge of a state: symbol, word and colour.
 *
 * @param {{raw_state?: string, state?: string} | string} job - a job, a change, or the word of a state, raw or public.
 * @returns {HTMLElement} with the class `state-pending`, `-running`, `-completed`, `-failed` or `-cancelled`.
 */
export function state(job) {
  const raw = typeof job === "string" ? job : (job.raw_state ?? job.state ?? "");
  const known = PUBLIC[raw] ?? raw;
  const symbol = h("span.symbol", { "aria-hidden": "true" }, SYMBOLS[known] ?? "?");
  return h("span", { class: `badge state-${known}` }, symbol, STATES[raw] ?? raw);
}

/**
 * Make a bar of jobs by state.
 *
 * @param {Texts} attributes
 * @returns {{element: HTMLElement, update: (counts: Record<string, number>) => void}}
 */
export function stack(attributes) {
  const names = Object.keys(STATES);
  const parts = names.map((name) => h("span", { class: `state-${name}` }));
  const update = (/** @type {Record<string, number>} */ counts) => {
    for (const [place, name] of names.entries()) {
      parts[place].style.flexGrow = String(counts[name]);
      parts[place].hidden = counts[name] === 0;
    }
  };
  return { element: h("div.stack", attributes, parts), update };
}

/** Name a job by its number and its name: `42 benzene`.  @param {{number: number, name?: string | null}} job */
export function title(job) {
  return `${job.number} ${job.name ?? ""}`.trimEnd();
}

/** Write a count: `2,000`, or with its word `2,000 jobs`.  @param {number} number @param {string} [word] - for one of them. */
export function count(number, word) {
  const digits = NUMBER.format(number);
  return word ? `${digits} ${word}${number === 1 ? "" : "s"}` : digits;
}

/** Write a duration in words, with two units at most: `40 ms`, `0.4 s`, `2 min 41 s`, `1 h 24 min`.  @param {number} seconds */
export function duration(seconds) {
  if (seconds > 0 && seconds < 0.1) {
    return `${Math.max(1, rounded(1_000 * seconds))} ms`;
  }
  if (seconds > 0 && seconds < 10) {
    return `${tenths(seconds)} s`;
  }
  const whole = Math.max(0, rounded(seconds));
  const place = UNITS_S.findIndex(([, size]) => whole >= size);
  if (place < 0 || place === UNITS_S.length - 1) {
    return `${whole} s`;
  }
  const [[name, size], [below, part]] = UNITS_S.slice(place);
  const rest = Math.floor((whole % size) / part);
  return `${Math.floor(whole / size)} ${name}${rest ? ` ${rest} ${below}` : ""}`;
}

/** Write a duration that grows as a clock does: `0:48`, `1:02:03`, `3-04:05:06`.  @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.trunc(seconds));
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3_600) % 24];
  const [minutes, second] = [Math.floor(whole / 60) % 60, padded(whole % 60)];
  if (days) {
    return `${days}-${padded(hours)}:${padded(minutes)}:${second}`;
  }
  return hours ? `${hours}:${padded(minutes)}:${second}` : `${minutes}:${second}`;
}

/**
 * Write a time as one that has passed or comes, such as `2 min ago`; its title is the exact time.
 *
 * @param {string | null | undefined} iso
 * @returns {HTMLElement | string} which keeps up with the time; empty: there is none.
 */
export function moment(iso) {
  if (!iso) {
    return "";
  }
  const then = new Date(iso);
  const exact = then.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  return h("time.moment", { datetime: iso, title: exact }, relative(then.getTime(), Date.now()));
}

/** Keep the times of the page up to date, from now on. */
export function keepMoments() {
  setInterval(() => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time.moment")) {
      const words = relative(Date.parse(element.getAttribute("datetime") ?? ""), now);
      if (element.textContent !== words) {
        element.textContent = words;
      }
    }
  }, 5_000);
}

/**
 * Write the distance of a time from now: `now`, `42 s ago`, `3 h ago`, `in 5 min`.
 *
 * @param {number} thenMs - since 1970.
 * @param {number} nowMs - since 1970.
 */
export function relative(thenMs, nowMs) {
  const apart = Math.abs(nowMs - thenMs) / 1_000;
  if (apart < 1) {
    return "now";
  }
  const [name, size] = UNITS_S.find((unit) => apart >= unit[1]) ?? ["s", 1];
  const words = `${Math.floor(apart / size)} ${name}`;
  return thenMs > nowMs ? `in ${words}` : `${words} ago`;
}

/**
 * Write an energy with 8 decimals, without its unit.
 *
 * @param {number | null | undefined} hartree
 * @returns {string} empty: there is none.
 */
export function energy(hartree) {
  return hartree === null || hartree === undefined ? "" : hartree.toFixed(8);
}

/**
 * Write a gradient or a change of energy: `1.2e-05`.
 *
 * @param {number | null | undefined} value
 * @param {number} [decimals]
 * @returns {string} empty: there is none.
 */
export function exponential(value, decimals = 1) {
  return value === null || value === undefined
    ? ""
    : value.toExponential(decimals).replace(/e([+-])(\d)$/, "e$10$2");
}

/** Write an amount of bytes: `512 KiB`, `300 MiB`, `2.0 GiB`.  @param {number} bytes */
export function size(bytes) {
  if (bytes >= GIB) {
    return `${tenths(bytes / GIB)} GiB`;
  }
  return bytes >= MIB ? `${rounded(bytes / MIB)} MiB` : `${Math.ceil(Math.max(0, bytes) / KIB)} KiB`;
}

/** Write the rate at which jobs end: `21.3/s`, `4.5/min`, `12/h`.  @param {number} perS */
export function rate(perS) {
  for (const [name, sizeS] of /** @type {[string, number][]} */ ([
    ["s", 1],
    ["min", 60],
  ])) {
    if (perS * sizeS >= 1) {
      return `${tenths(perS * sizeS)}/${name}`;
    }
  }
  return `${Number((perS * 3_600).toPrecision(2))}/h`;
}

/**
 * Write the time that jobs take until all have ended; it is more than the latter in one case of ten.
 *
 * @param {{likely_s: number, late_s: number}} estimate
 */
export function left({ likely_s: likelyS, late_s: lateS }) {
  const [likely, late] = [duration(likelyS), duration(lateS)];
  return `about ${likely} left${late === likely ? "" : ` (up to ${late})`}`;
}

/**
 * Write a charge: `+1`, `0`, `-1`.
 *
 * @param {number | null | undefined} charge - in e.
 * @returns {string} empty: there is none.
 */
export function signed(charge) {
  return charge === null || charge === undefined ? "" : `${charge > 0 ? "+" : ""}${charge}`;
}

/** Write why a job failed or was cancelled: `not converged`.  @param {string | null | undefined} code - as in JSON. */
export function reason(code) {
  return code ? (REASONS[code] ?? code.replaceAll("_", " ")) : "";
}

/** Round a half to the even number, as Python does.  @param {number} value */
function rounded(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

/** @param {number} value */
function tenths(value) {
  const isHalf = Number.isInteger(value * 4) && (value * 4) % 2 !== 0; // as 0.25, which lies between two tenths
  return (isHalf ? rounded(value * 10) / 10 : value).toFixed(1);
}

/** @param {number} value */
function padded(value) {
  return String(value).padStart(2, "0");
}
