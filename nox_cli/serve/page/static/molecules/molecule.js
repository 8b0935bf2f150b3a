// Molecules in three dimensions, drawn by 3Dmol when the first one is shown.

import { h, replace, safe, select } from "../lib/dom.js";
import { colour, onTheme } from "../lib/theme.js";
import { load } from "../lib/vendor.js";
import { numbers, save, slug } from "../plots/numbers.js";
import { formula, measurement } from "./geometry.js";
import { written } from "./xyz.js";

/**
 * @typedef {{label: string, frames: Frame[], charges?: number[] | null, onShow?: (index: number) => void,
 *   isTogether?: boolean}} Molecule - `charges` (e) of the last frame, of shape (atoms,); `isTogether`: all frames
 *   are drawn at once, each in a colour of its own, `--plot-1` the first.
 */

const STYLES = /** @type {Record<string, (scheme: object) => object>} */ ({
  "ball and stick": (scheme) => ({ stick: { radius: 0.12, ...scheme }, sphere: { scale: 0.26, ...scheme } }),
  stick: (scheme) => ({ stick: { radius: 0.16, ...scheme }, sphere: { radius: 0.16, ...scheme } }),
  spacefill: (scheme) => ({ sphere: { ...scheme } }),
});
const LABELS = ["no labels", "elements", "numbers", "charges"];
const COLOURS = ["by element", "by charge"];
const MOST_MEASURED = 4;
// A path takes this long to play, however many steps it has; a step is shown this long at most.
const PLAY_MS = 10_000;
const STEP_MS = 120;
// Angstrom around the outermost atoms, what makes one extent longer than another, and the radius of the sphere that
// 3Dmol shows at least.
const ROOM = 1.5;
const TIE = 0.25;
const LEAST_RADIUS = 5;
// Half the height of what is visible, per distance from the camera: 3Dmol looks with an angle of 20 degrees.
const SLOPE = Math.tan(Math.PI / 18);
const TURNS = /** @type {Record<string, [number, string]>} */ ({
  ArrowLeft: [-10, "vy"],
  ArrowRight: [10, "vy"],
  ArrowUp: [-10, "vx"],
  ArrowDown: [10, "vx"],
});

const OPTIONS = { antialias: true, upscale: false, disableFog: true };

// One viewer serves the tab, and goes from one molecule to the next: a page has few WebGL contexts, and 3Dmol
// leaves listeners of each viewer at the window.
/** @type {any} */
let viewer = null;
/** @type {View | null} */
let user = null;
const holder = h("div.molecule-holder");

/**
 * Show a molecule, or a path of several steps.  A table below it has the atoms of the step that is shown.
 *
 * @param {Element} container - gets a figure as its last child.
 * @param {Molecule} data - with at least one frame.
 * @param {AbortSignal} signal - ends it, and releases the graphics memory.
 * @returns {Promise<{show: (index: number) => void, update: (frames: Frame[], charges?: number[] | null) => void}>}
 *   `show` goes to a frame, negative ones counted from the end; both keep the camera.
 */
export async function molecule(container, data, signal) {
  const view = new View(data, signal);
  container.append(view.figure);
  if (!hasWebGl()) {
    view.explain("This browser cannot draw in three dimensions (WebGL is off)");
  } else {
    await load("3Dmol-min.js").then(
      () => signal.aborted || view.begin(),
      (error) => view.explain(error.message),
    );
  }
  return {
    show: (index) => view.show(index < 0 ? view.data.frames.length + index : index),
    update: (frames, charges) => view.update(frames, charges),
  };
}

