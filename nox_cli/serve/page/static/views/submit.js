// Submit: files and options become jobs.  All is checked while one types; nothing is stored before Submit.

import { get, maySubmit, post, session } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { facts, h, replace, select } from "../lib/dom.js";
import * as files from "../lib/files.js";
import { count, signed, size } from "../lib/format.js";
import { failure, skeleton } from "../lib/notice.js";
import { change, go, href } from "../lib/router.js";
import { molecule } from "../molecules/molecule.js";

/**
 * @typedef {{help: string, group: string, type: string, implied: string | null, choices: string[],
 *   least: number | null, most: number | null}} Choice
 * @typedef {{name: string, title: string, parameters: Record<string, number | boolean>,
 *   solvents: Record<string, string[]>}} Method
 * @typedef {{parameters: Record<string, Choice>, methods: Method[],
 *   engines: {name: string, version: string | null, workers: string[]}[], extensions: string[], smiles: boolean,
 *   most_bytes: number, most_jobs: number}} Choices
 * @typedef {Record<string, string | string[]>} Values - parameters of `POST /jobs`, which the address has too.
 */

export const title = "Submit";

const CHECK_MS = 350;
// As much is checked while one types; the rest is checked before anything is stored.
const LIVE_BYTES = 2 * 1024 ** 2;
const LIVE_FILES = 2_000;
const MOST_ROWS = 100;
const MOST_LINES = 20;
const MOST_NAMED = 8;
const KINDS = /** @type {Record<string, string>} */ ({
  sp: "Single point",
  grad: "Gradient",
  opt: "Optimise",
  hess: "Frequencies",
  ohess: "Optimise + frequencies",
  bhess: "Biased frequencies",
});
// The labels and placeholders of the everyday fields; all others have the words of `nox submit --help`.
const WORDS = /** @type {Record<string, [string, string?]>} */ ({
  chrg: ["Charge", "from file, or 0"],
  uhf: ["Unpaired electrons", "from file, or 0; auto"],
  temp: ["Temperature / K", "298.15"],
  pressure: ["Pressure", "1atm"],
  symmetry_number: ["Symmetry number", "detected"],
  smiles: ["SMILES, one a line"],
  split: ["One job for each structure in a file"],
  batch: ["Batch", "named by nox"],
  name: ["Name", "names of the files"],
  tag: ["Tags, one a line", "KEY=VALUE"],
  priority: ["Priority", "0"],
  cores: ["Cores", "1"],
  memory: ["Memory", "2G, 512M"],
  time: ["Time limit", "none; 30m, 1:00:00"],
  retries: ["Retries", "0"],
});
const OF_FREQUENCIES = ["temp", "pressure", "symmetry_number"];
const OF_JOBS = ["batch", "name", "tag", "priority", "cores", "memory", "time", "retries"];
const MODELS = ["alpb", "gbsa"];
const OF_PROGRAM = "Options of the xtb program, one a line.";
const EXAMPLE = "3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n";
const AGAIN =
  "Submit sends the same once more: jobs that are stored already are not made twice, unless you change the form before.";

/** What outlives a visit of this view: the files, those still to be looked at, and the options. */
const kept = {
  files: /** @type {Map<string, Blob>} */ (new Map()),
  arrived: /** @type {import("../lib/files.js").Given[]} */ ([]),
  values: /** @type {Values} */ ({}),
};
/** @type {Form | null} */
let shown = null;

/**
 * Take what was dropped, on any view, and show it here.
 *
 * @param {(File | FileSystemEntry)[]} found - of `files.dropped`.
 */
export async function receive(found) {
  kept.arrived.push(...(await files.given(found)));
  if (shown) {
    shown.take();
  } else {
    go("submit");
  }
}

/** @param {HTMLElement} root @param {{query: Values, signal: AbortSignal}} about */
export async function show(root, { query, signal }) {
  replace(root, h("h1", title), skeleton(8));
  const choices = await get("choices", { signal });
  if (Object.keys(query).length) {
    kept.values = { ...query };
  }
  const form = new Form(root, choices, signal);
  shown = form;
  signal.addEventListener("abort", () => {
    shown = shown === form ? null : shown;
    form.end();
  });
  form.draw();
  form.take();
}

/** The form, and what the server said of it. */
class Form {
  /** @param {HTMLElement} root @param {Choices} choices @param {AbortSignal} signal */
  constructor(root, choices, signal) {
    this.root = root;
    this.choices = choices;
    this.signal = signal;
    this.values = kept.values;
    /** @type {any} the answer of the check; null: none yet, or an error. */
    this.found = null;
    /** @type {any} why it was refused. */
    this.error = null;
    /** @type {string[]} what is known of a submit that failed. */
    this.notes = [];
    this.isPartial = false;
    this.isBusy = false;
    this.key = made(16);
    this.batch = ""; // of several requests, where none is given
    this.selected = "";
    this.drawn = "";
    this.version = {}; // another one after each change of the files
    /** @type {any[]} of what the list was drawn. */
    this.listed = [];
    this.timer = 0;
    this.checking = new AbortController();
    this.drawing = new AbortController();
    /** @type {string[]} */
    this.remarks = [];
    // Filled anew as the form changes.
    this.list = h("div.submit-files");
    this.level = h("div.submit-fields");
    this.solvent = h("div.row");
    this.thermo = h("div.submit-fields");
    this.line = h("div");
    this.summary = h("div", { tabindex: "-1" });
    this.plan = h("div.view", { tabindex: "-1", "aria-live": "polite" });
    this.sending = h("div", { "aria-live": "polite" });
    this.preview = h("div");
    this.button = h("button.button.primary", { type: "submit", disabled: !maySubmit() }, title);
  }

