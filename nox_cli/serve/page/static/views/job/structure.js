// The structure of a job in three dimensions: its start, the path of an optimisation, and its end.

import { text } from "../../lib/api.js";
import { command, line } from "../../lib/command.js";
import { h, replace } from "../../lib/dom.js";
import { size } from "../../lib/format.js";
import { molecule } from "../../molecules/molecule.js";
import { read } from "../../molecules/xyz.js";

const TRAJECTORY = "trajectory.xyz";
const MOST_BYTES = 64 * 1_048_576;

/** The panel of the structure. */
export class Structure {
  /**
   * @param {{path: string, signal: AbortSignal}} about
   * @param {(step: number) => unknown} onStep - gets the step of the path that is shown; 0: it is none.
   */
  constructor({ path, signal }, onStep) {
    this.path = path;
    this.signal = signal;
    this.onStep = onStep;
    this.shown = "";
    this.stage = h("div");
    this.remark = h("p.muted.small");
    this.command = h("div");
    this.element = h(
      "section.panel.job-first",
      { hidden: true },
      h("h2", "Structure"),
      this.stage,
      this.remark,
      this.command,
    );
    /** @type {Awaited<ReturnType<typeof molecule>> | null} */
    this.viewer = null;
    /** @type {Frame[]} */
    this.frames = [];
  }

  /** @param {Job} job */
  async update(job) {
    const result = job.outcome?.result;
    const key = `${job.result_attempt} ${job.outcome?.attempt} ${job.public_state}`;
    if (key === this.shown) {
      return;
    }
    this.shown = key;
    const { frames, remark } = await this.steps(job);
    const start = job.spec.structure?.symbols?.length ? [frame(job.spec.structure, "start")] : [];
    const end =
      result?.symbols?.length && result.convergence
        ? [{ ...frame(result, "end"), energy: result.energy_hartree }]
        : [];
    this.frames = [...start, ...frames, ...end];
    this.element.hidden = this.frames.length === 0;
    if (this.frames.length === 0 || this.signal.aborted) {
      return;
    }
    replace(this.remark, remark);
    this.remark.hidden = !remark;
    const file = end.length ? "opt.xyz" : "";
    replace(
      this.command,
      command(file ? line("nox", "open", job.number) : line("nox", "status", job.number, "--raw")),
    );
    if (this.viewer) {
      this.viewer.update(this.frames, result?.charges_e);
      return;
    }
    const onShow = (/** @type {number} */ index) =>
      this.onStep(frames.length ? Math.min(frames.length, index + 1 - start.length) : 0);
    this.viewer = await molecule(
      this.stage,
      { label: `${job.number} ${job.name}`.trim(), frames: this.frames, charges: result?.charges_e, onShow },
      this.signal,
    );
  }

  /** Read the path of the attempt whose result is shown.  @param {Job} job */
  async steps(job) {
    const made = job.artifacts.find((/** @type {any} */ one) => one.name === TRAJECTORY);
    if (!made) {
      return { frames: [], remark: "" };
    }
    if (made.size_bytes > MOST_BYTES) {
      return {
        frames: [],
        remark: `The path (${size(made.size_bytes)}) is too large for this page; nox fetch ${job.number} ${TRAJECTORY} saves it.`,
      };
    }
    try {
      const { frames, isWhole } = read(
        await text(`${this.path}/artifacts/${TRAJECTORY}`, { signal: this.signal }),
      );
      const cell = job.spec.structure?.lattice_angstrom;
      const path = frames.map((one, place) => ({
        ...one,
        label: `step ${place + 1} of ${frames.length}`,
        ...(cell ? { lattice: cell } : {}),
      }));
      return {
        frames: path,
        remark: isWhole ? "" : `The first ${frames.length} steps of the path are shown.`,
      };
    } catch (/** @type {any} */ error) {
      this.signal.throwIfAborted();
      if (error.isPassing) {
        throw error;
      }
      return { frames: [], remark: `The path cannot be read: ${error.message}` };
    }
  }
}

/** @param {any} structure @param {string} label @returns {Frame} */
function frame({ symbols, positions_angstrom: positions, lattice_angstrom: lattice }, label) {
  return { symbols, positions, label, ...(lattice ? { lattice } : {}) };
}
