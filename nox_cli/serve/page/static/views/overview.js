// Overview: counts and rate, what runs and has ended, failures by reason, batches, and the workers in short.

import { act, refusal } from "../lib/action.js";
import { ApiError, get } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace, safe } from "../lib/dom.js";
import {
  clock,
  count,
  duration,
  energy,
  left as leftWords,
  moment,
  title as named,
  rate,
  reason,
  state,
} from "../lib/format.js";
import { growOnly, keyed, put } from "../lib/keyed.js";
import { live, throttled } from "../lib/live.js";
import { empty, failure, skeleton } from "../lib/notice.js";
import { href } from "../lib/router.js";
import { finding, slotsWords, troubles } from "../lib/workforce.js";
import { Spark } from "../plots/spark.js";

export const title = "Overview";

const ROWS = 6;
// Counts follow events as often as this, what takes longer to read less often.  What tabs share on the server
// is up to a second old: the last change is on the page after one more look.
const COUNTS_MS = 500;
const REST_MS = 2_000;
const SETTLED_MS = 1_100;
const SLICES = 30;
const STATES = /** @type {const} */ (["done", "failed", "cancelled", "running", "waiting"]);
const PUBLIC = {
  done: "completed",
  failed: "failed",
  cancelled: "cancelled",
  running: "running",
  waiting: "pending",
};
// A retry gives the same result again.
const FINAL_REASONS = new Set(["input", "damaged"]);
/** @type {[string, string][]} */
const RUNNING_COLUMNS = [
  ["job", "of-job"],
  ["step", ""],
  ["|g|", "number"],
  ["course", "sparks"],
  ["time", "number"],
];
/** @type {[string, string][]} */
const DONE_COLUMNS = [
  ["job", "of-job"],
  ["E/Eh", "number"],
  ["took", "number took"],
  ["ended", "number"],
];
const EXPLAINED = 5;
const FOLLOWED_BATCHES = 3;
const STRIP_PARTS = 40;

/**
 * @param {HTMLElement} root
 * @param {{signal: AbortSignal}} about
 */
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
    const ticking = setInterval(() => this.tick(), 1_000);
    this.signal.addEventListener("abort", () => {
      clearInterval(ticking);
      clearTimeout(this.settling);
    });
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

  /**
   * @param {string} path
   * @param {Record<string, any>} [query]
   * @returns {Promise<any>} null: it could not be read, which is reported.
   */
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

  /**
   * Show the first of the errors of what is read, as long as there is one.
   *
   * @param {string} path
   * @param {ApiError | null} error
   */
  report(path, error) {
    if (error) {
      this.errors.set(path, error);
    } else {
      this.errors.delete(path);
    }
    const [first] = this.errors.values();
    if ((this.problem.dataset.code ?? "") !== (first?.code ?? "")) {
      this.problem.dataset.code = first?.code ?? "";
      replace(this.problem, first && failure(first, () => this.look()));
    }
  }
}

/** The jobs by state, as a bar and as numbers, and the rate at which they end. */
class Counts {
  constructor() {
    this.segments = STATES.map((word) => h("span", { class: `state-${PUBLIC[word]}` }));
    this.numbers = STATES.map(() => h("strong.big", " "));
    this.held = h("span.muted.small");
    this.total = h("span.muted");
    this.links = STATES.map((word, place) =>
      h(
        "li",
        h("a", { href: href("jobs", { state: word }) }, this.numbers[place], state(word)),
        word === "waiting" && this.held,
      ),
    );
    this.rate = h("strong.big", " ");
    this.left = h("p.muted", " ");
    this.spark = new Spark("bars");
    this.slices = h("p.muted.small", " ");
    this.element = h(
      "section.panel.overview-counts",
      { "aria-label": "Jobs by state" },
      h(
        "div",
        h("div.row", h("h2", "Jobs"), this.total),
        h("div.stack", { "aria-hidden": "true" }, this.segments),
        h("ul.tiles", this.links),
      ),
      h(
        "div.pace",
        h("h2", "Rate"),
        h("div.pace-now", this.rate, this.left),
        this.spark.element,
        this.slices,
      ),
    );
  }