  end() {
    clearTimeout(this.timer);
    this.checking.abort();
    this.drawing.abort();
  }

  draw() {
    const parts = [this.structures(), this.calculation(), this.jobs(), this.advanced()];
    const check = panel("Check", this.summary, this.plan, this.sending, this.button);
    const side = h("div.view.submit-side", check, this.preview);
    const attributes = {
      class: "submit",
      novalidate: true,
      "aria-label": "New jobs",
      onsubmit: (/** @type {Event} */ event) => this.submit(event),
      onpaste: (/** @type {ClipboardEvent} */ event) => this.pasted(event),
    };
    const form = h("form", attributes, h("fieldset.view", { disabled: !maySubmit() }, parts), side);
    replace(this.root, h("h1", title), refusal(), form, panel("The same in a terminal", this.line));
    this.refresh();
  }

  structures() {
    const [pick, folder] = [{ multiple: true }, { webkitdirectory: true }].map((kind) => {
      const input = h("input", { type: "file", hidden: true, onchange: () => this.picked(input), ...kind });
      return input;
    });
    const kinds = this.choices.extensions.map((one) => `.${one}`).join(" ");
    const zone = h(
      "div.submit-drop",
      h("p", "Drop files or folders anywhere on this page"),
      hint(`${kinds}, also as .gz. NAME.CHRG, NAME.UHF, .CHRG and .UHF are read with them.`),
      h(
        "div.row",
        pick,
        folder,
        button("Choose files", () => pick.click()),
        button("Choose a folder", () => folder.click()),
      ),
    );
    const text = { id: "paste", rows: "6", spellcheck: "false", placeholder: EXAMPLE };
    this.text = h("textarea", text);
    this.stem = h("input", { id: "paste-name", value: "pasted", autocomplete: "off" });
    this.paste = h(
      "details",
      h("summary", "Paste a structure"),
      labelled("paste", "Text of a file: xyz, mol, sdf, pdb, coord, or requests as JSON", this.text),
      h(
        "div.row",
        labelled("paste-name", "Name of the file", this.stem),
        button("Add", () => this.add()),
      ),
    );
    return panel(
      "Structures",
      zone,
      this.paste,
      this.choices.smiles && this.field("smiles"),
      this.list,
      this.field("split"),
    );
  }

  calculation() {
    const names = Object.keys(KINDS).filter((name) => name in this.choices.parameters);
    const kinds = names.map((name) => {
      const { help, implied } = this.choices.parameters[name];
      const set = () => this.choose(names, name === "sp" ? "" : name, implied ?? "true");
      const radio = {
        type: "radio",
        name: "kind",
        value: name,
        checked: name === this.kind(),
        onchange: set,
      };
      return h("label", { title: help }, h("input", radio), KINDS[name]);
    });
    const { methods, engines } = this.choices;
    const method = select(
      methods.map((one) => [one.name, one.title]),
      this.method().name,
      (name) => this.chooseMethod(name),
      { id: "method" },
    );
    const engine = select(
      engines.map((one) => [one.name, engineWords(one)]),
      this.values.engine ?? "auto",
      (name) => this.set("engine", name === "auto" ? "" : name),
      { id: "engine" },
    );
    return panel(
      "Calculation",
      h("fieldset.submit-kinds", h("legend.visually-hidden", "What to compute"), kinds),
      this.level,
      this.thermo,
      h(
        "div.submit-fields",
        labelled("method", "Method", method),
        labelled("engine", "Engine", engine),
        this.solvent,
        this.field("chrg"),
        this.field("uhf"),
      ),
    );
  }

  jobs() {
    return panel(
      "Jobs and resources",
      h(
        "div.submit-fields",
        OF_JOBS.map((name) => this.field(name)),
      ),
    );
  }

  /** All other parameters, in the groups of `nox submit --help`. */
  advanced() {
    const methods = this.choices.methods.flatMap((one) => Object.keys(one.parameters));
    const placed = new Set([
      ...Object.keys(KINDS),
      ...Object.keys(WORDS),
      ...MODELS,
      ...methods,
      "engine",
      "mult",
    ]);
    const rest = Object.keys(this.choices.parameters).filter((name) => !placed.has(name));
    const groups = Map.groupBy(rest, (name) => this.choices.parameters[name].group || "Method");
    const parts = [...groups].map(([group, names]) =>
      h(
        "fieldset.submit-group",
        h("legend", group),
        h(
          "div.submit-fields",
          names.map((name) => this.field(name)),
        ),
      ),
    );
    const isUsed = rest.some((name) => name in this.values);
    return h("details.panel", { open: isUsed }, h("summary", "Advanced"), parts);
  }

