// One batch: how far it is, its results in order of energy, and the structures of some of them together.

import { blob, get } from "../lib/api.js";
import { command } from "../lib/command.js";
import { h, redraw, replace } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { every, live, rest, throttled } from "../lib/live.js";
import { empty, fail, skeleton } from "../lib/notice.js";
import { change, href } from "../lib/router.js";
import { download, slug } from "../plots/numbers.js";
import { Controls, OF_RESULTS, query, resultsLine } from "./batch/choices.js";
import { ensembles, populations, sorted } from "./batch/ensemble.js";
import { about, Figures, summary } from "./batch/ensemble_view.js";
import { nothing, Progress } from "./batch/progress.js";
import { columns, quantities } from "./batch/result_columns.js";
import { ResultTable } from "./batch/result_table.js";
import { Together } from "./batch/together.js";

/** @param {Texts} params */
export const title = (params) => `Batch ${params.batch}`;

// Of more jobs the weights come after the energies: equal conformers and mirror images are looked for in pairs.
const MANY = 500;
// Weights that take longer are not computed again while jobs run, unless a person wants them.
const SLOW_MS = 5_000;
const PROGRESS_MS = 1_000;
// Results are read for at most a tenth of the time.
const SHARE = 9;
const LONGEST_PAUSE_MS = 120_000;
const FORMS = [
  ["CSV", "text/csv", "csv"],
  ["XYZ", "chemical/x-xyz", "xyz"],
  ["JSON", "application/json", "json"],
];

/** @param {HTMLElement} root @param {{params: Texts, query: Query, signal: AbortSignal}} about */
export async function show(root, { params, query, signal }) {
  replace(root, h("h1", title(params)), skeleton(8));
  try {
    const progress = await get("progress", { query: { batch: params.batch }, signal });
    await new BatchView(root, params.batch, query, signal, progress).begin();
  } catch (error) {
    if (/** @type {any} */ (error).status !== 404) {
      throw error;
    }
    const why =
      "No job that you may see is in it: it was cleaned up, is spelled otherwise, or belongs to another user.";
    const away = h("a", { href: href("") }, "Go to the overview");
    replace(root, h("h1", title(params)), empty("There is no such batch", h("p", why), away));
  }
}

