// What runs, was done last and failed, and the newest batches: some of each.

import { act, refusal } from "../../lib/action.js";
import { get } from "../../lib/api.js";
import { command, line } from "../../lib/command.js";
import { h, safe } from "../../lib/dom.js";
import {
  clock,
  count,
  duration,
  energy,
  exponential,
  left as leftWords,
  moment,
  title as named,
  rate,
  reason,
  STATES,
  stack,
} from "../../lib/format.js";
import { growOnly, keyed, put } from "../../lib/keyed.js";
import { skeleton } from "../../lib/notice.js";
import { href } from "../../lib/router.js";
import { Spark } from "../../plots/spark.js";

/** The most lines of a list. */
export const ROWS = 6;
// A retry gives the same result again.
const FINAL_REASONS = new Set(["input", "damaged"]);
const EXPLAINED = 50;
const FOLLOWED_BATCHES = 3;

/** A panel that holds its place until its list is there, and only grows from then on. */
class Panel {
  /** @param {string} heading @param {string} address - of the whole list; empty: there is none. @param {HTMLElement} list */
  constructor(heading, address, list) {
    const words = { href: address, class: "small", "aria-label": `${heading}: show all` };
    const all = address && h("a", words, "show all");
    this.list = list;
    this.note = h("p.more.muted");
    this.body = h("div", list, this.note);
    this.waiting = skeleton(ROWS);
    this.element = h(
      "section.panel",
      { "aria-label": heading },
      h("div.row.lead", h("h2", heading), all),
      this.waiting,
      this.body,
    );
  }

  /** @param {string} words - below the list, which is there. */
  settle(words) {
    this.waiting.remove();
    put(this.note, words);
    growOnly(this.body);
  }
}

/** A panel with a table of jobs. */
class Table extends Panel {
  /** @param {string} heading @param {string} address @param {string} label @param {[string, string][]} columns - names and classes. */
  constructor(heading, address, label, columns) {
    const rows = h("tbody");
    const heads = columns.map(([name, mark]) => h("th", { class: mark, scope: "col" }, name));
    const table = h("table.plain", { "aria-label": label, hidden: true }, h("thead", h("tr", heads)), rows);
    super(heading, address, table);
    this.rows = rows;
  }
}

/** The jobs that have run longest, with the course of those that optimise. */
export class Running extends Table {
  constructor() {
    super("Running now", href("jobs", { state: "running" }), "Jobs that run now", [
      ["job", "of-job"],
      ["step", ""],
      ["|g|", "number"],
      ["course", "sparks"],
      ["time", "number"],
    ]);
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
        const [name, step, norm, time] = [h("a"), h("td.cut"), h("td.number"), h("td.number")];
        const spark = new Spark("course");
        const element = h("tr", h("td.cut", name), step, norm, h("td.sparks", spark.element), time);
        return {
          element,
          update: (job) => {
            link(name, job);
            put(step, `${job.cancel_requested ? "stopping " : ""}${job.phase} ${job.steps}`.trim());
            put(norm, exponential(job.gradient_norm_hartree_per_bohr, 0));
            spark.update(job.gradient_norms, courseWords(job.gradient_norms));
            time.dataset.began = String(now - 1_000 * (job.wall_s ?? 0));
          },
        };
      },
    );
    this.tick();
    this.draw();
  }

  /** @param {number} number - of all jobs that run. */
  count(number) {
    this.number = number;
    if (!this.waiting.isConnected) {
      this.draw();
    }
  }

  draw() {
    const more = this.number - this.shown;
    this.list.hidden = this.shown === 0;
    this.settle(this.shown ? (more > 0 ? `and ${count(more)} more` : "") : "no job runs");
  }

  tick() {
    for (const cell of this.rows.querySelectorAll("td[data-began]")) {
      put(cell, clock((performance.now() - Number(cell.dataset.began)) / 1_000));
    }
  }
}

/** The jobs that were done last, with their energies. */
export class Finished extends Table {
  constructor() {
    super("Newest done", href("jobs", { state: "done", sort: "-ended" }), "Jobs that were done last", [
      ["job", "of-job"],
      ["E/Eh", "number"],
      ["took", "number took"],
      ["ended", "number"],
    ]);
  }

  /** @param {any[]} jobs */
  show(jobs) {
    this.list.hidden = jobs.length === 0;
    keyed(
      this.rows,
      jobs,
      (job) => `${job.job_id} ${job.finished_at}`,
      (job) => {
        const name = h("a");
        const element = h(
          "tr",
          h("td.cut", name),
          h("td.number", energy(job.energy_hartree)),
          h("td.number.took", job.wall_s === null ? "" : duration(job.wall_s)),
          h("td.number.muted", moment(job.finished_at)),
        );
        return { element, update: (found) => link(name, found) };
      },
    );
    this.settle(jobs.length ? "" : "no job is done so far");
  }
}

