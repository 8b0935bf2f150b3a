// The structure of one file, as the server read it.

import { h, replace } from "../../lib/dom.js";
import { isCompanion, parts } from "../../lib/files.js";
import { molecule } from "../../molecules/molecule.js";
import { hint, panel } from "./pieces.js";
import { check } from "./requests.js";

/** Draws the file that is chosen, once it is known. */
export class Preview {
  /** @param {Draft} draft @param {AbortSignal} signal */
  constructor(draft, signal) {
    this.draft = draft;
    this.signal = signal;
    this.drawn = "";
    this.drawing = new AbortController();
    this.element = h("div");
  }

  /** @param {string} path - empty: the first structure. @param {any} found - of the check. */
  async update(path, found) {
    const known = framesOf(found, path);
    const drawn = JSON.stringify([path, known]);
    if (drawn === this.drawn || (!found && this.draft.hasInput)) {
      return;
    }
    this.drawn = drawn;
    this.drawing.abort();
    this.drawing = new AbortController();
    const signal = AbortSignal.any([this.signal, this.drawing.signal]);
    replace(this.element);
    try {
      const frames = known.length || !path ? known : framesOf(await this.check(path, signal), path);
      if (frames.length) {
        const label = path || found.plan.jobs[0].name;
        const box = panel(label);
        replace(this.element, box);
        await molecule(box, { frames, label }, signal);
      }
    } catch (error) {
      signal.aborted || replace(this.element, hint(/** @type {Error} */ (error).message));
    }
  }

  /** Check a file that was not among the first. @param {string} path @param {AbortSignal} signal */
  check(path, signal) {
    const some = [...this.draft.files].filter(([one]) => one === path || isCompanion(one));
    const [first] = parts(new Map(some), this.draft.choices.most_bytes, 1);
    return check(this.draft, first, { signal, isFirst: false });
  }
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