  /** Make the label and the control of a parameter, as the server describes it. @param {string} name */
  field(name) {
    const { help, type, choices } = this.choices.parameters[name];
    const isUsual = name in WORDS;
    const [label, placeholder] = WORDS[name] ?? [h("code", optionOf(name))];
    const value = this.values[name] ?? "";
    const about = h(
      "p",
      { id: `${name}-help`, class: isUsual ? "visually-hidden" : "hint small" },
      help || OF_PROGRAM,
    );
    const common = {
      id: name,
      "aria-describedby": `${name}-help`,
      spellcheck: "false",
      autocomplete: "off",
      placeholder,
    };
    if (type === "boolean" || name === "unique") {
      const set = (/** @type {any} */ event) => this.set(name, event.target.checked ? "true" : "");
      const box = h("input", {
        ...common,
        type: "checkbox",
        checked: value !== "" && value !== "false",
        onchange: set,
      });
      return h("div.field.submit-check", h("label", box, label), about);
    }
    if (choices.length) {
      const options = ["", ...choices].map((one) => /** @type {[string, string]} */ ([one, one || "usual"]));
      return labelled(
        name,
        label,
        select(options, value, (one) => this.set(name, one), common),
        about,
      );
    }
    return labelled(name, label, this.typed(name, common), about);
  }

  /** Make a field that one types into. @param {string} name @param {Record<string, any>} common */
  typed(name, common) {
    const { type, least, most } = this.choices.parameters[name];
    const value = [this.values[name] ?? []].flat();
    if (type === "array") {
      const set = (/** @type {any} */ event) => this.set(name, lines(event.target.value));
      const rows = name === "smiles" ? "1" : "2";
      return h("textarea", { ...common, rows, value: value.join("\n"), oninput: set });
    }
    const set = (/** @type {any} */ event) => this.set(name, event.target.value.trim());
    const isNumber = type === "integer" || type === "number";
    const kind = isNumber ? { type: "number", min: least, max: most } : { type: "text" };
    const step = type === "number" ? "any" : null;
    return h("input", { ...common, ...kind, step, value: value[0], oninput: set });
  }

  kind() {
    return Object.keys(KINDS).find((name) => name in this.values) ?? "sp";
  }

  method() {
    const { methods } = this.choices;
    const isChosen = (/** @type {Method} */ one) =>
      Object.entries(one.parameters).every(([name, value]) => this.values[name] === String(value));
    return methods.find(isChosen) ?? methods[0];
  }

  /** @returns {string} the model of the solvent; empty: gas phase. */
  model() {
    return MODELS.find((name) => name in this.values) ?? "";
  }

  /** Set one of several parameters, and none of the others. @param {string[]} names @param {string} name @param {string} value */
  choose(names, name, value) {
    for (const one of names) {
      delete this.values[one];
    }
    this.set(name, value);
  }

  /** @param {string} name */
  chooseMethod(name) {
    const { methods } = this.choices;
    const chosen = methods.find((one) => one.name === name) ?? methods[0];
    const model = this.model();
    if (model && !chosen.solvents[model]?.includes(String(this.values[model]))) {
      delete this.values[model];
    }
    const [[key, value]] = Object.entries(chosen.parameters);
    const names = methods.flatMap((one) => Object.keys(one.parameters));
    this.choose(names, chosen === methods[0] ? "" : key, String(value));
  }

  /** @param {string} model */
  chooseModel(model) {
    const names = this.method().solvents[model] ?? [];
    const before = String(this.values[this.model()] ?? "water");
    this.choose(MODELS, model, names.includes(before) ? before : names[0]);
  }

  /** @param {string} name - empty: only others have changed. @param {string | string[]} value - empty: not given. */
  set(name, value) {
    if (name && value.length) {
      this.values[name] = value;
    } else {
      delete this.values[name];
    }
    this.changed();
  }

  /** Follow a change of files or options: by the address, the command, and a new check. */
  changed() {
    this.key = made(16);
    this.error = null;
    this.notes = [];
    clearTimeout(this.timer);
    this.checking.abort();
    const isChecked = this.hasInput() && maySubmit();
    if (!isChecked) {
      this.found = null;
    }
    this.timer = setTimeout(() => {
      change(this.values);
      isChecked && this.check();
    }, CHECK_MS);
    this.refresh();
  }

  hasInput() {
    return kept.files.size > 0 || "smiles" in this.values;
  }

  /** @returns {string[]} the paths of structures. */
  paths() {
    return [...kept.files.keys()].filter((path) => !files.isCompanion(path));
  }