  /**
   * @param {any} progress
   * @param {any} workforce - null: not read so far.
   */
  show(progress, workforce) {
    const { counts, raw_counts: raw, total } = progress;
    STATES.forEach((word, place) => {
      const number = counts[PUBLIC[word]];
      put(this.numbers[place], count(number));
      this.links[place].classList.toggle("is-none", number === 0);
      this.segments[place].style.flexGrow = String(number);
      this.segments[place].hidden = number === 0;
      const all = progress.owner === null ? { all_users: "true" } : {};
      this.links[place].firstElementChild?.setAttribute("href", href("jobs", { state: word, ...all }));
    });
    put(this.held, raw.held ? `${count(raw.held)} held` : "");
    const ended = counts.completed + counts.failed + counts.cancelled;
    put(
      this.total,
      `${count(ended)}/${count(total)} ended${progress.owner === null ? ", of all users" : ""}`,
    );
    this.pace(progress, ended, workforce);
  }

  /**
   * @param {any} progress
   * @param {number} ended
   * @param {any} workforce
   */
  pace(progress, ended, workforce) {
    const { rate_per_s: perS, left, total, ends_per_slice: ends, slice_s: sliceS } = progress;
    const isServed = !workforce || workforce.workers.some((/** @type {any} */ one) => one.alive);
    put(this.rate, perS === null || ended === total ? "–" : rate(perS));
    put(
      this.left,
      ended === total ? "all have ended" : left && isServed ? leftWords(left) : "no estimate so far",
    );
    const slices = [...Array(Math.max(0, SLICES - ends.length)).fill(0), ...ends];
    const sum = ends.reduce((/** @type {number} */ all, /** @type {number} */ one) => all + one, 0);
    const words = ends.length
      ? `${count(sum)} ended in ${duration(sliceS * ends.length)}, a bar for each ${duration(sliceS)}`
      : "none has ended lately";
    this.spark.update(slices, ends.length ? `${words}: ${ends.join(", ")}` : words);
    put(this.slices, words);
  }
}

/** The workers in one strip, and what keeps jobs from running. */
class Workers {
  constructor() {
    this.words = h("a", { href: href("workers") }, " ");
    this.strip = h("div.strip", { role: "img" });
    this.remarks = h("ul.findings", { "aria-label": "What keeps jobs from running" });
    this.element = h(
      "section.panel.overview-workers",
      { "aria-label": "Workers" },
      h("div.row.lead", h("h2", "Workers"), this.words),
      this.strip,
      this.remarks,
    );
  }

  /** @param {any} workforce */
  show(workforce) {
    const living = workforce.workers.filter((/** @type {any} */ one) => one.alive);
    const words = slotsWords(workforce);
    put(this.words, words);
    this.strip.hidden = living.length === 0;
    this.strip.setAttribute("aria-label", words);
    keyed(
      this.strip,
      parts(living),
      (one) => one.key,
      () => {
        const busy = h("i");
        const element = h("span", busy);
        return {
          element,
          update: (one) => {
            element.style.flexGrow = String(one.slots);
            element.title = `${safe(one.key)}: ${one.busy} of ${count(one.slots, "slot")} busy`;
            busy.style.width = `${(100 * one.busy) / Math.max(1, one.slots)}%`;
          },
        };
      },
    );
    keyed(this.remarks, troubles(workforce), (one) => one.found + one.hint, finding);
  }
}

/** The jobs that have run longest, with the course of those that optimise. */
class Running {
  constructor() {
    this.rows = h("tbody");
    this.more = h("p.more.muted", " ");
    this.table = tableOf("Jobs that run now", RUNNING_COLUMNS, this.rows);
    this.waiting = skeleton(ROWS);
    this.element = panel(
      "Running now",
      href("jobs", { state: "running" }),
      this.waiting,
      this.table,
      this.more,
    );
    this.table.hidden = true;
    this.shown = 0;
    this.number = 0;
  }

