// Actions on jobs: the dialog that counts, shows the command and confirms, and the buttons that open it.

import { maySubmit, post, session } from "./api.js";
import { command, line, optionOf } from "./command.js";
import { h, replace } from "./dom.js";
import { count, title as named, STATES } from "./format.js";
import { dialog, fail, remark } from "./notice.js";

/**
 * @typedef {"cancel" | "hold" | "release" | "retry" | "set"} Action
 * @typedef {{number: number, name?: string | null}} Numbered
 * @typedef {object} Chosen - the jobs of an action, by one of three ways.
 * @property {Numbered[]} [jobs] - one by one.
 * @property {string[]} [selector] - words as `@batch:screen`: all jobs of all of them.
 * @property {Record<string, any>} [filters] - words of `nox list`: the jobs that pass all; with `selector`, those
 *   that it names.
 */

/**
 * @typedef {object} Form
 * @property {string} verb - on the button that opens the dialog.
 * @property {string} [lead] - in its title; undefined: the verb.
 * @property {string} [short] - before the number of jobs, on its button; undefined: the verb.
 * @property {string} hint - what the action does.
 * @property {string[]} states - the public states in which it changes a job.
 */

/** @type {Record<Action, Form>} */
const FORMS = {
  cancel: {
    verb: "Cancel",
    hint: "Waiting jobs end at once, running ones when their worker has stopped them.",
    states: ["pending", "running"],
  },
  hold: { verb: "Hold", hint: "Waiting jobs do not start until they are released.", states: ["pending"] },
  release: { verb: "Release", hint: "Held jobs wait for a worker again.", states: ["pending"] },
  retry: {
    verb: "Retry",
    hint: "Failed and cancelled jobs run again. Earlier attempts are kept.",
    states: ["failed", "cancelled"],
  },
  set: {
    verb: "Set priority",
    lead: "Set the priority of",
    short: "Change",
    hint: "Waiting jobs of a higher priority start first.",
    states: ["pending"],
  },
};
const MOST_LISTED = "100000";
const PRIORITIES = { min: "-100", max: "100" };

/** @returns {string} why this session may change no job; empty: it may. */
export function refusal() {
  if (maySubmit()) {
    return "";
  }
  return session()?.read_only
    ? "This server is read-only: jobs cannot be changed here."
    : "Your session may only read: changes need a token with the scope submit.";
}

/**
 * Make a button for each of some actions.
 *
 * @param {() => Chosen | null} chosen - the jobs, when a button is pressed; null: there are none.
 * @param {{actions?: Action[], refresh?: () => unknown}} [options] - `refresh`: called after a change.
 * @returns {HTMLButtonElement[]} which are disabled, with the reason, where the session may change nothing.
 */
export function buttons(chosen, { actions = ["cancel", "hold", "release", "retry", "set"], refresh } = {}) {
  const why = refusal();
  return actions.map((action) => {
    function press() {
      const found = chosen();
      if (found) {
        act({ action, refresh, ...found });
      }
    }
    const { verb, hint } = FORMS[action];
    const mark = action === "cancel" ? "button danger" : "button";
    return h("button", { class: mark, title: why || hint, disabled: Boolean(why), onclick: press }, verb);
  });
}

/**
 * Ask for an action in a dialog, do it, and report what it changed.
 *
 * @param {Chosen & {action: Action, refresh?: () => unknown}} asked - `refresh`: called after a change.
 * @returns {Promise<void>} when the dialog is closed.
 */
