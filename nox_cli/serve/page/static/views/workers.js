// Workers: their slots and what runs in them, their capacity, and what jobs wait for that none offers.

import { get } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace, safe } from "../lib/dom.js";
import { clock, count, duration, moment, title as named, size } from "../lib/format.js";
import { keyed, put } from "../lib/keyed.js";
import { every, live, throttled } from "../lib/live.js";
import { empty, fail, skeleton } from "../lib/notice.js";
import { href } from "../lib/router.js";
import { finding, inUse, slotsWords, troubles } from "../lib/workforce.js";

export const title = "Workers";

const EVERY_MS = 2_000;
// Of very many workers and jobs the reading takes long: it is repeated so seldom that it takes one part in ten.
const SHARE = 10;
// The most slots of a worker that are drawn one by one, and the jobs of one that are named at first.
const SQUARES = 32;
const NAMED = 4;
const COLUMNS = /** @type {[string, string][]} */ ([
  ["host", ""],
  ["slots in use", ""],
  ["busy", "number"],
  ["runs", "runs"],
  ["cores", "number"],
  ["memory", "number"],
  ["engines", ""],
  ["for", ""],
  ["ends in", ""],
  ["seen", ""],
  ["nox", ""],
]);

/** @param {HTMLElement} root @param {{signal: AbortSignal}} about */
export async function show(root, { signal }) {
  const view = new Workers(signal);
  replace(root, view.element);
  await view.begin();
}

class Workers {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.version = "";
    this.words = h("span.muted", " ");
    this.problem = h("div.problem");
    this.troubles = h("ul.panel.findings", { "aria-label": "What keeps jobs from running" });
    this.rows = h("tbody", { role: "rowgroup" });
    this.table = h(
      "div.table.workers",
      { role: "region", "aria-label": "Workers", tabindex: "0", hidden: true },
      h(
        "table",
        { role: "table" }, // roles stay where a small screen lays rows out as cards
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            COLUMNS.map(([name, mark]) =>
              h("th", { class: mark || null, scope: "col", role: "columnheader" }, name),
            ),
          ),
        ),
        this.rows,
      ),
    );
    this.none = h("div.panel", { hidden: true });
    this.waiting = skeleton(6);
    this.element = h(
      "div.view",
      h("div.head", h("div.row", h("h1", title), this.words), command(line("nox", "worker", "list"))),
      this.problem,
      this.troubles,
      this.waiting,
      this.none,
      this.table,
      commands(),
    );
    this.pauseUntil = 0;
    this.look = throttled(() => this.read(), EVERY_MS, signal);
  }

  async begin() {
    live.on(() => this.look(), this.signal);
    document.addEventListener("visibilitychange", () => this.look(), { signal: this.signal });
    every(EVERY_MS, () => this.look(), this.signal);
    every(1_000, () => this.tick(), this.signal);
    this.look();
  }

  async read() {
    const began = performance.now();
    if (document.hidden || began < this.pauseUntil) {
      return;
    }
    try {
      this.version ||= (await get("version", { signal: this.signal })).nox;
      this.show(await get("workforce", { signal: this.signal }));
      replace(this.problem);
      const ended = performance.now();
      this.pauseUntil = ended + SHARE * (ended - began) - EVERY_MS;
    } catch (error) {
      if (!this.signal.aborted) {
        fail(this.problem, error, this.look);
      }
    }
  }

  /** @param {Workforce} workforce */
  show(workforce) {
    const { workers } = workforce;
    this.waiting.remove();
    const hosts = new Set(workers.filter((one) => one.alive).map((one) => one.host)).size;
    put(this.words, `${slotsWords(workforce)}${hosts > 1 ? `, on ${count(hosts, "host")}` : ""}`);
    keyed(this.troubles, troubles(workforce), (one) => one.found + one.hint, finding);
    this.table.hidden = workers.length === 0;
    this.none.hidden = workers.length > 0;
    if (!workers.length && !this.none.hasChildNodes()) {
      replace(this.none, nobody(workforce.starting));
    }
    const order = [...workers].sort(compared);
    keyed(
      this.rows,
      order,
      (one) => one.worker,
      () => row(this.version),
    );
    this.tick();
  }

  tick() {
    for (const time of this.rows.querySelectorAll("[data-began]")) {
      put(time, clock((Date.now() - Number(/** @type {HTMLElement} */ (time).dataset.began)) / 1_000));
    }
  }
}

/** Order living workers by host and name, then those that are gone.  @param {JobWorker} one @param {JobWorker} other */
function compared(one, other) {
  return (
    Number(other.alive) - Number(one.alive) ||
    one.host.localeCompare(other.host, "en", { numeric: true }) ||
    one.name.localeCompare(other.name, "en", { numeric: true }) ||
    one.pid - other.pid
  );
}

