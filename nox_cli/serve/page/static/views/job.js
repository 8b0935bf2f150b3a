// One job: what it computes, why it waits or failed, its course, structure, results, log and files.

import { buttons } from "../lib/action.js";
import { get } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { facts, h, redraw, replace } from "../lib/dom.js";
import { clock, count, duration, moment, title as named, reason, size, state } from "../lib/format.js";
import { every, live, throttled } from "../lib/live.js";
import { fail, skeleton } from "../lib/notice.js";
import { href, retitle } from "../lib/router.js";
import * as calculation from "./job/calculation.js";
import { Convergence } from "./job/convergence.js";
import { citation, files, Log } from "./job/files.js";
import { Numbers } from "./job/numbers.js";
import { Structure } from "./job/structure.js";

/** @typedef {{element: HTMLElement, update: (job: Job) => unknown, shown?: string}} Part - a panel, which hides what there is not. */

const REFRESH_MS = 250;
const LOOK_MS = 1_000;
const MOST_PARENTS = 6;
const ACTIONS = /** @type {Record<string, any[]>} */ ({
  held: ["cancel", "release", "set"],
  pending: ["cancel", "hold", "set"],
  running: ["cancel"],
  failed: ["retry"],
  cancelled: ["retry"],
});

/** @param {Texts} params */
export const title = (params) => `Job ${params.job}`;

/** @param {HTMLElement} root @param {{params: Texts, query: Record<string, any>, signal: AbortSignal}} about */
export async function show(root, { params, query, signal }) {
  replace(root, h("h1", title(params)), skeleton(12));
  const path = `jobs/${encodeURIComponent(params.job)}`;
  /** @type {View | null} */
  let view = null;
  async function read() {
    const job = await get(path, { signal });
    view ??= new View(root, job, { path, query, signal, refresh });
    await view.update(job);
  }
  // One after the other, and listening before the first: what changes meanwhile must not be missed.
  let last = Promise.resolve();
  const next = () => {
    last = last.catch(() => {}).then(read);
    return last;
  };
  const refresh = throttled(next, REFRESH_MS, signal);
  live.on((changes, { isGap }) => {
    if (
      isGap ||
      changes.some((change) => String(change.number) === params.job || change.job_id === params.job)
    ) {
      refresh();
    }
  }, signal);
  await next();
}

/** The panels of one job. */
class View {
  /**
   * @param {HTMLElement} root
   * @param {Job} job
   * @param {{path: string, query: Record<string, any>, signal: AbortSignal, refresh: () => void}} about
   */
  constructor(root, job, about) {
    this.about = about;
    this.head = h("div.job-head");
    this.why = h("section.panel.job-why", { "aria-label": "State" });
    this.facts = h("section.panel");
    this.problem = h("div.problem");
    this.parents = h("span.row", job.parents.map(parent));
    this.nameParents(job);
    this.progress = new Progress(about);
    const convergence = new Convergence(about);
    const numbers = new Numbers(about);
    const structure = new Structure(about, (step) => convergence.mark(step));
    const log = new Log(about);
    const [kept, cited] = [files(about, log), citation(about)];
    const why = { element: this.why, update: (/** @type {Job} */ job) => this.explain(job) };
    /** @type {Part[]} */
    this.parts = [why, this.progress, structure, convergence, log, numbers, kept, cited];
    this.progress.onLook = () => convergence.look();
    replace(
      root,
      this.head,
      this.problem,
      this.why,
      this.progress.element,
      h(
        "div.job-columns",
        h("div", structure.element, convergence.element, numbers.spectrum, log.element),
        h("div", numbers.element, this.facts, kept.element, cited.element),
      ),
    );
    retitle(named(job));
  }

  /** @param {Job} job */
  async update(job) {
    const { signal } = this.about;
    redraw(this.head, this.heading(job));
    replace(this.facts, h("h2", "Job"), about(job, this.parents), command(line("nox", "status", job.number)));
    const work = this.parts.map(async (part) => {
      try {
        await part.update(job);
      } catch (/** @type {any} */ error) {
        if (!("status" in error)) {
          throw error;
        }
        part.shown = ""; // it is read again
        return error;
      }
    });
    const failed = (await Promise.all(work)).find(Boolean);
    signal.throwIfAborted();
    if (failed) {
      fail(this.problem, failed, this.about.refresh);
    } else {
      replace(this.problem);
    }
  }

  /** @param {Job} job */
  heading(job) {
    const actions = ACTIONS[job.state] ?? ACTIONS[job.public_state] ?? [];
    const atoms = job.n_atoms ? `${job.formula} (${count(job.n_atoms, "atom")})` : "";
    const said = [atoms, job.spec.method && calculation.charge(job.spec)].filter(Boolean).join(" · ");
    return [
      h(
        "div.head",
        h("h1", named(job)),
        state(job.state),
        job.reason && h("span.muted", reason(job.reason)),
        job.batch && h("a.tag", { href: href(`batches/${encodeURIComponent(job.batch)}`) }, job.batch),
        h(
          "div.row",
          buttons(() => ({ jobs: [job] }), { actions, refresh: this.about.refresh }),
        ),
      ),
      h("p.muted", said),
      h("p", calculation.words(job.spec, job.outcome?.result)),
    ];
  }

