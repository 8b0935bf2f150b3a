// Workers in the words of `nox status`, `nox top` and `nox doctor`.

import { command } from "./command.js";
import { h } from "./dom.js";
import { count } from "./format.js";

/** Write how many slots work: `3 workers, 17 of 64 slots busy`; or that no worker lives.  @param {Workforce} workforce */
export function slotsWords({ workers, starting }) {
  const living = workers.filter((one) => one.alive);
  if (!living.length) {
    return starting ? "a worker is starting" : "no worker is alive";
  }
  const busy = living.reduce((sum, one) => sum + inUse(one), 0);
  const slots = living.reduce((sum, one) => sum + one.slots, 0);
  return `${count(living.length, "worker")}, ${count(busy)} of ${count(slots, "slot")} busy`;
}

/** Count the slots of a worker that work.  A job has begun before its worker reports so.  @param {JobWorker} worker */
export function inUse({ alive, busy, running }) {
  return alive ? Math.max(busy, running.length) : 0;
}

/** Choose what keeps jobs from running, or may do so soon.  @param {Workforce} workforce */
export function troubles({ findings, starting }) {
  return findings.filter((one) => one.verdict !== "ok" && !(starting && one.name === "waiting"));
}

/** Make the line of a finding, for `keyed`.  @param {Finding} found */
export function finding({ verdict, found, hint }) {
  // The hint that is a command; others have words in between.
  const [, lead, line] = /^(start one:) (nox [^:;]+)$/.exec(hint) ?? [null, hint, ""];
  const element = h(
    "li",
    { class: verdict === "problem" ? "problem" : null },
    h("span.what", found),
    lead && h("span.hint", lead),
    line && command(line),
  );
  return { element, update: () => {} };
}