/** @param {string} version - of the server. */
function row(version) {
  const [host, name] = [h("span.what"), h("div.muted.small.cut")];
  const slots = h("div");
  const jobs = new Jobs();
  const cells = COLUMNS.slice(1).map(([label, mark]) =>
    h("td", { class: mark || null, role: "cell", "data-label": label }),
  );
  const [squared, busy, runs, cores, memory, engines, owner, ends, seen, nox] = cells;
  squared.append(slots);
  runs.append(jobs.element);
  const element = h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, host, name), cells);
  let seenAt = "";
  return {
    element,
    update: (/** @type {JobWorker} */ one) => {
      element.classList.toggle("is-gone", !one.alive);
      put(host, one.host);
      put(name, [one.name === one.host ? "" : one.name, `pid ${one.pid}`].filter(Boolean).join(" · "));
      name.title = name.textContent ?? "";
      squares(slots, one);
      put(busy, `${count(inUse(one))}/${count(one.slots)}`);
      const [usedCores, usedBytes] = used(one);
      put(cores, `${usedCores}${count(one.cores)}`);
      put(memory, `${usedBytes}${size(one.memory_bytes)}`);
      put(engines, engineWords(one.engines));
      put(owner, one.owner ?? "all");
      put(ends, one.time_s === null ? "-" : duration(one.time_s));
      versions(nox, one.nox_version, version);
      jobs.show(one.running);
      if (one.last_seen_at !== seenAt) {
        seenAt = one.last_seen_at;
        replace(seen, moment(seenAt));
      }
    },
  };
}

/**
 * Add up what the jobs of a worker use, if all of them are visible: others have jobs, too.
 *
 * @param {JobWorker} worker
 * @returns {[string, string]} to be put before the cores and the memory of the worker.
 */
function used({ alive, busy, running }) {
  if (!alive || running.length < busy) {
    return ["", ""];
  }
  const bytes = running.reduce((sum, job) => sum + job.memory_bytes, 0);
  return [`${count(running.reduce((sum, job) => sum + job.cores, 0))}/`, bytes ? `${size(bytes)} of ` : ""];
}

/** The jobs that run on one worker: some of them, all on demand. */
class Jobs {
  constructor() {
    this.list = h("ul.slots-jobs");
    this.more = h("button.button.small.quiet", { hidden: true, onclick: () => this.turn() });
    this.element = h("div", this.list, this.more);
    this.isOpen = false;
    /** @type {RunningJob[]} */
    this.jobs = [];
  }

  /** @param {RunningJob[]} jobs */
  show(jobs) {
    this.jobs = jobs;
    const most = jobs.length <= NAMED + 1 || this.isOpen ? jobs.length : NAMED;
    keyed(
      this.list,
      jobs.slice(0, most),
      (job) => `${job.job_id} ${job.started_at}`,
      (job) => {
        const name = h(
          "a",
          { href: href(`jobs/${job.number}`), class: "cut", title: safe(named(job)) },
          named(job),
        );
        const doing = h("span.muted.small.cut");
        const time = h("span.time", { "data-began": job.started_at ? Date.parse(job.started_at) : null });
        return {
          element: h("li", name, doing, time),
          update: (found) => {
            put(doing, found.doing);
            doing.title = safe(found.doing);
          },
        };
      },
    );
    const rest = jobs.length - NAMED;
    this.more.hidden = rest <= 1;
    this.more.setAttribute("aria-expanded", String(this.isOpen));
    put(this.more, this.isOpen ? "show fewer" : rest > 1 ? `and ${count(rest)} more` : "");
  }

  turn() {
    this.isOpen = !this.isOpen;
    this.show(this.jobs);
  }
}

/** Draw slots, those first that work.  @param {Element} place @param {JobWorker} worker */
function squares(place, worker) {
  const [busy, { slots }] = [inUse(worker), worker];
  const words = worker.alive ? `${count(busy)} of ${count(slots, "slot")} busy` : "gone";
  if (place.getAttribute("title") === words) {
    return;
  }
  place.setAttribute("title", words);
  if (!worker.alive) {
    replace(place, h("span.gone", words));
    return;
  }
  const shown = Math.min(slots, SQUARES);
  // Of more slots than are drawn, the share that works.
  const full = Math.round((busy * shown) / Math.max(1, slots));
  const drawn = Array.from({ length: shown }, (_, at) => h("i", { class: at < full ? "busy" : null }));
  replace(place, h("div.slots", { role: "img", "aria-label": words }, drawn, slots > SQUARES && "+"));
}

/**
 * @param {Element} cell
 * @param {string} found - of the worker.
 * @param {string} wanted - of the server.
 */
function versions(cell, found, wanted) {
  if (cell.getAttribute("data-version") !== found) {
    cell.setAttribute("data-version", found);
    const isOther = found !== wanted;
    replace(cell, found, isOther && h("div.warning.small", `server: ${wanted}`));
  }
}

/** Name engines with their versions where they are known; every worker runs echo.  @param {string[]} keys */
function engineWords(keys) {
  const versioned = new Set(keys.filter((key) => key.includes("@")).map((key) => key.split("@")[0]));
  return keys.filter((key) => key !== "echo" && !versioned.has(key)).join(" ") || "-";
}

/** @param {boolean} isStarting */
function nobody(isStarting) {
  return isStarting
    ? empty("A worker is starting", h("p", "It will be here in a moment."))
    : empty(
        "No worker is alive",
        h("p", "Jobs wait until one runs. Start one on a machine that may compute:"),
        command(line("nox", "worker")),
      );
}

function commands() {
  return h(
    "details.panel",
    h("summary", "Start, stop and examine workers"),
    h(
      "dl.facts.worker-commands",
      [
        ["run your jobs on a machine", line("nox", "worker")],
        ["run the jobs of all users", line("nox", "worker", "--for", "all")],
        ["with fewer cores, for a night", line("nox", "worker", "--cores", 4, "--time-limit", "8h")],
        ["end when nothing is left to run", line("nox", "worker", "--burst")],
        ["find out why jobs do not run", line("nox", "doctor")],
      ].map(([words, text]) => [h("dt", words), h("dd", command(text))]),
    ),
    h("p.hint", "Ctrl-C or SIGTERM ends a worker in order: running jobs get 30 s, and then run elsewhere."),
  );
}