  /** Take what arrived: structures and files of charges; of folders only what nox reads. */
  take() {
    const known = new Set(this.choices.extensions);
    const left = /** @type {Map<string, number>} */ (new Map());
    this.remarks = [];
    this.version = {};
    for (const { path, blob, isFound } of kept.arrived.splice(0)) {
      const kind = files.extension(path);
      if (isFound && !known.has(kind) && !files.isCompanion(path)) {
        left.set(kind, (left.get(kind) ?? 0) + 1);
      } else if (blob.size > this.choices.most_bytes) {
        this.remarks.push(`${path} is larger than ${size(this.choices.most_bytes)} and was left out`);
      } else {
        kept.files.has(path) && this.remarks.push(`${path} was replaced`);
        kept.files.set(path, blob);
      }
    }
    if (left.size) {
      const kinds = [...left].slice(0, MOST_NAMED).map(([kind, number]) => `${number} .${kind}`);
      this.remarks.push(`Left out, as nox does not read them: ${kinds.join(", ")}`);
    }
    this.changed();
  }

  /** @param {HTMLInputElement} input */
  async picked(input) {
    kept.arrived.push(...(await files.given([...(input.files ?? [])])));
    input.value = "";
    this.take();
  }

  /** Take the text that was pasted as a file. */
  add() {
    const text = this.text.value;
    if (text.trim()) {
      const path = `${this.stem.value.trim() || "pasted"}.${files.guessed(text)}`;
      kept.arrived.push({ path, blob: new Blob([text]), isFound: false });
      this.text.value = "";
      this.take();
    }
  }

  /** Take files, or offer to add a text, that were pasted outside of a field. @param {ClipboardEvent} event */
  pasted(event) {
    const found = event.clipboardData ? files.dropped(event.clipboardData) : [];
    if (found.length) {
      event.preventDefault();
      receive(found);
    } else if (!(/** @type {Element} */ (event.target).closest("input, textarea"))) {
      this.paste.open = true;
      this.text.value = event.clipboardData?.getData("text/plain") ?? "";
      this.text.focus();
    }
  }

  /** @param {string} path */
  remove(path) {
    kept.files.delete(path);
    this.version = {};
    this.changed();
    (this.list.querySelector(".close") ?? this.paste.querySelector("summary")).focus();
  }

  /** Ask the server what would be computed. */
  async check() {
    this.checking.abort();
    this.error = null;
    this.checking = new AbortController();
    const signal = AbortSignal.any([this.signal, this.checking.signal]);
    const [first, ...others] = files.parts(kept.files, LIVE_BYTES, LIVE_FILES);
    this.isPartial = others.length > 0;
    this.plan.setAttribute("aria-busy", "true");
    try {
      this.found = await this.post("jobs/check", first, this.parameters(), { signal });
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.found = null;
      this.error = error;
    }
    this.plan.removeAttribute("aria-busy");
    this.refresh();
  }

  /**
   * @param {string} path
   * @param {[string, Blob][]} some
   * @param {Record<string, any>} query
   * @param {{signal: AbortSignal, headers?: Record<string, string>}} options
   */
  async post(path, some, query, { signal, headers }) {
    const { content, type } = await files.written(some);
    signal.throwIfAborted();
    return post(path, content, { query, signal, headers: { "Content-Type": type, ...headers } });
  }

  /** @returns {Record<string, any>} the parameters of a request; only the first has the SMILES. */
  parameters(isFirst = true) {
    const { smiles, unique, ...rest } = this.values;
    return {
      ...rest,
      smiles: isFirst ? smiles : null,
      unique: unique ? "" : null,
      batch: rest.batch || this.batch || null,
    };
  }

  /** Store the jobs: in one request, or in several that are all checked before. @param {Event} event */
  async submit(event) {
    event.preventDefault();
    if (this.isBusy || this.hasFaults()) {
      return;
    }
    clearTimeout(this.timer);
    this.checking.abort();
    const parts = files.parts(kept.files, this.choices.most_bytes, this.choices.most_jobs);
    if (parts.length > 1) {
      this.batch ||= `${this.folder() || "batch"}-${made(2)}`;
    }
    const { signal } = this;
    const done = { jobs: /** @type {any[]} */ ([]), warnings: /** @type {string[]} */ ([]), batch: "" };
    this.busy(true);
    try {
      for (const [place, part] of parts.length > 1 ? parts.entries() : []) {
        this.progress("Checking", place, parts.length);
        await this.post("jobs/check", part, this.parameters(place === 0), { signal });
      }
      for (const [place, part] of parts.entries()) {
        this.progress("Submitting", place, parts.length);
        const headers = { "Idempotency-Key": `${this.key}-${place}` };
        const answer = await this.post("jobs", part, this.parameters(place === 0), { signal, headers });
        done.jobs.push(...answer.jobs);
        done.warnings.push(...answer.warnings);
        done.batch = answer.batch;
      }
    } catch (error) {
      this.busy(false);
      signal.aborted || this.failed(error, done.jobs.length);
      return;
    }
    this.busy(false);
    this.succeeded(done);
  }

  /** @param {boolean} isBusy */
  busy(isBusy) {
    this.isBusy = isBusy;
    this.button.disabled = isBusy;
    globalThis.onbeforeunload = isBusy ? (event) => event.preventDefault() : null;
    replace(this.sending);
  }

