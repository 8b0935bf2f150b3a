// Submit: files and options become jobs.  All is checked while one types; nothing is stored before Submit.

import { get, maySubmit, session } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace } from "../lib/dom.js";
import { given, parts } from "../lib/files.js";
import { count, title as named } from "../lib/format.js";
import { skeleton } from "../lib/notice.js";
import { change, go, href } from "../lib/router.js";
import { Draft } from "./submit/draft.js";
import { Options } from "./submit/options.js";
import { hint, MOST_LINES, panel, remarks } from "./submit/pieces.js";
import { fieldOf, Plan, refusedFiles } from "./submit/plan.js";
import { Preview } from "./submit/preview.js";
import { check, made, store } from "./submit/requests.js";
import { Structures } from "./submit/structures.js";

export const title = "Submit";

const CHECK_MS = 350;
// As much is checked while one types; the rest is checked before anything is stored.
const LIVE_BYTES = 2 * 1024 ** 2;
const LIVE_FILES = 2_000;
const AGAIN =
  "Submit sends the same once more: jobs that are stored already are not made twice, unless you change the form before.";

/** What outlives a visit of this view: the files, those still to be looked at, and the options. */
const kept = {
  files: /** @type {Map<string, Blob>} */ (new Map()),
  arrived: /** @type {Given[]} */ ([]),
  values: /** @type {Query} */ ({}),
};
/** @type {Form | null} */
let shown = null;

/** Take what was dropped, on any view, and show it here.  @param {(File | FileSystemEntry)[]} found - of `files.dropped`. */
export async function receive(found) {
  const files = await given(found);
  if (shown) {
    shown.draft.take(files);
  } else {
    kept.arrived.push(...files);
    go("submit");
  }
}

/** @param {HTMLElement} root @param {{query: Query, signal: AbortSignal}} about */
export async function show(root, { query, signal }) {
  replace(root, h("h1", title), skeleton(8));
  const choices = await get("choices", { signal });
  if (Object.keys(query).length) {
    kept.values = { ...query };
  }
  const draft = new Draft(choices, kept.files, kept.values);
  draft.take(kept.arrived.splice(0));
  const begin = () => {
    shown?.end();
    shown = new Form(root, draft, signal, begin);
    shown.changed();
  };
  signal.addEventListener("abort", () => {
    shown?.end();
    shown = null;
  });
  begin();
}

/** The form, and what the server said of it. */
class Form {
  /** @param {HTMLElement} root @param {Draft} draft @param {AbortSignal} signal @param {() => void} again - begins another form. */
  constructor(root, draft, signal, again) {
    this.root = root;
    this.draft = draft;
    this.signal = signal;
    this.again = again;
    /** @type {any} the answer of the check; null: none yet, or an error. */
    this.found = null;
    /** @type {any} why it was refused. */
    this.error = null;
    /** @type {string[]} what is known of a submit that failed. */
    this.notes = [];
    this.isPartial = false;
    this.isBusy = false;
    this.key = made(16);
    this.selected = "";
    this.timer = 0;
    this.checking = new AbortController();
    this.structures = new Structures(draft, (path) => {
      this.selected = path;
      this.draw();
    });
    this.options = new Options(draft);
    this.plan = new Plan(draft, () => this.check());
    this.ending = new AbortController();
    this.preview = new Preview(draft, AbortSignal.any([signal, this.ending.signal]));
    this.line = h("div");
    draft.onchange = () => this.changed();
    const attributes = {
      class: "submit",
      novalidate: true,
      "aria-label": "New jobs",
      onsubmit: (/** @type {Event} */ event) => this.submit(event),
      onpaste: (/** @type {ClipboardEvent} */ event) => this.structures.pasted(event),
    };
    const panels = [this.structures.element, ...this.options.elements];
    const side = h("div.view.submit-side", this.plan.element, this.preview.element);
    const form = h("form", attributes, h("fieldset.view", { disabled: !maySubmit() }, panels), side);
    replace(root, h("h1", title), refusal(), form, panel("The same in a terminal", this.line));
  }

  /** End what is under way, before a submit as well. */
  pause() {
    clearTimeout(this.timer);
    this.checking.abort();
  }

  end() {
    this.pause();
    this.ending.abort();
  }

  /** Follow a change of files or options: by the address, the command, and a new check. */
  changed() {
    if (this.signal.aborted) {
      return; // files that were still being read
    }
    this.key = made(16);
    this.error = null;
    this.notes = [];
    this.pause();
    const isChecked = this.draft.hasInput && maySubmit();
    if (!isChecked) {
      this.found = null;
    }
    this.timer = setTimeout(() => {
      change(this.draft.values);
      isChecked && this.check();
    }, CHECK_MS);
    this.draw();
  }