export async function act({ action, refresh, ...chosen }) {
  const why = refusal();
  if (why) {
    remark(why, { kind: "error" });
    return;
  }
  const options = { done: false, priority: 0 };
  const form = FORMS[action];
  const counted = h("p", { role: "status" }, "Counting the jobs …");
  const more = h("div");
  const shown = h("div");
  const problem = h("div");
  const back = h("button.button", { onclick: () => box.close() }, "Back");
  const mark = action === "cancel" ? "button danger" : "button primary";
  const confirm = h("button", { type: "submit", class: mark, disabled: true }, form.verb);
  const box = dialog(`${form.lead ?? form.verb} ${title(chosen)}`, [
    h("form", { onsubmit: perform }, [
      counted,
      h("p.hint", form.hint),
      more,
      h("p.hint", "The same on the command line:"),
      shown,
      problem,
      h("div.actions", back, confirm),
    ]),
  ]);
  const closed = new AbortController();
  box.addEventListener("close", () => closed.abort());
  /** @type {Record<string, number>} */
  let states = {};

  function update() {
    const changed = affected(action, states, options.done);
    replace(shown, command(commandLine(action, chosen, options)));
    confirm.textContent = changed > 1 ? `${form.short ?? form.verb} ${count(changed, "job")}` : form.verb;
    confirm.disabled = changed === 0;
  }

  async function perform(/** @type {Event} */ event) {
    event.preventDefault();
    confirm.disabled = true;
    confirm.setAttribute("aria-busy", "true");
    replace(problem);
    try {
      const { jobs } = await post("jobs/actions", body(action, chosen, options));
      remark(report(action, jobs));
      box.close();
      refresh?.();
    } catch (error) {
      fail(problem, error);
      confirm.disabled = false;
    }
    confirm.removeAttribute("aria-busy");
  }

  update();
  if (action === "set") {
    replace(more, priorityField(options, update));
  }
  async function look() {
    try {
      ({ states } = await post("jobs/actions", { ...body(action, chosen, options), dry_run: true }, closed));
      replace(problem);
      replace(counted, summary(action, states));
      if (action === "retry" && states.completed) {
        replace(more, doneField(options, states.completed, update));
      }
      update();
      if (action !== "set" && document.activeElement === back) {
        (confirm.disabled ? back : confirm).focus();
      }
    } catch (error) {
      if (!closed.signal.aborted) {
        replace(counted);
        fail(problem, error, look);
      }
    }
  }
  look();
  await new Promise((resolve) => closed.signal.addEventListener("abort", resolve, { once: true }));
}

/**
 * Write the command line that does an action.
 *
 * @param {Action} action
 * @param {Chosen} chosen
 * @param {{done?: boolean, priority?: number}} [options]
 */
function commandLine(action, chosen, { done = false, priority = 0 } = {}) {
  const words = ["nox", action];
  const yes = action === "cancel" && chosen.selector?.includes("@all") && !chosen.filters;
  const options = [
    ...(action === "set" ? ["--priority", priority] : []),
    ...(done ? ["--done", "--yes"] : []),
    ...(yes ? ["--yes"] : []),
    ...(chosen.filters?.all_users ? ["--any-user"] : []),
  ];
  if (!chosen.filters) {
    return line(...words, ...selectorOf(chosen), ...options);
  }
  const listed = line("nox", "list", "-q", ...listWords({ ...chosen.filters, selector: chosen.selector }));
  return `${listed} --limit ${MOST_LISTED} | ${line(...words, "-", ...options)}`;
}

/**
 * Write filters as words of `nox list`.
 *
 * @param {Record<string, any>} filters - by the names of the parameters of `GET /jobs`; lists repeat an option.
 */
export function listWords({ selector = [], ...filters }) {
  const options = Object.entries(filters).flatMap(([name, value]) => {
    const option = optionOf(name);
    if (name === "all_users") {
      return value ? [option] : [];
    }
    const values = name === "state" ? [[value].flat().join(",")] : [value].flat();
    return values.flatMap((one) => (one === null || one === undefined || one === "" ? [] : [option, one]));
  });
  return [...[selector].flat(), ...options];
}