  /** Write the names of the jobs that this one came after in place of their ids.  @param {Job} job */
  async nameParents({ parents }) {
    const { signal } = this.about;
    const read = (/** @type {string} */ id) => get(`jobs/${id}/explain`, { signal }).catch(() => null);
    const found = await Promise.all(parents.slice(0, MOST_PARENTS).map(read));
    replace(
      this.parents,
      parents.map((/** @type {string} */ id, /** @type {number} */ place) => parent(id, found[place])),
    );
  }

  /** Show why a job waits, failed or was cancelled, and what helps.  @param {Job} job */
  async explain(job) {
    const isOpen =
      job.public_state === "pending" || job.public_state === "failed" || job.public_state === "cancelled";
    this.why.hidden = !isOpen;
    if (!isOpen) {
      return;
    }
    const found = await get(`${this.about.path}/explain`, { signal: this.about.signal });
    this.why.dataset.state = job.public_state;
    replace(
      this.why,
      h("p.what", found.why),
      found.expected_start_at && h("p", "Expected to start ", moment(found.expected_start_at)),
      found.facts.length > 0 &&
        h(
          "ul",
          found.facts.map((/** @type {string} */ fact) => h("li", fact)),
        ),
      [...found.commands, line("nox", "explain", job.number)].map((text) => command(text)),
    );
  }
}

/** @param {string} id @param {any} [job] - the record, if it was read. */
function parent(id, job) {
  return h(
    "span",
    h("a", { href: href(`jobs/${id}`) }, job?.number ? named(job) : id.slice(0, 8)),
    " ",
    job?.number ? state(job) : "",
  );
}

/** How far a running job is. */
class Progress {
  /** @param {{path: string, signal: AbortSignal}} about */
  constructor({ path, signal }) {
    this.onLook = async () => {};
    this.bar = h("progress", { "aria-label": "Progress", max: "1" });
    this.message = h("span");
    this.clock = h("span.muted");
    this.element = h(
      "section.panel.job-progress",
      { "aria-label": "Progress" },
      this.bar,
      h("div.row", this.message, this.clock),
    );
    /** @type {Job | null} */
    this.job = null;
    const look = throttled(
      async () => {
        const found = await get(`${path}/status`, { signal });
        this.show(found.progress, found.message);
        await this.onLook();
      },
      LOOK_MS / 2,
      signal,
    );
    const tick = () => {
      if (this.job?.state === "running" && !document.hidden) {
        this.clock.textContent = clock((Date.now() - Date.parse(this.job.started_at)) / 1_000);
        look();
      }
    };
    every(LOOK_MS, tick, signal);
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    this.element.hidden = job.state !== "running";
    this.show(job.progress, job.message);
  }

  /** @param {number | null} share @param {string} message */
  show(share, message) {
    replace(this.message, message);
    if (share === null) {
      this.bar.removeAttribute("value");
    } else {
      this.bar.value = share;
    }
  }
}

/** @param {Job} job @param {HTMLElement} parents */
function about(job, parents) {
  const { source = {}, retry_of: earlier } = job.spec;
  const submitted = calculation.submitLine(job);
  /** @type {[string, any][]} */
  const rows = [
    ["Submitted", moment(job.created_at)],
    ["Started", moment(job.started_at)],
    ["Ended", moment(job.finished_at)],
    ["Ran", job.finished_at && job.wall_s !== null ? duration(job.wall_s) : null],
    ["Starts at", job.state === "scheduled" ? moment(job.due_at) : null],
    ["Host", job.host],
    ["Worker", job.worker],
    ["Owner", job.owner],
    ["Priority", job.priority || null],
    [
      "Resources",
      `${count(job.cores, "core")}, ${size(job.memory_bytes)}${job.time_limit_s ? `, ${duration(job.time_limit_s)}` : ""}`,
    ],
    ["Retries left", job.retries ? `${job.retries_left} of ${job.retries}` : null],
    ["Tags", Object.entries(job.tags).map(([key, value]) => h("span.tag", `${key}=${value}`))],
    ["From", source.file],
    ["After", job.parents.length ? parents : null],
    ["Continues", earlier && h("a", { href: href(`jobs/${earlier}`) }, `job ${earlier}`)],
    ["Id", h("code", job.job_id)],
  ];
  return [
    facts(rows),
    submitted && h("p.muted.small", "The same calculation:"),
    submitted && command(submitted),
  ];
}