  /** @param {any[]} jobs */
  show(jobs) {
    const now = performance.now();
    this.shown = jobs.length;
    keyed(
      this.rows,
      jobs,
      (job) => job.job_id,
      () => {
        const [name, step, norm, time] = [link(), h("td.cut"), h("td.number"), h("td.number")];
        const spark = new Spark("course");
        const element = h("tr", h("td.cut", name), step, norm, h("td.sparks", spark.element), time);
        return {
          element,
          update: (job) => {
            relink(name, job);
            put(step, `${job.cancel_requested ? "stopping " : ""}${job.phase} ${job.steps}`.trim());
            put(norm, exponent(job.gradient_norm_hartree_per_bohr));
            spark.update(job.gradient_norms, courseWords(job.gradient_norms));
            time.dataset.began = String(now - 1_000 * (job.wall_s ?? 0));
          },
        };
      },
    );
    this.waiting.remove();
    this.tick();
    this.draw();
  }

  /** @param {number} number - of all jobs that run. */
  count(number) {
    this.number = number;
    this.draw();
  }

  draw() {
    const more = this.number - this.shown;
    this.table.hidden = this.shown === 0;
    const words = more > 0 ? `and ${count(more)} more` : "";
    if (!this.waiting.isConnected) {
      put(this.more, this.shown ? words : "no job runs");
      growOnly(/** @type {HTMLElement} */ (this.element.lastElementChild));
    }
  }

  tick() {
    for (const cell of this.rows.querySelectorAll("td[data-began]")) {
      const { began } = /** @type {HTMLElement} */ (cell).dataset;
      put(cell, clock((performance.now() - Number(began)) / 1_000));
    }
  }
}

/** The jobs that were done last, with their energies. */
class Finished {
  constructor() {
    this.rows = h("tbody");
    this.none = h("p.more.muted");
    this.table = tableOf("Jobs that were done last", DONE_COLUMNS, this.rows);
    this.waiting = skeleton(ROWS);
    this.element = panel(
      "Newest done",
      href("jobs", { state: "done", sort: "-ended" }),
      this.waiting,
      this.table,
      this.none,
    );
    this.table.hidden = true;
  }

  /** @param {any[]} jobs */
  show(jobs) {
    this.waiting.remove();
    this.table.hidden = jobs.length === 0;
    put(this.none, jobs.length ? "" : "no job is done so far");
    keyed(
      this.rows,
      jobs,
      (job) => `${job.job_id} ${job.finished_at}`,
      (job) => {
        const name = link();
        relink(name, job);
        const element = h(
          "tr",
          h("td.cut", name),
          h("td.number", energy(job.energy_hartree)),
          h("td.number.took", job.wall_s === null ? "" : duration(job.wall_s)),
          h("td.number.muted", moment(job.finished_at)),
        );
        return { element, update: (found) => relink(name, found) };
      },
    );
    growOnly(/** @type {HTMLElement} */ (this.element.lastElementChild));
  }
}

/** Failed jobs by reason: some of each, why the newest one failed, and a button that runs all again. */
class Failures {
  /**
   * @param {AbortSignal} signal
   * @param {() => void} refresh
   */
  constructor(signal, refresh) {
    this.signal = signal;
    this.refresh = refresh;
    this.groups = h("ul.failures");
    this.none = h("p.more.muted");
    this.waiting = skeleton(ROWS);
    this.element = panel(
      "Failed, by reason",
      href("jobs", { state: "failed" }),
      this.waiting,
      this.groups,
      this.none,
    );
    /** @type {Map<string, Promise<any>>} */
    this.explained = new Map();
  }

  /** @param {any} progress */
  show(progress) {
    this.waiting.remove();
    const { failures, failures_grouped: grouped, owner } = progress;
    const { failed } = progress.counts;
    put(
      this.none,
      failed
        ? grouped < failed
          ? `the newest ${count(grouped)} of ${count(failed)}`
          : ""
        : "no job has failed",
    );
    keyed(
      this.groups,
      failures,
      (group) => group.reason,
      (group) => this.group(group, owner),
    );
    growOnly(/** @type {HTMLElement} */ (this.element.lastElementChild));
  }