  /** @param {string} verb @param {number} place @param {number} total */
  progress(verb, place, total) {
    const words = total > 1 ? `${verb}, part ${place + 1} of ${total}` : `${verb} ...`;
    replace(
      this.sending,
      h("p", words),
      total > 1 && h("progress", { value: place, max: total, "aria-label": verb }),
    );
  }

  /** Summarise the faults of the form, and focus the summary. @returns {boolean} whether there are any. */
  hasFaults() {
    const faults = [...this.root.querySelectorAll("input:invalid")].map((one) => {
      const input = /** @type {HTMLInputElement} */ (one);
      return h("li", link(input, `${input.labels?.[0]?.textContent}: ${input.validationMessage}`));
    });
    if (!this.hasInput()) {
      faults.unshift(h("li", "There is no structure: drop, choose or paste a file."));
    }
    if (faults.length) {
      replace(this.plan);
      const list = h("ul.submit-list", faults);
      replace(this.summary, h("div.failure", h("p.what", "Nothing was submitted"), list));
      this.summary.focus();
    }
    return faults.length > 0;
  }

  /** Explain why not all jobs are stored. @param {any} error @param {number} before - jobs that are stored for certain. */
  failed(error, before) {
    const stored = before + (error.jobs?.length ?? 0);
    this.error = error;
    this.notes = [
      stored > 0 && `${count(stored, "job")} of this submit ${stored === 1 ? "is" : "are"} stored.`,
      (stored > 0 || !(error.status < 500 && error.status > 0)) && AGAIN,
    ].filter((one) => one !== false);
    this.refresh();
    this.plan.focus();
  }

  /** Show what was stored. @param {{jobs: any[], warnings: string[], batch: string}} done */
  succeeded({ jobs, warnings, batch }) {
    const old = jobs.filter((one) => one.existing).length;
    const heading = `${count(jobs.length - old, "job")} submitted${old ? `; ${count(old, "job")} were there already` : ""}`;
    const items = jobs
      .slice(0, MOST_LINES)
      .map((one) => h("li", jobLink(one), one.existing && h("span.muted", " was there already")));
    const [address, words] = batch
      ? [`batches/${encodeURIComponent(batch)}`, `Open the batch ${batch}`]
      : [`jobs/${jobs[0].number}`, "Open the job"];
    const again = () => {
      this.draw();
      this.changed();
    };
    this.forget();
    replace(
      this.root,
      h("h1", { tabindex: "-1" }, heading),
      h(
        "section.panel.view",
        h("div.row", h("a.button.primary", { href: href(address) }, words), button("Submit another", again)),
        h(
          "ul.submit-list",
          items,
          jobs.length > items.length && h("li.muted", `and ${count(jobs.length - items.length)} more`),
        ),
        remarks(warnings),
      ),
      panel("Watch in a terminal", command(line("nox", "watch", batch ? `@batch:${batch}` : jobs[0].number))),
    );
    this.root.querySelector("h1")?.focus();
  }

  /** Begin a new form with the same options. */
  forget() {
    kept.files.clear();
    this.version = {};
    delete this.values.smiles;
    this.found = null;
    this.key = made(16);
    [this.batch, this.selected, this.drawn] = ["", "", ""];
    this.remarks = [];
    this.drawing.abort();
    change(this.values);
  }

  /** Draw what depends on values, files and the check. */
  refresh() {
    this.drawChoices();
    this.drawFiles();
    this.drawPlan();
    this.drawPreview();
    replace(
      this.line,
      command(this.command()),
      this.hasPasted() && hint("Save what you pasted under this name first."),
    );
    for (const one of this.root.querySelectorAll("[aria-invalid]")) {
      one.removeAttribute("aria-invalid");
    }
    this.named()?.setAttribute("aria-invalid", "true");
  }

  /** Draw the choices that depend on others; one that is in use keeps its control, and so the focus. */
  drawChoices() {
    const kind = this.kind();
    const { choices, implied } = this.choices.parameters[kind];
    const levels = choices.map(
      (one) => /** @type {[string, string]} */ ([one, one === implied ? `${one} (usual)` : one]),
    );
    redraw(
      this.level,
      levels.length > 0 &&
        labelled(
          "level",
          "Convergence",
          select(levels, this.values[kind], (one) => this.set(kind, one), { id: "level" }),
        ),
    );
    const isThermal =
      ["hess", "ohess", "bhess"].includes(kind) || OF_FREQUENCIES.some((name) => name in this.values);
    if (isThermal !== this.thermo.childElementCount > 0) {
      replace(this.thermo, isThermal && OF_FREQUENCIES.map((name) => this.field(name)));
    }
    const { solvents, title: name } = this.method();
    const model = this.model();
    const models = MODELS.filter((one) => solvents[one]?.length).map(
      (one) => /** @type {[string, string]} */ ([one, one.toUpperCase()]),
    );
    const chooser = select(
      [["", models.length ? "none: gas phase" : `none for ${name}`], ...models],
      model,
      (one) => this.chooseModel(one),
      { id: "model" },
    );
    const value = String(this.values[model] ?? "");
    const names = [...new Set([...(solvents[model] ?? []), value])].filter(Boolean);
    const solvent = select(
      names.map((one) => [one, one]),
      value,
      (one) => this.set(model, one),
      { id: "solvent" },
    );
    solvent.disabled = !model;
    redraw(this.solvent, labelled("model", "Solvation", chooser), labelled("solvent", "Solvent", solvent));
  }

