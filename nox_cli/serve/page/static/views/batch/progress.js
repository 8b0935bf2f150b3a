// How far a batch is: its jobs by state, the time that they take, why some failed, and what can be done with them.

import { buttons } from "../../lib/action.js";
import { command, line } from "../../lib/command.js";
import { h, redraw } from "../../lib/dom.js";
import {
  clock,
  count,
  left as leftWords,
  title as named,
  rate,
  reason,
  STATES,
  stack,
  state,
} from "../../lib/format.js";
import { empty } from "../../lib/notice.js";
import { href } from "../../lib/router.js";

/** A panel, and buttons for all jobs of the batch. */
export class Progress {
  /** @param {string} batch @param {() => void} refresh - called after an action. */
  constructor(batch, refresh) {
    this.batch = batch;
    this.bar = stack({ role: "img" });
    this.element = h("section.panel", { "aria-label": "Progress" });
    const selector = [`@batch:${batch}`];
    const of = (/** @type {string} */ word) => () => ({ selector, filters: { state: [word] } });
    const [cancel] = buttons(of("pending"), { actions: ["cancel"], refresh });
    const [hold, release] = buttons(() => ({ selector }), { actions: ["hold", "release"], refresh });
    const [retry] = buttons(of("failed"), { actions: ["retry"], refresh });
    cancel.textContent = "Cancel waiting";
    retry.textContent = "Retry failed";
    this.actions = { cancel, hold, release, retry };
  }

  /** @param {any} progress - of `GET /progress`. */
  show({ counts, raw_counts: raw, total, elapsed_s: elapsed, rate_per_s: perS, left, failures }) {
    const isOpen = counts.pending + counts.running;
    const badges = Object.entries(STATES)
      .filter(([name]) => counts[name])
      .map(([name, word]) =>
        h("a", { href: this.listOf({ state: name }) }, count(counts[name]), " ", state(word)),
      );
    const facts = [
      elapsed === null ? "" : `${isOpen ? "for" : "took"} ${clock(elapsed)}`,
      isOpen && perS ? rate(perS) : "",
      left ? leftWords(left) : "",
      raw.held ? `${count(raw.held)} held` : "",
    ];
    this.bar.update(counts);
    const words = `${count(total - isOpen)} of ${count(total, "job")} have ended`;
    this.bar.element.setAttribute("aria-label", words);
    const reasons = failures.map((/** @type {any} */ one) => this.reason(one));
    redraw(
      this.element,
      h(
        "div.row",
        badges,
        h("span.muted", `of ${count(total, "job")}`),
        h("span.muted.batch-rate", facts.filter(Boolean).join(" · ")),
      ),
      this.bar.element,
      reasons.length > 0 &&
        h("div.batch-failures.small", h("span.muted", "failed by reason"), h("ul", reasons)),
    );
    this.actions.cancel.hidden = counts.pending === 0;
    this.actions.hold.hidden = counts.pending === (raw.held ?? 0);
    this.actions.release.hidden = !raw.held;
    this.actions.retry.hidden = counts.failed === 0;
  }

  /** @param {any} group - of jobs that failed alike. */
  reason({ reason: code, count: number, sample }) {
    const jobs = sample.slice(0, 3).map((/** @type {any} */ job, /** @type {number} */ place) => {
      const link = h("a", { href: href(`jobs/${job.number}`) }, named(job));
      return [place ? ", " : "", link];
    });
    const all = h("a", { href: this.listOf({ state: "failed", reason: code }) }, reason(code));
    return h("li", all, ` ${count(number)}: `, jobs, number > 3 ? ", …" : "");
  }

  /** @param {Texts} filters */
  listOf(filters) {
    return href("jobs", { batch: this.batch, ...filters });
  }
}

/** Explain why a batch has no result to show. @param {string} batch @param {any} progress - of `GET /progress`. */
export function nothing(batch, { counts, total }) {
  if (counts.pending + counts.running === total) {
    const words = counts.running
      ? "The first jobs are running; results join the table as they end."
      : "No job has begun yet.";
    return empty("No results yet", h("p", words), h("a", { href: href("workers") }, "See the workers"));
  }
  if (counts.completed) {
    const words = "The window leaves out all rows, or no two jobs can be compared.";
    return empty("No row is left", h("p", words));
  }
  const what = counts.failed ? `: ${count(counts.failed)} of ${count(total)} failed` : "";
  return empty(
    `No job has a result${what}`,
    command(line("nox", "explain", `@batch:${batch}`)),
    h("a", { href: href("jobs", { batch }) }, "See the jobs"),
  );
}