/** Write numbers as a selector names them.  @param {number[]} numbers @returns {string} such as `1-3,7`. */
function ranges(numbers) {
  /** @type {[number, number][]} */
  const runs = [];
  for (const number of [...numbers].sort((one, other) => one - other)) {
    const last = runs.at(-1);
    if (last && number <= last[1] + 1) {
      last[1] = number;
    } else {
      runs.push([number, number]);
    }
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/** @param {Chosen} chosen */
function selectorOf({ jobs, selector = [] }) {
  return jobs ? [ranges(jobs.map((job) => job.number))] : selector;
}

/** @param {Chosen} chosen */
function title({ jobs, selector = [], filters }) {
  if (jobs?.length === 1) {
    return named(jobs[0]);
  }
  return jobs ? count(jobs.length, "job") : filters ? "all jobs of this list" : selector.join(" ");
}

/** @param {Action} action @param {Chosen} chosen @param {{done: boolean, priority: number}} options */
function body(action, chosen, { done, priority }) {
  const { filters } = chosen;
  const selector = selectorOf(chosen);
  return {
    action,
    ...(selector.length ? { selector } : {}),
    ...(filters ? { filters } : {}),
    ...(done ? { done } : {}),
    ...(action === "set" ? { set: { priority } } : {}),
  };
}

/** @param {Action} action @param {Record<string, number>} states @param {boolean} done */
function affected(action, states, done) {
  const all = done ? [...FORMS[action].states, "completed"] : FORMS[action].states;
  return all.reduce((sum, state) => sum + (states[state] ?? 0), 0);
}

/** @param {Action} action @param {Record<string, number>} states */
function summary(action, states) {
  const all = Object.entries(STATES).filter(([state]) => states[state]);
  const total = all.reduce((sum, [state]) => sum + states[state], 0);
  const rest = all.filter(([state]) => !FORMS[action].states.includes(state));
  const left = rest.length ? ` Left alone: ${byState(rest, states)}.` : "";
  return `${count(total, "job")}: ${byState(all, states)}.${left}`;
}

/** @param {[string, string][]} words @param {Record<string, number>} states */
function byState(words, states) {
  return words.map(([state, word]) => `${count(states[state])} ${word}`).join(" · ");
}

/** @param {Action} action @param {{before: string, state: string, changed?: boolean, refused: boolean}[]} jobs */
function report(action, jobs) {
  /** @param {(job: any) => boolean} is */
  const number = (is) => jobs.filter(is).length;
  const refused = number((job) => job.refused);
  const own = refused ? [`${count(refused, "job")} of other users left alone`] : [];
  if (action === "cancel") {
    const waiting = number((job) => job.before === "pending" && job.state === "cancelled");
    const running = number((job) => job.before === "running" && !job.refused);
    const ended = jobs.length - waiting - running - refused;
    const parts = [
      waiting && `cancelled ${count(waiting, "waiting job")}`,
      running && `told ${count(running, "running job")} to stop`,
      ended && `${count(ended)} had ended already`,
      ...own,
    ];
    return capital(parts.filter(Boolean).join(", ") || "nothing was cancelled");
  }
  const changed = number((job) => job.changed);
  const left = jobs.length - changed - refused;
  const done = { hold: "held", release: "released", retry: "queued again", set: "changed" }[action];
  const what = changed ? `${count(changed, "job")} ${done}` : `nothing was ${done}`;
  return capital([what, left && `${count(left)} left alone`, ...own].filter(Boolean).join(", "));
}

/** @param {string} words */
function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {{priority: number}} options @param {() => void} update */
function priorityField(options, update) {
  const input = h("input", {
    type: "number",
    id: "action-priority",
    required: true,
    ...PRIORITIES,
    value: options.priority,
  });
  input.addEventListener("input", () => {
    options.priority = input.valueAsNumber || 0;
    update();
  });
  return h("p.field", h("label", { for: "action-priority" }, "Priority, -100 to 100"), input);
}

/** @param {{done: boolean}} options @param {number} completed @param {() => void} update */
function doneField(options, completed, update) {
  const input = h("input", { type: "checkbox" });
  input.addEventListener("change", () => {
    options.done = input.checked;
    update();
  });
  return h("label", input, ` Also ${count(completed, "completed job")}; results are kept`);
}
