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
    /** How many frames are before the path, and of it. */
    this.before = 0;
    this.count = 0;
  }

  /** @param {Job} job */
  async update(job) {
    const result = job.outcome?.result;
    const key = `${job.result_attempt} ${job.outcome?.attempt} ${job.public_state}`;
    if (key === this.shown) {
      return;
    }
    this.shown = key;
    const { frames, remark, error } = await this.steps(job);
    const start = job.spec.structure?.symbols?.length ? [frame(job.spec.structure, "start")] : [];
    const end =
      result?.symbols?.length && result.convergence
        ? [{ ...frame(result, "end"), energy: result.energy_hartree }]
        : [];
    this.frames = [...start, ...frames, ...end];
    this.element.hidden = this.frames.length === 0;
    if (this.frames.length > 0 && !this.signal.aborted) {
      replace(this.remark, remark);
      this.remark.hidden = !remark;
      const words = end.length ? ["open", job.number] : ["status", job.number, "--raw"];
      replace(this.command, command(line("nox", ...words)));
      this.before = start.length;
      this.count = frames.length;
      await this.draw(job);
    }
    if (error) {
      throw error; // it is read again
    }
  }

  /** @param {Job} job */
  async draw({ number, name, outcome }) {
    const charges = outcome?.result?.charges_e;
    if (this.viewer) {
      this.viewer.update(this.frames, charges);
      return;
    }
    const onShow = (/** @type {number} */ index) =>
      this.onStep(this.count ? Math.min(this.count, index + 1 - this.before) : 0);
    this.viewer = await molecule(
      this.stage,
      { label: `${number} ${name}`.trim(), frames: this.frames, charges, onShow },
      this.signal,
    );
  }

  /**
   * Read the path of the attempt whose result is shown.
   *
   * @param {Job} job
   * @returns {Promise<{frames: Frame[], remark: string, error?: any}>} with an error that may pass.
   */
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
      const remark = `The path cannot be read: ${error.message}`;
      return { frames: [], remark, error: error.isPassing && error };
    }
  }
}

/** @param {any} structure @param {string} label @returns {Frame} */
function frame({ symbols, positions_angstrom: positions, lattice_angstrom: lattice }, label) {
  return { symbols, positions, label, ...(lattice ? { lattice } : {}) };
}