/** Failed jobs by reason: some of each, why the newest one failed, and a button that runs all again. */
export class Failures extends Panel {
  /** @param {AbortSignal} signal @param {() => void} refresh */
  constructor(signal, refresh) {
    super("Failed, by reason", href("jobs", { state: "failed" }), h("ul.failures"));
    this.signal = signal;
    this.refresh = refresh;
    /** @type {Map<string, Promise<any>>} */
    this.explained = new Map();
  }

  /** @param {any} progress */
  show({ counts: { failed }, failures, failures_grouped: grouped, owner }) {
    keyed(
      this.list,
      failures,
      (group) => group.reason,
      (group) => this.group(group, owner),
    );
    const words = grouped < failed ? `the newest ${count(grouped)} of ${count(failed)}` : "";
    this.settle(failed ? words : "no job has failed");
  }

  /** @param {any} first @param {string | null} owner */
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
            const element = h("a");
            return { element, update: (job) => link(element, job) };
          },
        );
        sample.classList.toggle("has-more", group.count > group.sample.length);
        if (group.sample.length) {
          this.explain(group.sample[0].job_id, why);
        }
      },
    };
  }

  /** @param {string} job @param {HTMLElement} why */
  async explain(job, why) {
    if (!this.explained.has(job)) {
      if (this.explained.size >= EXPLAINED) {
        this.explained.clear();
      }
      this.explained.set(
        job,
        get(`jobs/${job}/explain`, { signal: this.signal }).catch((error) => {
          if (error.isPassing) {
            this.explained.delete(job);
          }
          return null;
        }),
      );
    }
    why.dataset.job = job;
    const found = await this.explained.get(job);
    if (found?.raw_state === "failed" && why.dataset.job === job) {
      put(why, [found.why.replace(/^failed: /, ""), ...found.facts.slice(-1)].join(" · "));
      why.title = found.facts.map(safe).join("\n");
      growOnly(this.body);
    }
  }
}

/** The newest batches: first those that have not ended. */
export class Batches extends Panel {
  constructor() {
    super("Batches", "", h("ul.batches"));
    /** @type {string[]} */
    this.followed = [];
    /** @type {Map<string, any>} */
    this.progress = new Map();
    /** @type {any[]} */
    this.shown = [];
  }

  /** @param {any[]} batches */
  show(batches) {
    this.shown = [...batches].sort((one, other) => place(one) - place(other)).slice(0, ROWS);
    this.followed = batches
      .filter((one) => one.unfinished && one.counts.running)
      .slice(0, FOLLOWED_BATCHES)
      .map((one) => one.batch);
    this.draw();
    this.settle(batches.length ? "" : "no job is in a batch");
  }

  /** @param {(batch: string) => Promise<any>} read */
  async follow(read) {
    const found = await Promise.all(this.followed.map(read));
    this.progress = new Map(this.followed.map((batch, place) => [batch, found[place]]));
    this.draw();
  }

  draw() {
    keyed(
      this.list,
      this.shown,
      (one) => one.batch,
      ({ batch }) => {
        const address = href(`batches/${encodeURIComponent(batch)}`);
        const [counted, paced] = [h("span"), h("span.muted")];
        const bar = stack({ "aria-hidden": "true" });
        const name = h("a.cut", { href: address, title: batch }, batch);
        const element = h("li", h("div.row", name, counted), bar.element, paced);
        return {
          element,
          update: (one) => {
            bar.update(one.counts);
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
  const all = Object.entries(STATES).map(([name, word]) => ({ number: counts[name], word }));
  const total = all.reduce((sum, { number }) => sum + number, 0);
  const rest = all.slice(1).filter(({ number }) => number);
  const words = rest.map(({ number, word }) => `${count(number)} ${word}`);
  return [`${count(counts.completed)}/${count(total)} done`, ...words].join(" · ");
}

/** @param {any} batch @param {any} progress */
function paceWords({ unfinished }, progress) {
  const { rate_per_s: perS = null, left } = (unfinished && progress) || {};
  return [perS === null ? "" : rate(perS), left ? leftWords(left) : ""].filter(Boolean).join(", ");
}

/** Let a link lead to a job. @param {Element} element @param {any} job */
function link(element, job) {
  put(element, named(job));
  element.setAttribute("title", safe(named(job)));
  element.setAttribute("href", href(`jobs/${job.number}`));
}

/** @param {number[]} norms */
function courseWords(norms) {
  const [first, last] = [norms[0], norms[norms.length - 1]].map((one) => exponential(one, 0));
  return norms.length > 1
    ? `|g| of the last ${count(norms.length, "step")}: ${first} to ${last}`
    : "no course of an optimisation";
}