  /** Ask the server what would be computed. */
  async check() {
    this.checking.abort();
    this.error = null;
    this.checking = new AbortController();
    const signal = AbortSignal.any([this.signal, this.checking.signal]);
    const [first, ...others] = parts(this.draft.files, LIVE_BYTES, LIVE_FILES);
    this.isPartial = others.length > 0;
    this.plan.box.setAttribute("aria-busy", "true");
    try {
      this.found = await check(this.draft, first, { signal });
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      this.found = null;
      this.error = error;
    }
    this.plan.box.removeAttribute("aria-busy");
    this.draw();
  }

  /** Store the jobs. @param {Event} event */
  async submit(event) {
    event.preventDefault();
    if (this.isBusy || this.plan.hasFaults(this.root)) {
      return;
    }
    this.pause();
    const { draft, signal } = this;
    const done = { jobs: [], warnings: [], batch: "" };
    this.busy(true);
    try {
      await store(draft, this.key, done, (...words) => this.plan.progress(...words), signal);
    } catch (error) {
      this.busy(false);
      signal.aborted || this.failed(error, done.jobs.length);
      return;
    }
    this.busy(false);
    draft.forget();
    this.end();
    change(draft.values);
    replace(this.root, receipt(done, this.again));
    this.root.querySelector("h1")?.focus();
  }

  /** @param {boolean} isBusy */
  busy(isBusy) {
    this.isBusy = isBusy;
    this.plan.busy(isBusy);
    globalThis.onbeforeunload = isBusy ? (event) => event.preventDefault() : null;
  }

  /** Explain why not all jobs are stored. @param {any} error @param {number} before - jobs that are stored for certain. */
  failed(error, before) {
    const stored = before + (error.jobs?.length ?? 0);
    this.error = error;
    this.notes = [
      stored > 0 && `${count(stored, "job")} of this submit ${stored === 1 ? "is" : "are"} stored.`,
      (stored > 0 || !(error.status < 500 && error.status > 0)) && AGAIN,
    ].filter((one) => one !== false);
    this.draw();
    this.plan.box.focus();
  }

  /** Draw what depends on the draft and the check. */
  draw() {
    const { draft, found, error } = this;
    const { files, paths } = draft;
    const path = files.has(this.selected) ? this.selected : (paths[0] ?? "");
    this.options.update();
    this.structures.update(found, refusedFiles(error, draft), error, path);
    this.plan.update(this);
    this.preview.update(path, found);
    const hasPasted = [...files.values()].some((blob) => !(blob instanceof File));
    replace(
      this.line,
      command(draft.command),
      hasPasted && hint("Save what you pasted under this name first."),
    );
    for (const one of this.root.querySelectorAll("[aria-invalid]")) {
      one.removeAttribute("aria-invalid");
    }
    fieldOf(error, draft)?.setAttribute("aria-invalid", "true");
  }
}

/** Say why nothing can be submitted here; null: it can. */
function refusal() {
  const why = session()?.read_only
    ? "This server was started with --read-only: it takes no jobs."
    : "Your token may read jobs only. To submit some, sign in with a token of scope submit.";
  return maySubmit() ? null : h("p.panel.warning", { role: "note" }, why);
}

/** Draw what was stored. @param {Stored} stored @param {() => void} again */
function receipt({ jobs, warnings, batch }, again) {
  const old = jobs.filter((one) => one.existing).length;
  const heading = `${count(jobs.length - old, "job")} submitted${old ? `; ${count(old, "job")} were there already` : ""}`;
  const items = jobs
    .slice(0, MOST_LINES)
    .map((one) => h("li", link(one), one.existing && h("span.muted", " was there already")));
  const more = jobs.length - items.length;
  const [address, words] = batch
    ? [`batches/${encodeURIComponent(batch)}`, `Open the batch ${batch}`]
    : [`jobs/${jobs[0].number}`, "Open the job"];
  return [
    h("h1", { tabindex: "-1" }, heading),
    h(
      "section.panel.view",
      h(
        "div.row",
        h("a.button.primary", { href: href(address) }, words),
        h("button.button", { onclick: again }, "Submit another"),
      ),
      h("ul.submit-list", items, more > 0 && h("li.muted", `and ${count(more)} more`)),
      remarks(warnings),
    ),
    panel("Watch in a terminal", command(line("nox", "watch", batch ? `@batch:${batch}` : jobs[0].number))),
  ];
}

/** @param {any} job */
function link(job) {
  const number = job.number ?? job.job_id;
  return h("a", { href: href(`jobs/${number}`) }, named({ ...job, number }));
}
