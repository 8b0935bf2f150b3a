// Overview: counts and rate, what runs and has ended, failures by reason, batches, and the workers in short.

import { ApiError, get } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace } from "../lib/dom.js";
import { every, live, throttled } from "../lib/live.js";
import { empty, fail } from "../lib/notice.js";
import { href } from "../lib/router.js";
import { Batches, Failures, Finished, ROWS, Running } from "./overview/lists.js";
import { Counts, Workers } from "./overview/totals.js";

export const title = "Overview";

// Counts follow events as often as this, what takes longer to read less often.  What tabs share on the server
// is up to a second old: the last change is on the page after one more look.
const COUNTS_MS = 500;
const REST_MS = 2_000;
const SETTLED_MS = 1_100;

/** @param {HTMLElement} root @param {{signal: AbortSignal}} about */
export async function show(root, { signal }) {
  const view = new Overview(signal);
  replace(root, view.element);
  await view.begin();
}

/** The parts of the view, and what they show. */
class Overview {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    /** @type {any} */
    this.progress = null;
    /** @type {any} */
    this.workforce = null;
    this.problem = h("div.problem");
    /** @type {Map<string, ApiError>} */
    this.errors = new Map();
    this.counts = new Counts();
    this.workers = new Workers();
    this.running = new Running();
    this.finished = new Finished();
    this.failures = new Failures(signal, () => this.look());
    this.batches = new Batches();
    this.first = h("div.panel", { hidden: true }, firstUse());
    this.body = h(
      "div.view",
      this.counts.element,
      this.workers.element,
      h("div.grid.overview-grid", this.running.element, this.failures.element),
      h("div.grid.overview-grid", this.finished.element, this.batches.element),
    );
    this.element = h(
      "div.view",
      h("div.head", h("h1", title), command(line("nox", "status"))),
      this.problem,
      this.first,
      this.body,
    );
    this.lookAtCounts = throttled(() => this.readCounts(), COUNTS_MS, signal);
    this.lookAtRest = throttled(() => this.readRest(), REST_MS, signal);
    this.lookAtWorkers = throttled(() => this.readWorkers(), REST_MS, signal);
    this.settling = 0;
  }

  /** Read all, and follow what happens from then on. */
  async begin() {
    live.on(() => this.look(), this.signal);
    document.addEventListener("visibilitychange", () => this.look(), { signal: this.signal });
    every(1_000, () => this.tick(), this.signal);
    this.signal.addEventListener("abort", () => clearTimeout(this.settling));
    this.look();
  }

  /** Read again, now or soon, and once more when what is shared by all tabs is new. */
  look() {
    if (document.hidden) {
      return;
    }
    this.lookAtCounts();
    this.lookAtRest();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.lookAtCounts();
      this.lookAtRest();
    }, SETTLED_MS);
  }

  /** Let clocks go on; steps, estimates and workers change without an event. */
  tick() {
    if (document.hidden) {
      return;
    }
    this.running.tick();
    const counts = this.progress?.counts ?? {};
    const second = Math.trunc(performance.now() / 1_000);
    if (counts.running && second % 2 === 0) {
      this.lookAtRest();
    } else if (second % 10 === 0) {
      this.lookAtWorkers();
    }
    if (second % (counts.running || counts.pending ? 5 : 30) === 0) {
      this.lookAtCounts();
    }
  }

  async readCounts() {
    const found = await this.read("progress");
    if (!found) {
      return;
    }
    this.progress = found;
    this.first.hidden = found.total > 0;
    this.body.classList.toggle("is-empty", found.total === 0);
    this.draw();
    this.failures.show(found);
  }

  async readRest() {
    const [workforce, running, finished, batches] = await Promise.all([
      this.read("workforce", { jobs: false }),
      this.read("running", { limit: ROWS }),
      this.read("jobs", { state: "completed", sort: "-ended", limit: ROWS, all_users: this.isOfAll || null }),
      this.read("batches", { limit: 50 }),
    ]);
    if (!(workforce && running && finished && batches)) {
      return;
    }
    this.workforce = workforce;
    this.draw();
    this.running.show(running.items);
    this.finished.show(finished.items);
    this.batches.show(batches.items);
    await this.batches.follow((batch) => this.read("progress", { batch }));
  }

  /** Read what changes without an event while no job runs. */
  async readWorkers() {
    this.workforce = (await this.read("workforce", { jobs: false })) ?? this.workforce;
    this.draw();
  }

  get isOfAll() {
    return this.progress !== null && this.progress.owner === null;
  }

  draw() {
    if (this.progress) {
      this.counts.show(this.progress, this.workforce);
      this.running.count(this.progress.counts.running);
    }
    if (this.workforce) {
      this.workers.show(this.workforce);
    }
  }

  /** @param {string} path @param {Record<string, any>} [query] @returns {Promise<any>} null: it could not be read, which is reported. */
  async read(path, query) {
    try {
      const found = await get(path, { query, signal: this.signal });
      this.report(path, null);
      return found;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      // A batch that was removed meanwhile is no error.
      this.report(path, error.status === 404 ? null : error);
      return null;
    }
  }

  /** Show the first of the errors of what is read, as long as there is one.  @param {string} path @param {ApiError | null} error */
  report(path, error) {
    if (error) {
      this.errors.set(path, error);
    } else {
      this.errors.delete(path);
    }
    const [first] = this.errors.values();
    if (first) {
      fail(this.problem, first, () => this.look());
    } else {
      replace(this.problem);
    }
  }
}

/** Say that there is no job, and how to make one. */
export function firstUse() {
  return empty(
    "No jobs so far",
    h("a.button.primary", { href: href("submit") }, "Submit files"),
    command(line("nox", "submit", "molecule.xyz", "--opt")),
  );
}