  /** Draw the files, those that were refused first, each with what it holds. */
  drawFiles() {
    const state = [this.version, this.found, this.error, this.selected];
    if (state.every((one, place) => one === this.listed[place])) {
      return; // a key was pressed in another field
    }
    this.listed = state;
    const paths = this.paths();
    const refused = this.refused();
    const rows = [
      ...paths.filter((path) => refused.has(path)),
      ...paths.filter((path) => !refused.has(path)),
    ].slice(0, MOST_ROWS);
    const planned = Map.groupBy(this.found?.plan.jobs ?? [], (/** @type {any} */ one) => one.file);
    const others = kept.files.size - paths.length;
    const bytes = [...kept.files.values()].reduce((sum, one) => sum + one.size, 0);
    const words = `${count(paths.length, "file")}, ${size(bytes)}${others ? `, ${others} of charge or spin with them` : ""} `;
    const clear = () => {
      kept.files.clear();
      this.version = {};
      this.changed();
    };
    const head = ["File", "Formula", "Charge", "Unpaired", "Electrons", "Size"].map((one, place) =>
      h("th", { scope: "col", class: place > 1 && "number" }, one),
    );
    const body = rows.map((path) => {
      const faults = refused.get(path) ?? [];
      return [
        this.row(path, planned.get(path) ?? []),
        faults.length > 0 && h("tr.submit-refused", h("td", { colspan: "7" }, faultList(faults))),
      ];
    });
    const table = h(
      "table",
      h("caption", words, h("button.button.quiet.small", { onclick: clear }, "Remove all")),
      h("thead", h("tr", head, h("td"))),
      h("tbody", body),
    );
    const more = paths.length - rows.length;
    replace(
      this.list,
      remarks(this.remarks),
      paths.length > 0 && h("div.table", table),
      more > 0 && hint(`and ${count(more, "more file")}`),
    );
  }

  /** @param {string} path @param {any[]} jobs - of that file. */
  row(path, jobs) {
    const [job, ...others] = jobs;
    const choose = () => {
      this.selected = path;
      this.refresh();
    };
    const formula =
      job && `${job.formula || job.calculation}${others.length ? ` and ${others.length} more` : ""}`;
    const cells = [
      [signed(job?.charge), origin(job?.charge_origin)],
      [job?.unpaired_electrons, origin(job?.unpaired_origin)],
      job?.electrons,
      size(kept.files.get(path)?.size ?? 0),
      h("button.close", { "aria-label": `Remove ${path}`, onclick: () => this.remove(path) }, "×"),
    ].map((one) => h("td.number", one));
    const name = h("button.submit-name", { title: `Show ${path}`, onclick: choose }, path);
    const isSelected = path === this.shownFile() ? "true" : null;
    return h("tr", { "aria-selected": isSelected }, h("th", { scope: "row" }, name), h("td", formula), cells);
  }

  /** Draw what would be computed, or why it was refused. */
  drawPlan() {
    const { found } = this;
    replace(this.summary);
    this.button.textContent = found && !this.isPartial ? `Submit ${count(found.jobs.length, "job")}` : title;
    if (this.error) {
      replace(
        this.plan,
        this.refusals(),
        this.notes.map((one) => h("p", one)),
      );
    } else if (found) {
      replace(this.plan, this.facts(found));
    } else {
      replace(
        this.plan,
        hint(
          this.hasInput()
            ? "Checking ..."
            : "What you drop is checked here. Nothing is stored before you press Submit.",
        ),
      );
    }
  }

  /** @param {any} found - of the check. */
  facts({ plan, jobs, warnings }) {
    const [first] = plan.jobs;
    const { length } = files.parts(kept.files, this.choices.most_bytes, this.choices.most_jobs);
    const kind = this.kind();
    const level = this.choices.parameters[kind].choices.length ? ` (${this.values[kind]})` : "";
    const model = this.model();
    const calculation = [
      `${KINDS[kind]}${level}`,
      this.method().title,
      model && `${model.toUpperCase()} ${this.values[model]}`,
    ];
    const isOne = jobs.length === 1 && first.formula;
    const rows = [
      ["Jobs", `${count(jobs.length)}${this.isPartial ? " and more" : ""}`],
      plan.engine && ["Calculation", calculation.filter(Boolean).join(" · ")],
      plan.engine && ["Engine", plan.engine],
      isOne && [
        "Formula",
        `${first.formula}, ${count(first.n_atoms, "atom")}, ${count(first.electrons, "electron")}`,
      ],
      ...plan.charges.map((/** @type {any} */ one) => [
        plan.charges.length > 1 ? count(one.count, "job") : "Charge",
        `${signed(one.charge)}, ${one.unpaired_electrons} unpaired (${one.origin})`,
      ]),
    ].filter(Boolean);
    return [
      facts(rows),
      this.isPartial &&
        hint(
          `The first ${count(jobs.length, "job")} were checked. The others are before anything is stored.`,
        ),
      length > 1 &&
        hint(
          `They are sent in ${length} requests of at most ${size(this.choices.most_bytes)}, as one batch.`,
        ),
      remarks([...warnings, ...duplicates(plan.jobs)]),
    ];
  }