  /**
   * @param {any} first
   * @param {string | null} owner
   */
  group(first, owner) {
    const selector = `@failed:${first.reason}`;
    const words = h("a", { href: href("jobs", { selector }), class: "what state-failed" });
    const sample = h("p.sample");
    const why = h("p.muted.small");
    const refused = refusal();
    const retry = h("button.button.small", {
      disabled: Boolean(refused),
      title: refused,
      onclick: () => act({ action: "retry", selector: [selector], refresh: this.refresh }),
    });
    const isFinal = FINAL_REASONS.has(first.reason);
    const element = h("li", h("div.row", words, !isFinal && retry), sample, why);
    if (first.reason === "not_converged" && owner !== null) {
      element.append(
        h("p.muted.small", "To continue from the last geometries:"),
        command(line("nox", "retry", selector, "--from-last-geometry")),
      );
    }
    let newest = "";
    return {
      element,
      update: (/** @type {any} */ group) => {
        put(words, `${count(group.count)} ${reason(group.reason)}`);
        put(retry, owner === null ? "Retry own" : `Retry ${count(group.count)}`);
        keyed(
          sample,
          group.sample,
          (job) => job.job_id,
          () => {
            const one = link();
            return { element: one, update: (job) => relink(one, job) };
          },
        );
        sample.classList.toggle("has-more", group.count > group.sample.length);
        if (group.sample.length && group.sample[0].job_id !== newest) {
          newest = group.sample[0].job_id;
          this.explain(newest, why);
        }
      },
    };
  }

  /**
   * @param {string} job
   * @param {HTMLElement} why
   */
  async explain(job, why) {
    if (!this.explained.has(job)) {
      if (this.explained.size >= EXPLAINED * 10) {
        this.explained.clear();
      }
      this.explained.set(
        job,
        get(`jobs/${job}/explain`, { signal: this.signal }).catch(() => null),
      );
    }
    const found = await this.explained.get(job);
    if (found && found.raw_state === "failed") {
      put(why, [found.why.replace(/^failed: /, ""), ...found.facts.slice(-1)].join(" · "));
      why.title = found.facts.map(safe).join("\n");
      growOnly(/** @type {HTMLElement} */ (this.element.lastElementChild));
    }
  }
}

/** The newest batches: first those that have not ended. */
class Batches {
  constructor() {
    this.rows = h("ul.batches");
    this.none = h("p.more.muted");
    this.waiting = skeleton(ROWS);
    this.element = panel("Batches", "", this.waiting, this.rows, this.none);
    /** @type {string[]} */
    this.followed = [];
    /** @type {Map<string, any>} */
    this.progress = new Map();
    /** @type {any[]} */
    this.shown = [];
  }

  /** @param {any[]} batches */
  show(batches) {
    this.waiting.remove();
    const unended = batches.filter((one) => one.unfinished);
    const inOrder = [...batches].sort((one, other) => place(one) - place(other));
    this.shown = inOrder.slice(0, ROWS);
    this.followed = unended
      .filter((one) => one.counts.running)
      .slice(0, FOLLOWED_BATCHES)
      .map((one) => one.batch);
    put(this.none, batches.length ? "" : "no job is in a batch");
    this.draw();
    growOnly(/** @type {HTMLElement} */ (this.element.lastElementChild));
  }

  /** @param {(batch: string) => Promise<any>} read */
  async follow(read) {
    const found = await Promise.all(this.followed.map(read));
    this.progress = new Map(this.followed.map((batch, place) => [batch, found[place]]));
    this.draw();
  }

  draw() {
    keyed(
      this.rows,
      this.shown,
      (one) => one.batch,
      (first) => {
        const name = h(
          "a.cut",
          { href: href(`batches/${encodeURIComponent(first.batch)}`), title: first.batch },
          first.batch,
        );
        const segments = STATES.map((word) => h("span", { class: `state-${PUBLIC[word]}` }));
        const [counted, paced] = [h("span"), h("span.muted")];
        const element = h(
          "li",
          h("div.row", name, counted),
          h("div.stack", { "aria-hidden": "true" }, segments),
          paced,
        );
        return {
          element,
          update: (one) => {
            STATES.forEach((word, place) => {
              segments[place].style.flexGrow = String(one.counts[PUBLIC[word]]);
              segments[place].hidden = one.counts[PUBLIC[word]] === 0;
            });
            put(counted, countsWords(one));
            put(paced, paceWords(one, this.progress.get(one.batch)));
          },
        };
      },
    );
  }
}

