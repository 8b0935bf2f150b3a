// One batch: how far it is, its results in order of energy, and the structures of some of them together.

import { buttons } from "../lib/action.js";
import { blob, get } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace, select } from "../lib/dom.js";
import { clock, count, left as leftWords, title as named, rate, reason, state } from "../lib/format.js";
import { live, rest, throttled } from "../lib/live.js";
import { empty, failure, remark, skeleton } from "../lib/notice.js";
import { change, href } from "../lib/router.js";
import { save, slug } from "../plots/numbers.js";
import { plot } from "../plots/plot.js";
import { ensembles, populations, sorted } from "./batch/ensemble.js";
import { cumulative, histogram, summary } from "./batch/ensemble_view.js";
import {
  apart,
  columns,
  fixed,
  OBSTACLES,
  quantities,
  shared,
  UNITS,
  wanted,
} from "./batch/result_columns.js";
import { ResultTable } from "./batch/result_table.js";

/** @param {Record<string, string>} params */
export const title = (params) => `Batch ${params.batch}`;

// Of more jobs the weights come after the energies: equal conformers and mirror images are looked for in pairs.
const MANY = 500;
// Weights that take longer are not computed again while jobs run, unless a person wants them.
const SLOW_MS = 5_000;
const PROGRESS_MS = 1_000;
// Results are read for at most a tenth of the time.
const SHARE = 9;
const LONGEST_PAUSE_MS = 120_000;
const MOST_CHOSEN = 5;
const MOST_NAMED = 6;
const ROOM_TEMPERATURE_K = 298.15;
// Words of the address: parameters of `GET /results`, and options of `nox results`.
const VALUES = ["unit", "temp", "within", "standard_state", "symmetry_number"];
const SWITCHES = ["electronic", "keep_reacted", "no_mirror", "every"];
const STATES = {
  completed: "done",
  failed: "failed",
  cancelled: "cancelled",
  running: "running",
  pending: "waiting",
};
const FORMS = [
  ["CSV", "text/csv", "csv"],
  ["XYZ", "chemical/x-xyz", "xyz"],
  ["JSON", "application/json", "json"],
];

/**
 * @param {HTMLElement} root
 * @param {{params: Record<string, string>, query: import("../lib/router.js").Query, signal: AbortSignal}} about
 */
export async function show(root, { params, query, signal }) {
  replace(root, h("h1", title(params)), skeleton(8));
  try {
    const progress = await get("progress", { query: { batch: params.batch }, signal });
    await new BatchView(root, params.batch, query, signal, progress).begin();
  } catch (error) {
    if (/** @type {any} */ (error).status !== 404) {
      throw error;
    }
    replace(
      root,
      h("h1", title(params)),
      empty(
        "There is no such batch",
        h(
          "p",
          "No job that you may see is in it: it was cleaned up, is spelled otherwise, or belongs to another user.",
        ),
        h("a", { href: href("") }, "Go to the overview"),
      ),
    );
  }
}