  /** Describe the error: as a whole, by field, or by the files that were refused. */
  refusals() {
    const { error } = this;
    if (!error.refusals?.length) {
      const field = this.named();
      const isAway = error.status === 0 || error.status === 503;
      const again = isAway && !this.notes.length ? () => this.check() : undefined;
      return [failure(error, again), field && link(field, `Go to ${field.labels?.[0]?.textContent}`)];
    }
    const number = this.refused().size;
    const others = error.refusals.filter((/** @type {any} */ one) => !this.fileOf(one));
    return h(
      "div.failure",
      { role: "alert" },
      h("p.what", error.message),
      number > 0 &&
        h(
          "p",
          `${count(number, "file")} with the reason ${number === 1 ? "is" : "are"} first among the structures.`,
        ),
      others.length > 0 && faultList(others),
      error.hint && hint(error.hint),
    );
  }

  /** @param {{message: string}} refusal @returns {string} the file that it names; empty: none. */
  fileOf({ message }) {
    for (let end = message.lastIndexOf(":"); end > 0; end = message.lastIndexOf(":", end - 1)) {
      if (kept.files.has(message.slice(0, end))) {
        return message.slice(0, end);
      }
    }
    return "";
  }

  /** @returns {Map<string, any[]>} the refusals by file. */
  refused() {
    const found = Map.groupBy(this.error?.refusals ?? [], (one) => this.fileOf(one));
    found.delete("");
    return found;
  }

  /** @returns {any} the control of the option that the error names. */
  named() {
    const message = this.error && !this.error.refusals?.length ? this.error.message : "";
    const name =
      (/^([a-z_]+): /.exec(message) ?? /--([a-z-]+)/.exec(message))?.[1].replaceAll("-", "_") ?? "";
    return name in this.choices.parameters ? document.getElementById(name) : null;
  }

  /** @returns {string} the file whose structure is shown. */
  shownFile() {
    return kept.files.has(this.selected) ? this.selected : (this.paths()[0] ?? "");
  }

  /** Draw the structure of the chosen file, as the server read it. */
  async drawPreview() {
    const path = this.shownFile();
    const known = framesOf(this.found, path);
    const drawn = JSON.stringify([path, known]);
    if (drawn === this.drawn || (!this.found && this.hasInput())) {
      return;
    }
    this.drawn = drawn;
    this.drawing.abort();
    this.drawing = new AbortController();
    const signal = AbortSignal.any([this.signal, this.drawing.signal]);
    replace(this.preview);
    try {
      const frames = known.length || !path ? known : framesOf(await this.checkOne(path, signal), path);
      if (frames.length) {
        const label = path || this.found.plan.jobs[0].name;
        const box = panel(label);
        replace(this.preview, box);
        await molecule(box, { frames, label }, signal);
      }
    } catch (error) {
      signal.aborted || replace(this.preview, hint(/** @type {Error} */ (error).message));
    }
  }

  /** @param {string} path @param {AbortSignal} signal */
  checkOne(path, signal) {
    const some = new Map([...kept.files].filter(([one]) => one === path || files.isCompanion(one)));
    return this.post("jobs/check", files.parts(some, this.choices.most_bytes, 1)[0], this.parameters(false), {
      signal,
    });
  }

  /** @returns {string} the name of the folder that all files share. */
  folder() {
    const [first, ...others] = new Set([...kept.files.keys()].map(files.folderOf));
    return others.length
      ? ""
      : files
          .nameOf(first.slice(0, -1))
          .replace(/[^\w.-]+/g, "_")
          .slice(0, 60);
  }

  hasPasted() {
    return [...kept.files.values()].some((blob) => !(blob instanceof File));
  }

  /** @returns {string} the command that submits the same. */
  command() {
    const paths = this.paths();
    const last = [this.values.passed_on ?? []].flat();
    const options = Object.entries(this.values).flatMap(([name, value]) => this.option(name, value));
    const words = [...options, ...(last.length ? ["--", ...last] : [])];
    const given = paths.length || "smiles" in this.values ? line(...paths.map(safe)) : "FILE.xyz";
    return ["nox submit", paths.length > MOST_NAMED ? patterns(paths) : given, line(...words)]
      .filter(Boolean)
      .join(" ");
  }