/** The view of one batch. */
class BatchView {
  /**
   * @param {HTMLElement} root @param {string} batch @param {Query} query
   * @param {AbortSignal} signal @param {any} progress - the document of `GET /progress`.
   */
  constructor(root, batch, query, signal, progress) {
    this.root = root;
    this.batch = batch;
    this.signal = signal;
    this.progress = progress;
    /** @type {Texts} */
    this.choice = Object.fromEntries(
      Object.entries(query).map(([name, value]) => [name, String([value].flat().at(-1))]),
    );
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Ensemble[]} */
    this.ensembles = [];
    /** @type {string[]} */
    this.remarks = [];
    this.isWeighed = false;
    this.tookMs = 0;
    this.weighedMs = 0;
    this.reading = new AbortController();
    this.current = Promise.resolve();
    this.line = h("div");
    this.about = h("div");
    this.problem = h("div");
    this.groups = h("div");
    this.filter = h("p.row");
    this.nothing = h("div", skeleton(12));
    this.refresh = this.follow();
    this.head = new Progress(batch, this.refresh);
    this.controls = new Controls(this.choice, (name, value) =>
      this.set({ [name]: value, bin: "", group: "" }),
    );
    this.figures = new Figures(signal);
    this.together = new Together(this.choice.overlay ?? "", signal, {
      note: (overlay) => {
        this.choice = { ...this.choice, overlay };
        change(this.choice);
      },
      mark: () => this.table.mark(),
    });
    this.table = new ResultTable({
      sort: (name, isFalling) => this.set({ sort: `${isFalling ? "-" : ""}${name}` }),
      pick: (row) => this.together.pick(row),
      isPicked: (row) => this.together.chosen.includes(row.number),
      isFull: () => this.together.isFull,
    });
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
    const { batch, head, signal, together } = this;
    this.root.classList.add("batch");
    const files = FORMS.map(([word, accept, end]) => {
      const onclick = (/** @type {any} */ { currentTarget }) => {
        const asked = query(batch, this.choice, true, false);
        download(currentTarget, `${slug(batch)}.${end}`, blob("results", { query: asked, accept, signal }));
      };
      return h("button.button", { title: `Save all rows as ${word}`, onclick }, word);
    });
    const controls = Object.values(this.controls.elements);
    replace(
      this.root,
      h(
        "div.head",
        h("h1", title({ batch })),
        h("a", { href: href("jobs", { batch }) }, "List of its jobs"),
        h("div.row", Object.values(head.actions)),
      ),
      head.element,
      h(
        "section.panel.batch-compared",
        { "aria-label": "Comparison" },
        h("div.toolbar", controls, h("span.batch-files", files)),
        this.line,
        this.about,
        this.problem,
      ),
      this.groups,
      this.figures.element,
      together.panel,
      this.filter,
      this.table.element,
      this.nothing,
      together.bar,
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
    every(10 * PROGRESS_MS, () => this.left > 0 && !document.hidden && progress(), this.signal);
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
        const found = await get("results", {
          query: query(this.batch, this.choice, boltzmann, true),
          signal,
        });
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
        fail(this.problem, error, () => this.read(isOther));
        replace(this.nothing);
      }
    }
  }

  /** @param {{items: any[], remarks: string[]}} found @param {boolean} isWeighed */
  take({ items, remarks }, isWeighed) {
    this.rows = items;
    this.remarks = remarks;
    this.isWeighed = isWeighed;
    this.ensembles = ensembles(items, quantities(this.unit).difference.field, Boolean(this.choice.temp));
  }

  /** Note words in the address, and show what they want.  @param {Texts} words - empty ones go. */
  set(words) {
    this.choice = Object.fromEntries(
      Object.entries({ ...this.choice, ...words }).filter(([, value]) => value),
    );
    change(this.choice);
    if (Object.keys(words).some((name) => OF_RESULTS.has(name))) {
      this.drawLine();
      this.read(true);
    } else {
      this.draw(true);
    }
  }

  // What is drawn, from the top to the bottom.

  drawProgress() {
    this.head.show(this.progress);
    this.controls.update(this.choice, this.rows, this.progress.counts);
  }

  drawLine() {
    replace(this.line, command(resultsLine(this.batch, this.choice)));
  }

  /** Draw the results.  @param {boolean} isOther - other rows than before: the first page of the table is shown. */
  draw(isOther) {
    const { choice, ensembles: all, rows, unit } = this;
    this.controls.update(choice, rows, this.progress.counts);
    this.drawLine();
    replace(this.about, about(rows, all, this.remarks, Boolean(choice.temp), this.later()));
    const press = (/** @type {string} */ key) =>
      this.set({ group: key === choice.group ? "" : key, bin: "" });
    redraw(this.groups, summary(all, unit, choice.group, press));
    this.figures.update(all, unit, choice.group, {
      pickRange: (key, from, to) => this.set({ group: all.length > 1 ? key : "", bin: `${from}:${to}` }),
      pickRow: (row) => this.table.show(row),
    });
    this.drawTable(isOther);
    this.together.update(rows, unit);
  }

  /** Say when the weights come; null: they are there. */
  later() {
    if (this.ensembles.length === 0 || this.isWeighed) {
      return null;
    }
    const button = h("button.button", { onclick: () => this.read(false, true) }, "Compute them now");
    return this.root.hasAttribute("aria-busy")
      ? "The weights are being computed …"
      : ["The weights of so many jobs come when all have ended. ", button];
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
    /** @type {Map<Row, number>} */
    const totals = new Map();
    for (const { row, total } of this.ensembles.flatMap((one) => populations(one.rows))) {
      totals.set(row, total);
    }
    const all = columns(this.rows, this.unit, totals);
    const by = all.find(({ name }) => name === this.sort.name) ?? all[0];
    const { rows, breaks } = this.ordered(sorted(this.shown(), by.value, this.sort.isFalling));
    this.table.element.hidden = this.rows.length === 0;
    this.table.update(rows, all, this.sort, isOther, breaks);
    replace(this.nothing, this.rows.length === 0 && nothing(this.batch, this.progress));
    this.filter.hidden = rows.length === this.rows.length;
    const range = this.choice.bin
      ? `, ${this.choice.bin.replace(":", " to ")} ${quantities(this.unit).difference.words}`
      : "";
    const whole = () => this.set({ bin: "", group: "", distinct: "" });
    const words = `${count(rows.length)} of ${count(this.rows.length, "row")}${range}`;
    replace(this.filter, words, h("button.button", { onclick: whole }, "Show all rows"));
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
}
