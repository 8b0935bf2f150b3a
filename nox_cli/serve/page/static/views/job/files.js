// What a job left: the log of its engine, the attempts, the files, and how it is cited.

import { blob, get, text } from "../../lib/api.js";
import { command, line } from "../../lib/command.js";
import { h, replace, table } from "../../lib/dom.js";
import { duration, moment, reason, size } from "../../lib/format.js";
import { follow } from "../../lib/live.js";
import { remark, report } from "../../lib/notice.js";
import { download, save as saveFile, slug } from "../../plots/numbers.js";

/** @typedef {{path: string, signal: AbortSignal}} About */

const MOST_LINES = 2_000;
const LOG = "engine.log";
const ENDS = /** @type {Texts} */ ({ user: "cancelled", given_back: "requeued" });

/** The last lines of a log, followed while the job runs. */
export class Log {
  /** @param {About} about */
  constructor({ path, signal }) {
    this.path = path;
    this.signal = signal;
    this.shown = "";
    /** @type {number | undefined} */
    this.attempt = undefined;
    /** The newest attempt, and that of the text. */
    this.newest = 0;
    this.whose = 0;
    this.number = 0;
    this.stream = new AbortController();
    this.isFollowed = true;
    this.text = h("pre.job-log", { tabindex: "0", "aria-label": "Log", onscroll: () => this.scrolled() });
    this.state = h("span.muted.small", { role: "status" });
    this.end = h("button.button.small", { hidden: true, onclick: () => this.toEnd() }, "Follow");
    this.command = h("div");
    this.element = h(
      "section.panel",
      { hidden: true },
      h(
        "div.head",
        h("h2", "Log"),
        this.state,
        h("div.row", this.end, h("button.button.small", { onclick: () => this.save() }, "Save")),
      ),
      this.text,
      this.command,
    );
    signal.addEventListener("abort", () => this.stream.abort());
  }

  /** @param {Job} job */
  update(job) {
    this.number = job.number;
    this.newest = job.attempt;
    const key = `${job.attempt} ${job.state === "running"}`;
    if (key === this.shown) {
      return;
    }
    this.shown = key;
    const isRunning = job.state === "running";
    const isKept = job.artifacts.some((/** @type {any} */ one) => one.name === LOG && one.kept);
    this.element.hidden = !(isKept || isRunning) || job.spec.kind === "echo";
    const shown = job.outcome?.attempt ?? job.attempt;
    this.attempt = isRunning || shown === job.attempt ? undefined : shown; // the files are of the result's
    const opened = this.element.hidden ? null : this.open(isRunning);
    return isRunning || opened; // it follows a running job to its end
  }

  /** Show the log of an earlier attempt.  @param {number} attempt */
  show(attempt) {
    this.attempt = attempt;
    this.element.hidden = false;
    this.open(false).catch(() => {}); // the state has it
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} isRunning */
  async open(isRunning) {
    this.stream.abort();
    this.stream = new AbortController();
    const { signal } = this.stream;
    const chosen = this.attempt ? ["--attempt", this.attempt] : [];
    replace(this.command, command(line("nox", "logs", this.number, ...(isRunning ? ["-f"] : chosen))));
    this.state.textContent = this.attempt ? `attempt ${this.attempt}` : "";
    const whose = this.attempt ?? this.newest;
    if (isRunning || whose !== this.whose) {
      this.text.textContent = "";
    }
    this.whose = whose;
    try {
      if (isRunning) {
        await follow(`${this.path}/log`, {
          signal,
          onBlocks: (blocks) => this.add(blocks.map((one) => (one.name === "end" ? "" : one.data)).join("")),
        });
      } else {
        const query = { lines: MOST_LINES, attempt: this.attempt };
        const log = await text(`${this.path}/log`, { query, signal });
        this.text.textContent = ""; // only now: what a person reads stays where it is
        this.add(log);
      }
    } catch (/** @type {any} */ error) {
      if (!signal.aborted) {
        replace(this.state, error.message);
        if (error.isPassing) {
          throw error;
        }
      }
    } finally {
      this.text.hidden = this.text.textContent === "";
    }
  }

  /** @param {string} more */
  add(more) {
    if (more.trim()) {
      const lines = `${this.text.textContent}${more}`.split("\n");
      this.text.hidden = false;
      this.text.textContent = lines.slice(-MOST_LINES - 1).join("\n");
      this.state.textContent =
        lines.length > MOST_LINES
          ? `the last ${MOST_LINES.toLocaleString("en")} lines`
          : this.state.textContent;
    }
    if (this.isFollowed) {
      this.toEnd();
    }
  }

  scrolled() {
    this.isFollowed = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 4;
    this.end.hidden = this.isFollowed;
  }

  toEnd() {
    this.text.scrollTop = this.text.scrollHeight;
  }