  /** @param {string} name @param {string | string[]} value @returns {string[]} */
  option(name, value) {
    const about = this.choices.parameters[name];
    const option = optionOf(name);
    if (!about || option === "--") {
      return [];
    }
    if (about.type === "boolean" || name === "unique" || value === about.implied) {
      return [option];
    }
    return [value].flat().flatMap((one) => (one.startsWith("-") ? [`${option}=${one}`] : [option, one]));
  }
}

/** @param {string} heading @param {...import("../lib/dom.js").Child} content */
function panel(heading, ...content) {
  return h("section.panel.view.submit-panel", h("h2", heading), ...content);
}

/** @param {string} id @param {any} label @param {Element} control @param {...import("../lib/dom.js").Child} more */
function labelled(id, label, control, ...more) {
  return h("div.field", h("label", { for: id }, label), control, ...more);
}

/** @param {string} words @param {() => void} work */
function button(words, work) {
  return h("button.button", { onclick: work }, words);
}

/** @param {string} words */
function hint(words) {
  return h("p.hint.small", words);
}

/** Replace the children of a node, and keep the focus. @param {Element} node @param {...import("../lib/dom.js").Child} children */
function redraw(node, ...children) {
  const { id } = document.activeElement ?? {};
  const hadFocus = node.contains(document.activeElement);
  replace(node, ...children);
  if (hadFocus && id) {
    document.getElementById(id)?.focus();
  }
}

/** @param {string} name - of a parameter. */
function optionOf(name) {
  return name === "passed_on" ? "--" : `--${name.replaceAll("_", "-")}`;
}

/** @param {string} text */
function lines(text) {
  return text
    .split("\n")
    .map((one) => one.trim())
    .filter(Boolean);
}

/** @param {string[]} words */
function remarks(words) {
  const more = words.length - MOST_LINES;
  const items = words.slice(0, MOST_LINES).map((one) => h("li.warning", one));
  return words.length > 0 && h("ul.submit-list", items, more > 0 && h("li", `and ${more} more`));
}

/** @param {{message: string, hint: string | null}[]} faults */
function faultList(faults) {
  const items = faults
    .slice(0, MOST_LINES)
    .map((one) => h("li", one.message, one.hint && h("span.hint", ` (${one.hint})`)));
  return h("ul.submit-list", items);
}

/** Make a link that moves the focus, not the view. @param {HTMLElement} field @param {string} words */
function link(field, words) {
  const onclick = (/** @type {Event} */ event) => {
    event.preventDefault();
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  };
  return h("a", { href: `#${field.id}`, onclick }, words);
}

/** @param {any} job */
function jobLink(job) {
  return h(
    "a",
    { href: href(`jobs/${job.number ?? job.job_id}`) },
    `${job.number ?? job.job_id} ${job.name}`,
  );
}

/** Name files that hold the same. @param {any[]} jobs */
function duplicates(jobs) {
  const same = Map.groupBy(
    jobs.filter((one) => one.file),
    (one) => `${one.input_sha256} ${one.frame}`,
  );
  const groups = [...same.values()].filter((some) => some.length > 1);
  return groups.map(
    ([one, other, ...more]) =>
      `${one.file} and ${other.file}${more.length ? ` and ${more.length} more` : ""} are the same`,
  );
}

/** @param {any} found @param {string} path - empty: the first structure. */
function framesOf(found, path) {
  const jobs = (found?.plan.jobs ?? []).filter(
    (/** @type {any} */ one) => one.structure && (!path || one.file === path),
  );
  return (path ? jobs : jobs.slice(0, 1)).map((/** @type {any} */ one) => ({
    symbols: one.structure.symbols,
    positions: one.structure.positions_angstrom,
  }));
}

/** @param {Choices["engines"][0]} engine */
function engineWords({ name, version, workers }) {
  const versions = [...new Set([version?.split(".").slice(0, 2).join("."), ...workers])].filter(Boolean);
  return name === "auto"
    ? "chosen by nox"
    : `${name}${versions.length ? ` ${versions.join(", ")}` : ": not here"}`;
}

/** @param {string | undefined} words */
function origin(words) {
  return words && words !== "default" && h("span.muted.small", ` ${words}`);
}

/** Write files as patterns of a shell, one for each folder and ending. @param {string[]} paths */
function patterns(paths) {
  const found = paths.map((path) => {
    const [folder, ending] = [files.folderOf(path), /\.[^./]+(?:\.gz)?$/.exec(path)?.[0] ?? ""];
    return `${folder && line(safe(folder))}*${ending && line(ending)}`;
  });
  return [...new Set(found)].slice(0, MOST_NAMED).join(" ");
}

/** @param {string} path */
function safe(path) {
  return path.startsWith("-") ? `./${path}` : path;
}

/** @param {number} bytes @returns {string} random hexadecimal digits. */
function made(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Say why nothing can be submitted here; null: it can. */
function refusal() {
  const why = session()?.read_only
    ? "This server was started with --read-only: it takes no jobs."
    : "Your token may read jobs only. To submit some, sign in with a token of scope submit.";
  return maySubmit() ? null : h("p.panel.warning", { role: "note" }, why);
}
