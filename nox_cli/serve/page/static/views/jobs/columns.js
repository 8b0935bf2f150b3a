// Columns of the list of jobs: their headers, their widths, and what their cells show.

import { h } from "../../lib/dom.js";
import { clock, energy, moment, reason, state } from "../../lib/format.js";
import { href } from "../../lib/router.js";

/** Columns that the server knows and that others show. */
export const ADDED = new Set(["formula", "reason", "progress", "raw_state"]);

/** @type {Record<string, Omit<ListColumn, "name">>} by their names in `nox list --columns`. */
export const COLUMNS = {
  number: { label: "#", width: 82, class: "number", sort: "number", cell: (job) => link(job, job.number) },
  name: { label: "name", width: 110, grow: 2, cell: (job) => link(job, job.name || "–") },
  state: { label: "state", width: 106, cell: state },
  message: { label: "note", width: 110, grow: 2, cell: note },
  calculation: { label: "calculation", width: 166, grow: 0.6, cell: what },
  n_atoms: { label: "atoms", width: 56, class: "number", cell: (job) => job.n_atoms || "" },
  engine: { label: "engine", width: 92, cell: (job) => job.engine },
  batch: { label: "batch", width: 90, grow: 1, cell: batch },
  energy_hartree: { label: "E/Eh", width: 136, class: "number", cell: (job) => energy(job.energy_hartree) },
  step: { label: "step", width: 84, class: "number", cell: step },
  wall_s: {
    label: "time",
    width: 76,
    class: "number",
    cell: (job) => (job.wall_s === null ? "" : clock(job.wall_s)),
  },
  finished_at: {
    label: "finished",
    width: 100,
    class: "number",
    sort: "ended",
    cell: (job) => moment(job.finished_at),
  },
  created_at: {
    label: "created",
    width: 100,
    class: "number",
    sort: "created",
    cell: (job) => moment(job.created_at),
  },
  priority: { label: "priority", width: 84, class: "number", sort: "priority", cell: (job) => job.priority },
  cores: { label: "cores", width: 62, class: "number", cell: (job) => job.cores },
  attempt: { label: "attempt", width: 76, class: "number", cell: (job) => job.attempt || "" },
  host: { label: "host", width: 100, grow: 0.5, cell: (job) => job.host },
  owner: { label: "owner", width: 80, grow: 0.5, cell: (job) => job.owner },
  tags: { label: "labels", width: 110, grow: 1, cell: labels },
};

/**
 * Name the columns that are shown unless others are chosen.
 *
 * @param {string} sort - the key that the list is sorted by: its values are shown.
 */
export function usual(sort) {
  const whole = "number,name,state,message,calculation,n_atoms,batch,energy_hartree,step,wall_s";
  const last = { ended: "finished_at", priority: "priority,created_at" }[sort] ?? "created_at";
  return `${whole},${last}`;
}

/** Make a column of a name; one that this page has no form for shows what the server has.  @param {string} name @returns {ListColumn} */
export function column(name) {
  const cell = (/** @type {any} */ job) => {
    const value = job[name];
    return value !== null && typeof value === "object" ? JSON.stringify(value) : value;
  };
  return { name, ...(COLUMNS[name] ?? { label: name.replaceAll("_", " "), width: 90, grow: 1, cell }) };
}

/** @param {any} job @param {Child} words */
function link(job, words) {
  return h("a", { href: href(`jobs/${job.number}`), tabindex: "-1", title: job.name }, words);
}

/** @param {any} job */
function what(job) {
  const words = `${job.formula ?? ""} ${job.calculation}`.trim();
  return h("span", { title: words }, job.formula && `${job.formula} `, h("span.muted", job.calculation));
}

/** @param {any} job */
function batch(job) {
  const to = href(`batches/${encodeURIComponent(job.batch)}`);
  return job.batch && h("a", { href: to, tabindex: "-1", title: job.batch }, job.batch);
}

/** @param {any} job */
function step(job) {
  if (job.state !== "running" || job.progress === null) {
    return job.step;
  }
  return [h("progress", { max: 1, value: job.progress, "aria-label": "Progress" }), job.step];
}

/** @param {any} job */
function labels(job) {
  return Object.entries(job.tags).map(([key, value]) => h("span.tag", `${key}=${value}`));
}

/** Write why a job failed and what to do, where it runs, or what it waits for.  @param {any} job */
function note(job) {
  const why = reason(job.reason);
  if (job.state === "failed") {
    const message = job.message.replace(/^failed: /, "");
    const rest = message.startsWith(why) ? message.slice(why.length) : ` · ${message}`;
    const hint = job.hint && ` · ${job.hint}`;
    const whole = [message, job.hint].filter(Boolean).join("\n");
    return h("span", { title: whole }, h("span.error", why), rest, hint);
  }
  const running = /^(\S+).* on (.+)$/.exec(job.message);
  /** @type {Texts} */
  const words = {
    completed: "",
    cancelled: why,
    running: running ? `${running[1]} on ${running[2]}` : job.message,
  };
  const found = words[job.state] ?? (job.message === job.raw_state ? "" : job.message);
  return found && h("span.muted", { title: job.message }, found);
}