/** One figure: the stage, its controls, a slider through the frames, and the table of atoms. */
class View {
  /** @param {Molecule} data @param {AbortSignal} signal */
  constructor(data, signal) {
    this.data = data;
    this.signal = signal;
    this.index = data.frames.length - 1;
    this.style = data.isTogether ? "stick" : "ball and stick";
    this.labels = LABELS[0];
    this.colours = COLOURS[0];
    /** @type {number[]} */
    this.measured = [];
    this.timer = 0;
    this.pending = 0;
    this.stage = h("div.molecule-stage", {
      role: "img",
      tabindex: "0",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event),
      onpointerdown: () => this.stage.focus({ preventScroll: true }), // 3Dmol keeps the browser from it
    });
    // Until a person has turned to the molecule, the wheel moves the page.
    const wheel = (/** @type {Event} */ event) =>
      document.activeElement === this.stage || event.stopPropagation();
    this.stage.addEventListener("wheel", wheel, { capture: true, passive: true });
    this.readout = h("output.molecule-readout", { "aria-live": "polite" });
    this.atoms = h("input.molecule-atoms", {
      type: "text",
      inputmode: "numeric",
      placeholder: "1 2 3",
      autocomplete: "off",
      "aria-label": "Atoms to measure: numbers of 2 to 4",
      title: "Click 2, 3 or 4 atoms, or write their numbers: distance, angle, dihedral",
      onchange: () => this.measure(this.atoms.value.match(/\d+/g)?.map(Number) ?? []),
    });
    this.tools = h("div.toolbar.molecule-tools", { role: "group", "aria-label": "Drawing of the molecule" });
    this.slider = h("input", {
      type: "range",
      min: "0",
      step: "1",
      "aria-label": "Step",
      oninput: () => this.slide(),
    });
    this.player = h("button.button", { onclick: () => this.toggle() }, "Play");
    this.place = h("output.molecule-place");
    this.path = h("div.molecule-path", this.player, this.slider, this.place);
    this.table = numbers(this.atomTable());
    this.figure = h(
      "figure.molecule",
      { "aria-label": data.label },
      h("div.molecule-box", this.stage, this.readout),
      this.path,
      this.tools,
      this.table.element,
    );
    this.controls();
    this.note();
  }

  begin() {
    user?.lose();
    this.stage.append(holder);
    viewer ??= globalThis.$3Dmol.createViewer(holder, OPTIONS);
    viewer.resize(); // after another molecule its context is made again
    user = this;
    this.paint();
    this.fit();
    onTheme(() => this.draw(), this.signal);
    this.signal.addEventListener("abort", () => {
      clearTimeout(this.timer);
      this.lose();
    });
  }

  /** Release the viewer with its graphics memory, as another molecule needs it or the page leaves this one. */
  lose() {
    if (user !== this) {
      return;
    }
    user = null;
    viewer.removeAllLabels();
    viewer.removeAllShapes();
    viewer.removeAllModels();
    holder.remove();
    release(viewer.renderer.getContext());
    this.explain("Another molecule is shown");
  }

  /** @param {string} why - there is no drawing. */
  explain(why) {
    replace(this.stage, h("p.plot-empty", `${why}. The table below has all atoms.`));
    this.tools.hidden = true;
  }

  /** @param {Frame[]} frames @param {number[] | null} [charges] */
  update(frames, charges = this.data.charges) {
    const wasLast = this.index === this.data.frames.length - 1;
    this.data = { ...this.data, frames, charges };
    this.controls();
    this.show(wasLast ? frames.length - 1 : Math.min(this.index, frames.length - 1));
  }

  /** @param {number} index */
  show(index) {
    this.index = Math.max(0, Math.min(this.data.frames.length - 1, index));
    this.draw();
    this.note();
    this.data.onShow?.(this.index);
  }

  get frame() {
    const [first, ...rest] = this.parts;
    return rest.length ? together([first, ...rest]) : first;
  }

  /** The structures that are drawn: each a model of its own, so that no bond joins two of them. */
  get parts() {
    return this.data.isTogether ? this.data.frames : [this.data.frames[this.index]];
  }

  /** The charges of the frame that is shown, if they are known. */
  get charges() {
    const { charges, frames } = this.data;
    const isLast = this.index === frames.length - 1;
    return isLast && charges?.length === this.frame.symbols.length ? charges : null;
  }

  /** Draw once before the next picture of the page, however often it is asked for until then. */
  draw() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.paint();
    });
  }

  paint() {
    if (user !== this) {
      return;
    }
    viewer.setBackgroundColor(hex(colour("stage")));
    viewer.removeAllLabels();
    viewer.removeAllShapes();
    viewer.removeAllModels();
    let before = 0;
    for (const [place, frame] of this.parts.entries()) {
      const model = viewer.addModel(written(frame), "xyz");
      const first = before + 1;
      model.setStyle({}, STYLES[this.style](this.data.isTogether ? tinted(place) : this.scheme()));
      model.setClickable({}, true, (/** @type {any} */ atom) => this.pick(first + atom.serial));
      before += frame.symbols.length;
    }
    this.drawCell();
    this.drawLabels();
    this.drawMeasure();
    viewer.render();
  }

  scheme() {
    const { charges } = this;
    if (this.colours !== COLOURS[1] || !charges) {
      return { colorscheme: "Jmol" };
    }
    const most = Math.max(0.1, ...charges.map(Math.abs));
    return { colorfunc: (/** @type {any} */ atom) => shade(charges[atom.serial] / most) };
  }

  drawCell() {
    const { lattice } = this.frame;
    if (!lattice) {
      return;
    }
    const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
      sum(lattice.filter((_, axis) => bits & (1 << axis))),
    );
    for (let bits = 0; bits < 8; bits += 1) {
      for (const axis of [1, 2, 4]) {
        if (!(bits & axis)) {
          viewer.addLine({
            start: point(corners[bits]),
            end: point(corners[bits | axis]),
            color: hex(colour("muted")),
          });
        }
      }
    }
  }

  drawLabels() {
    if (this.labels === LABELS[0]) {
      return;
    }
    const { symbols, positions } = this.frame;
    symbols.forEach((symbol, atom) => {
      const texts = { elements: symbol, numbers: String(atom + 1), charges: signed(this.charges?.[atom]) };
      this.mark(/** @type {any} */ (texts)[this.labels], positions[atom]);
    });
  }

  /** @param {string} text @param {Point} position */
  mark(text, position) {
    if (text) {
      viewer.addLabel(text, {
        position: point(position),
        alignment: "center",
        fontSize: 12,
        fontColor: hex(colour("text")),
        backgroundColor: hex(colour("stage")),
        backgroundOpacity: 0.65,
        borderThickness: 0,
        padding: 1,
        inFront: true,
      });
    }
  }

  drawMeasure() {
    const accent = hex(colour("accent"));
    const { positions } = this.frame;
    this.measured.forEach((number, place) => {
      const at = positions[number - 1];
      viewer.addSphere({ center: point(at), radius: 0.45, color: accent, alpha: 0.45 });
      if (place > 0) {
        const before = positions[this.measured[place - 1] - 1];
        viewer.addCylinder({
          start: point(before),
          end: point(at),
          radius: 0.04,
          color: accent,
          dashed: true,
        });
      }
      if (this.labels === LABELS[0]) {
        this.mark(`${this.frame.symbols[number - 1]}${number}`, at);
      }
    });
  }

  /** Add an atom to those that are measured, or take it out again.  @param {number} number - from 1. */
  pick(number) {
    const without = this.measured.filter((one) => one !== number);
    const isNew = without.length === this.measured.length;
    this.measure(isNew ? [...(without.length === MOST_MEASURED ? [] : without), number] : without);
  }

  /** @param {number[]} atoms - numbers from 1; those that do not exist are left out. */
  measure(atoms) {
    const known = atoms.filter((one) => one >= 1 && one <= this.frame.symbols.length);
    this.measured = [...new Set(known)].slice(0, MOST_MEASURED);
    this.atoms.value = this.measured.join(" ");
    this.draw();
    this.note();
  }

  note() {
    const { frames, label } = this.data;
    const { symbols, energy, label: step } = this.frame;
    const isPath = frames.length > 1 && !this.data.isTogether;
    this.readout.textContent = measurement(this.frame, this.measured);
    this.path.hidden = !isPath;
    this.slider.max = String(frames.length - 1);
    this.slider.value = String(this.index);
    const words = [
      step ?? `step ${this.index + 1} of ${frames.length}`,
      energy === undefined ? "" : `${energy.toFixed(8)} Eh`,
    ];
    this.place.textContent = words.filter(Boolean).join(" · ");
    this.slider.setAttribute("aria-valuetext", this.place.textContent);
    const which = isPath ? `, ${this.place.textContent}` : "";
    this.stage.setAttribute(
      "aria-label",
      safe(
        `${label}: ${symbols.length} atoms, ${formula(symbols)}${which}. Arrow keys turn it, plus and minus zoom.`,
      ),
    );
    this.table.update(this.atomTable());
  }

  controls() {
    const choose = (
      /** @type {string} */ name,
      /** @type {string[]} */ words,
      /** @type {"style" | "labels" | "colours"} */ field,
    ) =>
      select(
        words.map((word) => [word, word]),
        this[field],
        (word) => {
          this[field] = word;
          this.draw();
        },
        { "aria-label": name },
      );
    const hasCharges = Boolean(this.data.charges?.length);
    replace(
      this.tools,
      choose("Style", Object.keys(STYLES), "style"),
      choose("Labels", hasCharges ? LABELS : LABELS.slice(0, 3), "labels"),
      hasCharges ? choose("Colours", COLOURS, "colours") : null,
      h("label.small.muted", "Measure ", this.atoms),
      h("button.button", { onclick: () => this.reset() }, "Reset view"),
      h("button.button", { onclick: () => this.picture() }, "Save PNG"),
    );
  }

  reset() {
    if (user === this) {
      this.measure([]);
      this.paint();
      this.fit();
    }
  }

  /** Turn the longest extents into the plane, and make all atoms fill the stage: 3Dmol looks at its height alone. */
  fit() {
    const { positions, lattice } = this.frame;
    viewer.setView([0, 0, 0, 0, 0, 0, 0, 1], true); // also of the molecule before
    const mean = [0, 1, 2].map(
      (axis) => positions.reduce((all, one) => all + one[axis], 0) / positions.length,
    );
    const away = positions.map((one) => one.map((value, axis) => Math.abs(value - mean[axis])));
    const extent = (/** @type {number} */ axis) => Math.max(...away.map((one) => one[axis]));
    for (const [axis, turned] of /** @type {[number, string][]} */ ([
      [0, "vy"],
      [1, "vx"],
    ])) {
      if (!lattice && extent(2) > extent(axis) + TIE) {
        for (const one of away) {
          [one[axis], one[2]] = [one[2], one[axis]];
        }
        viewer.rotate(90, turned);
      }
    }
    const whole = Math.max(LEAST_RADIUS, ...away.map((one) => Math.hypot(...one)));
    const shape = this.stage.clientWidth / this.stage.clientHeight;
    // What is nearer to the camera than the centre looks larger.
    const needed = away.map(([x, y, z]) => Math.max((x + ROOM) / shape, y + ROOM) + SLOPE * z);
    viewer.zoomTo();
    viewer.zoom(lattice ? Math.min(1, shape) : whole / Math.max(...needed));
    viewer.render();
  }

  picture() {
    if (user === this) {
      const bytes = atob(viewer.pngURI().split(",")[1]);
      const content = Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
      save(`${slug(this.data.label)}.png`, new Blob([content], { type: "image/png" }));
    }
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const turn = TURNS[event.key];
    const zoom = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 }[event.key];
    if (
      user !== this ||
      event.altKey ||
      event.ctrlKey ||
      event.metaKey ||
      !(turn || zoom || event.key === "Escape")
    ) {
      return;
    }
    event.preventDefault();
    if (turn) {
      viewer.rotate(...turn);
    } else if (zoom) {
      viewer.zoom(zoom);
    } else {
      this.measure([]);
    }
    viewer.render();
  }

  slide() {
    this.stop();
    this.show(Number(this.slider.value));
  }

  toggle() {
    if (this.timer) {
      this.stop();
      return;
    }
    this.player.textContent = "Pause";
    const last = this.data.frames.length - 1;
    const stride = Math.max(1, Math.round((STEP_MS * last) / PLAY_MS));
    this.play(this.index >= last ? 0 : this.index, stride);
  }

  /** @param {number} index @param {number} stride */
  play(index, stride) {
    const last = this.data.frames.length - 1;
    this.show(Math.min(index, last));
    if (index >= last) {
      this.stop();
    } else {
      this.timer = setTimeout(() => this.play(index + stride, stride), STEP_MS);
    }
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.player.textContent = "Play";
  }

  /** @returns {Numbers} */
  atomTable() {
    const { symbols, positions } = this.frame;
    const charges = this.charges;
    return {
      name: `${this.data.label} atoms`,
      summary: "Atoms",
      columns: ["atom", "element", "x (Å)", "y (Å)", "z (Å)", ...(charges ? ["charge (e)"] : [])],
      decimals: [0, 0, 6, 6, 6, 4],
      rows: symbols.map((symbol, atom) => [
        atom + 1,
        symbol,
        ...positions[atom],
        ...(charges ? [charges[atom]] : []),
      ]),
    };
  }
}