/** The view of one batch. */
class BatchView {
  /**
   * @param {HTMLElement} root @param {string} batch @param {import("../lib/router.js").Query} query
   * @param {AbortSignal} signal @param {any} progress - the document of `GET /progress`.
   */
  constructor(root, batch, query, signal, progress) {
    this.root = root;
    this.batch = batch;
    this.signal = signal;
    this.progress = progress;
    /** @type {Record<string, string>} */
    this.choice = Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, String([value].flat().at(-1))]),
    );
    /** @type {import("./batch/ensemble.js").Row[]} */
    this.rows = [];
    /** @type {import("./batch/ensemble.js").Ensemble[]} */
    this.ensembles = [];
    /** @type {string[]} */
    this.remarks = [];
    this.isWeighed = false;
    this.tookMs = 0;
    this.weighedMs = 0;
    /** The numbers of the jobs whose structures are chosen. */
    this.chosen = (this.choice.overlay ?? "").split(",").map(Number).filter(Boolean).slice(0, MOST_CHOSEN);
    this.reading = new AbortController();
    this.current = Promise.resolve();
    this.structures = new AbortController();
    /** @type {{update: (data: any) => void}[]} */
    this.plots = [];
    this.progressBox = h("section.panel", { "aria-label": "Progress" });
    this.line = h("div");
    this.about = h("div");
    this.problem = h("div");
    this.groups = h("div");
    this.figures = h("div.grid.batch-figures");
    this.together = h("section.panel", { hidden: true, "aria-label": "Structures together" });
    this.filter = h("p.row");
    this.nothing = h("div", skeleton(12));
    this.bar = h("div.batch-chosen", { role: "status", hidden: true });
    this.controls = this.makeControls();
    this.actions = this.makeActions();
    this.table = new ResultTable({
      sort: (name, isFalling) => this.set({ sort: `${isFalling ? "-" : ""}${name}` }),
      pick: (row) => this.pick(row),
      isPicked: (row) => this.chosen.includes(row.number),
      isFull: () => this.chosen.length >= MOST_CHOSEN,
    });
    this.refresh = this.follow();
  }

  get unit() {
    return this.choice.unit ?? "";
  }

  get left() {
    const { counts } = this.progress;
    return counts.pending + counts.running;
  }

  get sort() {
    const words = this.choice.sort || (this.ensembles.length ? "relative" : "number");
    return { name: words.replace(/^-/, ""), isFalling: words.startsWith("-") };
  }

  async begin() {
    const { batch, controls, actions } = this;
    this.root.classList.add("batch");
    const files = FORMS.map(([word, accept, end]) =>
      h(
        "button.button",
        {
          title: `Save all rows as ${word}`,
          onclick: (/** @type {any} */ event) => this.download(event.currentTarget, accept, end),
        },
        word,
      ),
    );
    replace(
      this.root,
      h(
        "div.head",
        h("h1", title({ batch })),
        h("a", { href: href("jobs", { batch }) }, "List of its jobs"),
        h("div.row", Object.values(actions)),
      ),
      this.progressBox,
      h(
        "section.panel.batch-compared",
        { "aria-label": "Comparison" },
        h("div.toolbar", Object.values(controls), h("span.batch-files", files)),
        this.line,
        this.about,
        this.problem,
      ),
      this.groups,
      this.figures,
      this.together,
      this.filter,
      this.table.element,
      this.nothing,
      this.bar,
    );
    this.drawProgress();
    this.drawLine();
    await this.read(true);
  }

  /** Read progress and results again as jobs change, and return a function that does so at once. */
  follow() {
    const progress = throttled(() => this.readProgress(), PROGRESS_MS, this.signal);
    const results = throttled(() => this.readNews(), PROGRESS_MS, this.signal);
    live.on((changes, { isGap }) => {
      const own = changes.filter((one) => one.batch === this.batch);
      if (own.length || isGap) {
        progress();
      }
      if (own.some((one) => one.state !== "running") || isGap) {
        results();
      }
    }, this.signal);
    // The rate and the estimate change while nothing else does.
    const timer = setInterval(() => this.left > 0 && !document.hidden && progress(), 10 * PROGRESS_MS);
    this.signal.addEventListener("abort", () => clearInterval(timer));
    return () => {
      progress();
      results();
    };
  }

  async readProgress() {
    const before = this.left;
    this.progress = await get("progress", { query: { batch: this.batch }, signal: this.signal });
    this.drawProgress();
    if (before > 0 && this.left === 0 && !this.isWeighed) {
      await this.read(false, true);
    }
  }

  async readNews() {
    await this.current; // what a person waits for comes first
    await this.read(false);
    await rest(Math.min(LONGEST_PAUSE_MS, SHARE * this.tookMs), this.signal);
  }

  /**
   * Read the results, and draw them.
   *
   * @param {boolean} isOther - other results are wanted than before, rather than news of the same.
   * @param {boolean} [isWanted] - so are the weights, however long they take.
   */
  read(isOther, isWanted = isOther) {
    this.reading.abort();
    this.reading = new AbortController();
    this.current = this.readStages(isOther, isWanted);
    return this.current;
  }

  /** @param {boolean} isOther @param {boolean} isWanted */
  async readStages(isOther, isWanted) {
    const signal = AbortSignal.any([this.reading.signal, this.signal]);
    const isSlow = this.weighedMs > SLOW_MS && this.left > 0;
    const stages =
      isSlow && !isWanted ? [false] : isOther && this.progress.total > MANY ? [false, true] : [true];
    this.root.setAttribute("aria-busy", "true");
    try {
      for (const [place, boltzmann] of stages.entries()) {
        const began = performance.now();
        const found = await get("results", { query: this.query(boltzmann, true), signal });
        this.tookMs = performance.now() - began;
        this.weighedMs = boltzmann ? this.tookMs : this.weighedMs;
        if (place === stages.length - 1) {
          this.root.removeAttribute("aria-busy");
        }
        this.take(found, boltzmann);
        this.draw(isOther && place === 0);
      }
      replace(this.problem);
    } catch (error) {
      if (!signal.aborted) {
        this.root.removeAttribute("aria-busy");
        replace(
          this.problem,
          failure(error, () => this.read(isOther)),
        );
        replace(this.nothing);
      }
    }
  }

  /** The parameters of `GET /results`.  @param {boolean} boltzmann @param {boolean} hasColumns - those of the page only. */
  query(boltzmann, hasColumns) {
    const names = [...VALUES, ...SWITCHES].filter(
      (name) => this.choice[name] && (boltzmann || name !== "no_mirror"),
    );
    return {
      selector: `@batch:${this.batch}`,
      relative: true,
      ...(boltzmann ? { boltzmann } : {}),
      ...Object.fromEntries(names.map((name) => [name, this.choice[name]])),
      ...(hasColumns ? { columns: wanted(this.unit, boltzmann) } : { sort: this.choice.sort || "relative" }),
    };
  }

  /** @param {{items: any[], remarks: string[]}} found @param {boolean} isWeighed */
  take({ items, remarks }, isWeighed) {
    this.rows = items;
    this.remarks = remarks;
    this.isWeighed = isWeighed;
    this.ensembles = ensembles(items, quantities(this.unit).difference.field, Boolean(this.choice.temp));
  }

  /** Note words in the address, and show what they want.  @param {Record<string, string>} words - empty ones go. */
  set(words) {
    this.choice = Object.fromEntries(
      Object.entries({ ...this.choice, ...words }).filter(([, value]) => value),
    );
    change(this.choice);
    if (Object.keys(words).some((name) => [...VALUES, ...SWITCHES].includes(name))) {
      this.drawLine();
      this.read(true);
    } else {
      this.draw(true);
    }
  }

  makeActions() {
    const { batch } = this;
    const refresh = () => this.refresh();
    const all = [`@batch:${batch}`];
    const of = (/** @type {string} */ word) => () => ({ selector: all, filters: { state: [word] } });
    const [cancel] = buttons(of("pending"), { actions: ["cancel"], refresh });
    const [hold, release] = buttons(() => ({ selector: all }), {
      actions: ["hold", "release"],
      refresh,
    });
    const [retry] = buttons(of("failed"), { actions: ["retry"], refresh });
    cancel.textContent = "Cancel waiting";
    retry.textContent = "Retry failed";
    return { cancel, hold, release, retry };
  }

  makeControls() {
    const { choice } = this;
    const set = (/** @type {string} */ name, /** @type {string} */ value) =>
      this.set({ [name]: value.trim(), bin: "", group: "" });
    const choose = (
      /** @type {string} */ name,
      /** @type {string} */ label,
      /** @type {[string, string][]} */ options,
    ) =>
      h(
        "label",
        h("span.muted", label),
        select(options, choice[name] ?? "", (value) => set(name, value)),
      );
    const field = (
      /** @type {string} */ name,
      /** @type {string} */ label,
      /** @type {string} */ placeholder,
      /** @type {string} */ help,
    ) =>
      h(
        "label",
        { title: help },
        h("span.muted", label),
        h("input", {
          type: "text",
          inputmode: "decimal",
          placeholder,
          size: 7,
          autocomplete: "off",
          value: choice[name] ?? "",
          onchange: (/** @type {any} */ { target }) => set(name, target.value),
        }),
      );
    const box = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ help) =>
      h(
        "label",
        { title: help },
        h("input", {
          type: "checkbox",
          checked: choice[name] === "true",
          onchange: (/** @type {any} */ { target }) => set(name, target.checked ? "true" : ""),
        }),
        label,
      );
    return {
      unit: choose("unit", "Unit", UNITS),
      electronic: choose("electronic", "Compare", [
        ["", "G where all have one"],
        ["true", "E"],
      ]),
      temp: field(
        "temp",
        "T/K",
        String(ROOM_TEMPERATURE_K),
        "Temperature of weights and free energies; several: 273:373:25",
      ),
      standard_state: choose("standard_state", "State", [
        ["", "as computed"],
        ["1M", "1 M"],
        ["1bar", "1 bar"],
        ["1atm", "1 atm"],
      ]),
      within: field(
        "within",
        "Window",
        "all",
        "Only rows up to this far above the lowest, in the unit of the differences",
      ),
      keep_reacted: box("keep_reacted", "Reacted too", "Compare structures whose bonds have changed, too"),
      no_mirror: box(
        "no_mirror",
        "Without mirror images",
        "Do not count the mirror images of chiral conformers",
      ),
      every: box("every", "Failed too", "Show failed and cancelled jobs, too"),
      distinct: box("distinct", "Distinct only", "Leave out conformers that are there again"),
    };
  }

  // What is drawn, from the top to the bottom.

  drawProgress() {
    const { batch, left: isOpen } = this;
    const {
      counts,
      raw_counts: raw,
      total,
      elapsed_s: elapsed,
      rate_per_s: perS,
      left,
      failures,
    } = this.progress;
    const to = (/** @type {Record<string, string>} */ filters) => href("jobs", { batch, ...filters });
    const shown = Object.entries(STATES).filter(([name]) => counts[name]);
    const badges = shown.map(([name, word]) =>
      h("a", { href: to({ state: name }) }, count(counts[name]), " ", state(word)),
    );
    const facts = [
      elapsed === null ? "" : `${isOpen ? "for" : "took"} ${clock(elapsed)}`,
      isOpen && perS ? rate(perS) : "",
      left ? leftWords(left) : "",
      raw.held ? `${count(raw.held)} held` : "",
    ];
    const bar = shown.map(([name]) => {
      const segment = h("span", { class: `state-${name}` });
      segment.style.flexGrow = String(counts[name]);
      return segment;
    });
    const reasons = failures.map((/** @type {any} */ one) =>
      h(
        "li",
        h("a", { href: to({ state: "failed", reason: one.reason }) }, reason(one.reason)),
        ` ${count(one.count)}: `,
        one.sample
          .slice(0, 3)
          .map((/** @type {any} */ job, /** @type {number} */ place) => [
            place ? ", " : "",
            h("a", { href: href(`jobs/${job.number}`) }, named(job)),
          ]),
        one.count > 3 ? ", …" : "",
      ),
    );
    replace(
      this.progressBox,
      h(
        "div.row",
        badges,
        h("span.muted", `of ${count(total, "job")}`),
        h("span.muted.batch-rate", facts.filter(Boolean).join(" · ")),
      ),
      h(
        "div.stack",
        { role: "img", "aria-label": `${count(total - isOpen)} of ${count(total, "job")} have ended` },
        bar,
      ),
      reasons.length > 0 &&
        h("div.batch-failures.small", h("span.muted", "failed by reason"), h("ul", reasons)),
    );
    this.actions.cancel.hidden = counts.pending === 0;
    this.actions.hold.hidden = counts.pending === (raw.held ?? 0);
    this.actions.release.hidden = !raw.held;
    this.actions.retry.hidden = counts.failed === 0;
    this.drawControls();
  }

  drawControls() {
    const { controls, choice, rows, progress } = this;
    const hasGibbs = rows.some((row) => row[quantities(this.unit).gibbs.field] !== null);
    controls.electronic.hidden = !hasGibbs && !choice.electronic;
    controls.standard_state.hidden = !hasGibbs && !choice.standard_state;
    controls.keep_reacted.hidden = !rows.some((row) => row.bonds_changed?.length) && !choice.keep_reacted;
    controls.no_mirror.hidden = !rows.some((row) => row.degeneracy > 1) && !choice.no_mirror;
    controls.distinct.hidden = !rows.some((row) => row.same_conformer_as) && !choice.distinct;
    controls.every.hidden = progress.counts.failed + progress.counts.cancelled === 0 && !choice.every;
  }

  drawLine() {
    const { choice } = this;
    const values = VALUES.filter((name) => choice[name]).map(
      (name) => `--${name.replaceAll("_", "-")}=${choice[name]}`,
    );
    const switches = SWITCHES.filter((name) => choice[name]).map((name) =>
      name === "every" ? "--all" : `--${name.replaceAll("_", "-")}`,
    );
    const words = [
      "--relative",
      "--boltzmann",
      ...values,
      ...switches,
      `--sort=${choice.sort || "relative"}`,
    ];
    replace(this.line, command(line("nox", "results", `@batch:${this.batch}`, ...words)));
  }

  /** Draw the results.  @param {boolean} isOther - other rows than before: the first page of the table is shown. */
  draw(isOther) {
    this.drawControls();
    this.drawLine();
    this.drawAbout();
    replace(
      this.groups,
      summary(this.ensembles, this.unit, this.choice.group, (key) =>
        this.set({ group: key === this.choice.group ? "" : key, bin: "" }),
      ),
    );
    this.drawFigures();
    this.drawTable(isOther);
    this.drawChosen();
  }

  drawAbout() {
    const { rows, ensembles: all } = this;
    const alone = rows.filter((row) => row.not_compared === "alone");
    const isNone = all.length === 0 && alone.length > 1;
    const left = Map.groupBy(
      rows.filter((row) => row.not_compared && !(isNone && row.not_compared === "alone")),
      (row) => row.not_compared,
    );
    const notes = [
      isNone
        ? "Nothing is ranked: no two of these jobs have the same formula, charge, method and conditions"
        : "",
      ...this.remarks,
      ...[...left].map(
        ([why, some]) => `${count(some.length, "row")} not compared, ${OBSTACLES[why]}: ${numbers(some)}`,
      ),
    ].filter(Boolean);
    const isComing = this.root.hasAttribute("aria-busy");
    const button = h("button.button", { onclick: () => this.read(false, true) }, "Compute them now");
    const later =
      all.length === 0 || this.isWeighed
        ? null
        : h(
            "li",
            isComing
              ? "The weights are being computed …"
              : ["The weights of so many jobs come when all have ended. ", button],
          );
    replace(
      this.about,
      rows.length > 0 &&
        h("p", shared(rows), all.length > 0 && h("span.muted", ` · weights at ${this.temperature()}`)),
      (later || notes.length > 0) &&
        h(
          "ul.batch-remarks.small",
          notes.map((words) => h("li", words)),
          later,
        ),
    );
  }

  /** The temperature of the weights, in words. */
  temperature() {
    const isOwn = (/** @type {any} */ row) => this.choice.temp || row.compared_by === "gibbs";
    const all = new Set(
      this.ensembles.map(({ lowest }) => (isOwn(lowest) && lowest.temperature_k) || ROOM_TEMPERATURE_K),
    );
    return `${[...all]
      .sort((a, b) => a - b)
      .map((one) => Number(one.toPrecision(6)))
      .join(", ")} K`;
  }

  async drawFigures() {
    const { unit, ensembles: all } = this;
    const one = all.find(({ key }) => key === this.choice.group) ?? all[0];
    const name =
      one && all.length > 1
        ? apart(
            one.lowest,
            all.map(({ lowest }) => lowest),
          )
        : "";
    const bars =
      one &&
      histogram(one, unit, name, (from, to) =>
        this.set({ group: all.length > 1 ? one.key : "", bin: `${from}:${to}` }),
      );
    const sums = one && cumulative(one, (row) => this.table.show(row));
    const data = [bars, sums].filter((found) => found !== null && found !== undefined);
    this.figures.hidden = data.length === 0;
    while (this.figures.children.length > data.length) {
      this.figures.lastChild?.remove();
      this.plots.length = Math.min(this.plots.length, data.length);
    }
    for (const [place, found] of data.entries()) {
      this.plots[place]?.update(found);
      if (!this.figures.children[place]) {
        const box = h("div.panel");
        this.figures.append(box);
        plot(box, found, this.signal).then(
          (drawn) => {
            this.plots[place] = drawn;
          },
          (error) => replace(box, failure(error)),
        );
      }
    }
  }

  /** The rows of the table: those of the group and the range that were chosen. */
  shown() {
    const { bin, group, distinct } = this.choice;
    const { field } = quantities(this.unit).difference;
    const members = new Set(this.ensembles.find(({ key }) => key === group)?.rows);
    const [low, high] = (bin ?? "").split(":").map(Number);
    const isIn = (/** @type {any} */ row) => row[field] !== null && row[field] >= low && row[field] < high;
    return this.rows.filter(
      (row) =>
        (members.size === 0 || members.has(row)) &&
        (!bin || isIn(row)) &&
        (!distinct || !row.same_conformer_as),
    );
  }

  /** @param {boolean} isOther */
  drawTable(isOther) {
    const totals = new Map(
      this.ensembles.flatMap((one) =>
        populations(one.rows).map(({ row, total }) => /** @type {const} */ ([row, total])),
      ),
    );
    const all = columns(this.rows, this.unit, totals);
    const by = all.find(({ name }) => name === this.sort.name) ?? all[0];
    const { rows, breaks } = this.ordered(sorted(this.shown(), by.value, this.sort.isFalling));
    this.table.element.hidden = this.rows.length === 0;
    this.table.update(rows, all, this.sort, isOther, breaks);
    replace(this.nothing, this.rows.length === 0 && this.emptiness());
    this.filter.hidden = rows.length === this.rows.length;
    const range = this.choice.bin
      ? `, ${this.choice.bin.replace(":", " to ")} ${quantities(this.unit).difference.words}`
      : "";
    const whole = () => this.set({ bin: "", group: "", distinct: "" });
    replace(
      this.filter,
      `${count(rows.length)} of ${count(this.rows.length, "row")}${range}`,
      h("button.button", { onclick: whole }, "Show all rows"),
    );
  }

  /**
   * Put the rows of each group together, unless a person has chosen an order.
   *
   * @param {any[]} rows
   * @returns {{rows: any[], breaks: Set<any>}} `breaks`: with these rows another group begins.
   */
  ordered(rows) {
    if (this.choice.sort || this.ensembles.length < 2) {
      return { rows, breaks: new Set() };
    }
    const place = new Map(this.ensembles.flatMap((one, at) => one.rows.map((row) => [row, at])));
    const found = sorted(rows, (row) => place.get(row), false);
    const isFirst = (/** @type {any} */ row, /** @type {number} */ at) =>
      at > 0 && place.get(row) !== place.get(found[at - 1]);
    return { rows: found, breaks: new Set(found.filter(isFirst)) };
  }

  emptiness() {
    const { batch } = this;
    const { counts, total } = this.progress;
    if (this.left === total) {
      const words = counts.running
        ? "The first jobs are running; results join the table as they end."
        : "No job has begun yet.";
      return empty("No results yet", h("p", words), h("a", { href: href("workers") }, "See the workers"));
    }
    if (counts.completed) {
      return empty(
        "No row is left",
        h("p", "The window leaves out all rows, or no two jobs can be compared."),
      );
    }
    const what = counts.failed ? `: ${count(counts.failed)} of ${count(total)} failed` : "";
    return empty(
      `No job has a result${what}`,
      command(line("nox", "explain", `@batch:${batch}`)),
      h("a", { href: href("jobs", { batch }) }, "See the jobs"),
    );
  }

  // Structures of some jobs.

  /** @param {any} row */
  pick(row) {
    this.chosen = this.chosen.includes(row.number)
      ? this.chosen.filter((one) => one !== row.number)
      : [...this.chosen, row.number];
    this.table.mark();
    this.drawChosen();
  }

  /** The rows of the chosen jobs, the lowest first. */
  chosenRows() {
    const rows = this.chosen
      .map((number) => this.rows.find((row) => row.number === number))
      .filter((row) => row !== undefined);
    return sorted(rows, (row) => row[quantities(this.unit).difference.field], false);
  }

  drawChosen() {
    const rows = this.chosenRows();
    const words = `${rows.map(named).join(", ")}${rows.length === MOST_CHOSEN ? " (at most five)" : ""}`;
    const isFew = rows.length < 2;
    this.bar.hidden = rows.length === 0;
    replace(
      this.bar,
      h("span.cut", words),
      h(
        "button.button.primary",
        { disabled: isFew, title: isFew ? "Choose two to five rows" : null, onclick: () => this.overlay() },
        "Overlay",
      ),
      h("button.button", { onclick: () => this.clear() }, "Clear"),
    );
    if (this.choice.overlay && this.together.hidden && !isFew) {
      this.drawTogether();
    }
  }

  overlay() {
    this.choice.overlay = this.chosen.join(",");
    change(this.choice);
    this.drawTogether();
    this.together.scrollIntoView({ block: "start" });
  }

  async drawTogether() {
    this.structures.abort();
    this.structures = new AbortController();
    const rows = this.chosenRows();
    const { difference } = quantities(this.unit);
    const box = h("div");
    const close = h("button.button", { onclick: () => this.close() }, "Close");
    replace(this.together, h("div.head", h("h2", `Structures of ${count(rows.length, "job")}`), close), box);
    this.together.hidden = false;
    const { overlay } = await import("./batch/overlay.js");
    const words = (/** @type {any} */ row) =>
      row.reference ? `${fixed(row[difference.field], difference.decimals)} ${difference.words}` : "";
    await overlay(box, rows, words, AbortSignal.any([this.structures.signal, this.signal]));
  }

  close() {
    this.structures.abort();
    this.together.hidden = true;
    delete this.choice.overlay;
    change(this.choice);
  }

  clear() {
    this.chosen = [];
    this.close();
    this.table.mark();
    this.drawChosen();
  }

  /** @param {HTMLButtonElement} button @param {string} accept @param {string} end - of the name of the file. */
  async download(button, accept, end) {
    button.disabled = true;
    try {
      save(
        `${slug(this.batch)}.${end}`,
        await blob("results", { query: this.query(true, false), accept, signal: this.signal }),
      );
    } catch (error) {
      if (!this.signal.aborted) {
        remark(/** @type {Error} */ (error).message, { kind: "error" });
      }
    }
    button.disabled = false;
  }
}

/** The numbers of the first of some rows.  @param {any[]} rows */
function numbers(rows) {
  const first = rows.slice(0, MOST_NAMED).map((row) => row.number);
  return `${first.join(", ")}${rows.length > MOST_NAMED ? ", …" : ""}`;
}