  async save() {
    const content = await text(`${this.path}/log`, {
      query: { attempt: this.attempt },
      signal: this.signal,
    }).catch(report);
    if (content !== undefined) {
      saveFile(`${this.number}.log`, new Blob([content], { type: "text/plain" }));
    }
  }
}

/** Make the panel of attempts and files.  @param {About} about @param {Log} log - shows that of an attempt. */
export function files({ path, signal }, log) {
  const element = h("section.panel");
  const update = (/** @type {Job} */ job) => {
    const { attempts, artifacts } = job;
    element.hidden = attempts.length === 0 && artifacts.length === 0;
    const save =
      (/** @type {any} */ made) =>
      (/** @type {any} */ { target }) => {
        const content = blob(`${path}/artifacts/${encodeURIComponent(made.name)}`, { signal });
        download(target, `${slug(job.name || String(job.number))}-${made.name}`, content);
      };
    replace(
      element,
      h("h2", "Files and attempts"),
      artifacts.length > 0 &&
        table(
          h("caption.visually-hidden", "Files"),
          [],
          artifacts.map((/** @type {any} */ made) => fileRow(made, save(made))),
        ),
      artifacts.length === 0 && h("p.muted", "No file was kept."),
      attempts.length > 0 &&
        table(
          h("caption", "Attempts"),
          [],
          attempts.map((/** @type {any} */ one) => attemptRow(one, log)),
        ),
      artifacts.length > 0 && command(line("nox", "fetch", job.number, "all", "-d", ".")),
    );
  };
  return { element, update };
}

/** @param {any} made @param {(event: Event) => void} save */
function fileRow(made, save) {
  const place = made.host && made.path ? `${made.host}:${made.path}` : "";
  const why = "It is of an earlier attempt, and was too large to be kept.";
  return h(
    "tr",
    h("td", { title: place || `SHA-256 ${made.sha256}` }, made.name),
    h("td.number", size(made.size_bytes)),
    h(
      "td.number",
      made.kept
        ? h("button.button.small", { "aria-label": `Save ${made.name}`, onclick: save }, "Save")
        : h("span.muted", { title: why }, "not kept"),
    ),
  );
}

/** @param {any} one @param {Log} log */
function attemptRow(one, log) {
  const ran =
    one.ended_at && one.started_at
      ? duration((Date.parse(one.ended_at) - Date.parse(one.started_at)) / 1_000)
      : "";
  const how = one.ended_as ? (ENDS[one.ended_as] ?? reason(one.ended_as)) : "running";
  const worker = one.worker.replace(/-\d+-[0-9a-f]+$/, "");
  const about = { "aria-label": `Log of attempt ${one.attempt}`, onclick: () => log.show(one.attempt) };
  return h(
    "tr",
    h("td", String(one.attempt)),
    h("td", how, one.message && h("div.muted.small", one.message)),
    h("td", worker, h("div.muted.small", moment(one.started_at), ran && ` · ${ran}`)),
    h("td.number", h("button.button.small", about, "Log")),
  );
}

/** Make the panel of the citation.  @param {About} about */
export function citation({ path, signal }) {
  const element = h("section.panel", { hidden: true });
  let shown = "";
  const update = async (/** @type {Job} */ job) => {
    const isDone = Boolean(job.outcome?.result) && job.result_attempt !== null && job.spec.kind !== "echo";
    element.hidden = !isDone;
    if (!isDone || shown === String(job.result_attempt)) {
      return;
    }
    try {
      const found = await get(`${path}/citation`, { signal });
      const sentences = found.sentences.join(" ");
      const references = found.references.map(
        (/** @type {any} */ one) =>
          `[${one.number}] ${one.text}${one.doi ? `. https://doi.org/${one.doi}` : ""}`,
      );
      replace(
        element,
        h("h2", "Citation"),
        h("p", sentences),
        h(
          "ol.job-references",
          found.references.map((/** @type {any} */ one) => {
            const href = `https://doi.org/${encodeURI(one.doi)}`;
            const link = h("a", { href, target: "_blank", rel: "noreferrer noopener" }, one.doi);
            return h("li", one.text, one.doi && [". ", link]);
          }),
        ),
        h(
          "div.row",
          copy("Copy text", [sentences, "", ...references].join("\n")),
          copy("Copy BibTeX", found.bibtex),
        ),
        command(line("nox", "cite", job.number)),
      );
      shown = String(job.result_attempt);
    } catch (/** @type {any} */ error) {
      signal.throwIfAborted();
      replace(element, h("h2", "Citation"), h("p.muted", `It cannot be read: ${error.message}`));
      if (error.isPassing) {
        throw error;
      }
    }
  };
  return { element, update };
}

/** @param {string} label @param {string} content */
function copy(label, content) {
  const press = async () => {
    try {
      await navigator.clipboard.writeText(content);
      remark("Copied");
    } catch {
      saveFile("citation.txt", new Blob([content], { type: "text/plain" })); // no clipboard over plain http
    }
  };
  return h("button.button.small", { onclick: press }, label);
}