/** Write the atoms of several structures one after the other.  @param {Frame[]} frames @returns {Frame} */
function together(frames) {
  return {
    symbols: frames.flatMap((one) => one.symbols),
    positions: frames.flatMap((one) => one.positions),
  };
}

/** Give the carbon and hydrogen of a structure a colour of its own.  @param {number} place */
function tinted(place) {
  const own = hex(colour(`plot-${place + 1}`));
  return { colorscheme: { prop: "elem", map: { ...globalThis.$3Dmol.elementColors.Jmol, C: own, H: own } } };
}

/** Write a charge with its sign.  @param {number | undefined} charge */
function signed(charge) {
  return charge === undefined ? "" : `${charge < 0 ? "−" : "+"}${Math.abs(charge).toFixed(2)}`;
}

/** Colour a share of the largest charge: red is negative, blue positive.  @param {number} share - -1 to 1. */
function shade(share) {
  const rest = Math.round(235 * (1 - Math.min(1, Math.abs(share))));
  return share < 0 ? (235 << 16) | (rest << 8) | rest : (rest << 16) | (rest << 8) | 235;
}

function hasWebGl() {
  const context = h("canvas").getContext("webgl2");
  release(context);
  return context !== null;
}

/** Free the graphics memory of a context, long before the browser would.  @param {WebGL2RenderingContext | null} context */
function release(context) {
  context?.getExtension("WEBGL_lose_context")?.loseContext();
}

/** @param {string} rgb - as `rgb(1, 2, 3)`. @returns {number} as 3Dmol takes it. */
function hex(rgb) {
  const [red, green, blue] = rgb.match(/\d+/g)?.map(Number) ?? [0, 0, 0];
  return (red << 16) | (green << 8) | blue;
}

/** @param {Point} at */
const point = ([x, y, z]) => ({ x, y, z });
/** @param {Point[]} all @returns {Point} */
const sum = (all) => all.reduce((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]], [0, 0, 0]);