/** @param {any} batch */
function place({ unfinished, counts }) {
  return counts.running ? 0 : unfinished ? 1 : 2;
}

/** @param {any} batch */
function countsWords({ counts }) {
  const total = STATES.reduce((sum, word) => sum + counts[PUBLIC[word]], 0);
  const parts = STATES.slice(1).filter((word) => counts[PUBLIC[word]]);
  const rest = parts.map((word) => `${count(counts[PUBLIC[word]])} ${word}`);
  return [`${count(counts.completed)}/${count(total)} done`, ...rest].join(" · ");
}

/**
 * @param {any} batch
 * @param {any} progress
 */
function paceWords(batch, progress) {
  if (!(batch.unfinished && progress)) {
    return "";
  }
  const words = [
    progress.rate_per_s === null ? "" : rate(progress.rate_per_s),
    progress.left ? leftWords(progress.left) : "",
  ];
  return words.filter(Boolean).join(", ");
}

/**
 * Add up slots so that a strip has room for all: of each worker, of each host, or of all together.
 *
 * @param {any[]} living
 * @returns {{key: string, busy: number, slots: number}[]}
 */
function parts(living) {
  /** @type {((one: any) => string)[]} */
  const keys = [
    (one) => (one.name === one.host || !one.name ? one.worker : `${one.host} ${one.name}`),
    (one) => one.host,
  ];
  const keyOf = keys.find((key) => new Set(living.map(key)).size <= STRIP_PARTS) ?? (() => "all workers");
  /** @type {Map<string, {key: string, busy: number, slots: number}>} */
  const found = new Map();
  for (const one of living) {
    const part = found.get(keyOf(one)) ?? { key: keyOf(one), busy: 0, slots: 0 };
    found.set(part.key, { ...part, busy: part.busy + one.busy, slots: part.slots + one.slots });
  }
  return [...found.values()].sort((one, other) => one.key.localeCompare(other.key, "en", { numeric: true }));
}

/**
 * @param {string} heading
 * @param {string} address - of the whole list; empty: there is none.
 * @param {Element} waiting - until the content is there.
 * @param {...any} content
 */
function panel(heading, address, waiting, ...content) {
  const all =
    address && h("a", { href: address, class: "small", "aria-label": `${heading}: show all` }, "show all");
  return h(
    "section.panel",
    { "aria-label": heading },
    h("div.row.lead", h("h2", heading), all),
    waiting,
    h("div", content),
  );
}

/**
 * @param {string} label
 * @param {[string, string][]} columns - names and classes.
 * @param {Element} rows
 */
function tableOf(label, columns, rows) {
  const heads = columns.map(([name, mark]) => h("th", { class: mark, scope: "col" }, name));
  return h("table.plain", { "aria-label": label }, h("thead", h("tr", heads)), rows);
}

function link() {
  return h("a", { href: "#/" });
}

/**
 * @param {Element} element
 * @param {any} job
 */
function relink(element, job) {
  put(element, named(job));
  element.setAttribute("title", safe(named(job)));
  element.setAttribute("href", href(`jobs/${job.number}`));
}

/** @param {number | null} value */
function exponent(value) {
  return value === null ? "" : value.toExponential(0).replace(/e([+-])(\d)$/, "e$10$2");
}

/** @param {number[]} norms */
function courseWords(norms) {
  return norms.length > 1
    ? `|g| of the last ${count(norms.length, "step")}: ${exponent(norms[0])} to ${exponent(norms[norms.length - 1])}`
    : "no course of an optimisation";
}

function firstUse() {
  return empty(
    "No jobs so far",
    h("a.button.primary", { href: href("submit") }, "Submit files"),
    command(line("nox", "submit", "molecule.xyz", "--opt")),
  );
}
