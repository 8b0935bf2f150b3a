// Two to five structures in one view: laid on each other where they have the same atoms, side by side else.

import { text } from "../../lib/api.js";
import { h, replace, table } from "../../lib/dom.js";
import { title } from "../../lib/format.js";
import { fail, skeleton } from "../../lib/notice.js";
import { href } from "../../lib/router.js";
import { mirrored, superposed } from "../../molecules/alignment.js";
import { molecule } from "../../molecules/molecule.js";
import { read } from "../../molecules/xyz.js";

// Between two structures that are side by side, in Å.
const SPACE = 3;

/**
 * Show the final structures of some jobs.  The first is the one that the others are laid on.
 *
 * @param {Element} container - its children are replaced.
 * @param {Row[]} rows - of the jobs.
 * @param {(row: Row) => string} difference - writes the relative energy of a row, with its unit.
 * @param {AbortSignal} signal - ends it.
 */
export async function overlay(container, rows, difference, signal) {
  if (!container.querySelector(".failure")) {
    replace(container, skeleton(10));
  }
  try {
    const frames = await Promise.all(rows.map((row) => structure(row, signal)));
    await show(container, rows, frames, difference, signal);
  } catch (error) {
    if (!signal.aborted) {
      fail(container, error, () => overlay(container, rows, difference, signal));
    }
  }
}

/** @param {Row} row @param {AbortSignal} signal @returns {Promise<Frame | null>} null: the job has none. */
async function structure(row, signal) {
  const query = { selector: String(row.number), every: true };
  return read(await text("results", { query, accept: "chemical/x-xyz", signal })).frames[0] ?? null;
}

/**
 * @param {Element} container @param {Row[]} rows @param {(Frame | null)[]} found
 * @param {(row: Row) => string} difference @param {AbortSignal} signal
 */
async function show(container, rows, found, difference, signal) {
  const frames = found.map((frame) => frame ?? { symbols: [], positions: [] });
  const why = obstacle(rows, frames);
  const aligned = why ? frames : laid(frames);
  const apart = sideBySide(frames);
  const box = h("div");
  const beside = h("input", { type: "checkbox", checked: Boolean(why), disabled: Boolean(why) });
  const tables = why ? [] : [distances(rows, frames, difference), pairs(rows, frames)];
  replace(
    container,
    why && h("p.warning", why),
    h("label", beside, "Side by side"),
    h("div.overlay", box, h("div.overlay-numbers", why ? legend(rows, difference) : tables)),
  );
  const label = `Structures of ${rows.map(title).join(", ")}`;
  const drawn = () => (beside.checked ? apart : aligned).filter((frame) => frame.symbols.length);
  const view = await molecule(box, { label, frames: drawn(), isTogether: true }, signal);
  beside.addEventListener("change", () => view.update(drawn()));
}

/**
 * Name what keeps structures from being laid on each other.
 *
 * @param {Row[]} rows @param {Frame[]} frames
 * @returns {string} empty: nothing.
 */
function obstacle(rows, frames) {
  const missing = frames.findIndex((frame) => frame.symbols.length === 0);
  if (missing >= 0) {
    return `Job ${title(rows[missing])} has no structure.`;
  }
  const other = frames.findIndex((frame) => String(frame.symbols) !== String(frames[0].symbols));
  if (other < 0) {
    return "";
  }
  const isSame = String([...frames[other].symbols].sort()) === String([...frames[0].symbols].sort());
  const what = isSame ? "the same atoms in another order than" : "other atoms than";
  return `Not laid on each other: ${title(rows[other])} has ${what} ${title(rows[0])}. Structures need the same atoms in the same order.`;
}

/** Lay all structures on the first.  @param {Frame[]} frames @returns {Frame[]} */
function laid([first, ...rest]) {
  return [
    first,
    ...rest.map((one) => ({ ...one, positions: superposed(first.positions, one.positions).positions })),
  ];
}

/** Put structures next to each other, turned alike where they have the same atoms.  @param {Frame[]} frames @returns {Frame[]} */
function sideBySide(frames) {
  const [first] = frames;
  let end = 0;
  return frames.map((frame) => {
    const isLike = String(frame.symbols) === String(first.symbols) && frame.symbols.length > 0;
    const { positions } = isLike
      ? { positions: superposed(first.positions, frame.positions).positions }
      : frame;
    const left = Math.min(...positions.map(([x]) => x));
    const shift = end - left;
    end += Math.max(...positions.map(([x]) => x)) - left + SPACE;
    return { ...frame, positions: positions.map(([x, y, z]) => /** @type {Point} */ ([x + shift, y, z])) };
  });
}

/** @param {Row[]} rows @param {(row: Row) => string} difference */
function legend(rows, difference) {
  return h(
    "ul.overlay-legend",
    rows.map((row, place) => h("li", mark(row, place), " ", h("span.muted", difference(row)))),
  );
}

/** The distances of all structures from the first.  @param {Row[]} rows @param {Frame[]} frames @param {(row: Row) => string} difference */
function distances(rows, frames, difference) {
  const heavy = frames[0].symbols.map((symbol) => symbol !== "H");
  const hasHeavy = heavy.includes(true) && heavy.includes(false);
  const without = (/** @type {Point[]} */ positions) => positions.filter((_, atom) => heavy[atom]);
  const [first] = frames.map((frame) => frame.positions);
  const lines = frames.map(({ positions }, place) => {
    const [all, image] = [superposed(first, positions).rmsd, superposed(first, mirrored(positions)).rmsd];
    return h(
      "tr",
      h("th", { scope: "row" }, mark(rows[place], place)),
      h("td.number", difference(rows[place])),
      place === 0
        ? h("td.muted", { colspan: hasHeavy ? 3 : 2 }, "the others are laid on it")
        : [
            h("td.number", all.toFixed(3)),
            hasHeavy && h("td.number", superposed(without(first), without(positions)).rmsd.toFixed(3)),
            h("td.number", image.toFixed(3)),
          ],
    );
  });
  const heads = ["energy", "all atoms", ...(hasHeavy ? ["without H"] : []), "mirror image"];
  const words = "RMSD in Å, atom by atom in the order of the files: atoms that are alike are not exchanged";
  return table(h("caption", words), [["job"], ...heads.map(numeric)], lines);
}

/** The distances of each pair, of three structures or more.  @param {Row[]} rows @param {Frame[]} frames */
function pairs(rows, frames) {
  if (rows.length < 3) {
    return null;
  }
  const some = rows.slice(0, -1);
  const lines = rows.slice(1).map((row, place) => {
    const own = frames[place + 1].positions;
    const cells = some.map((_, column) =>
      h("td.number", column <= place ? superposed(frames[column].positions, own).rmsd.toFixed(3) : ""),
    );
    return h("tr", h("th", { scope: "row" }, row.number), cells);
  });
  const heads = some.map((row) => numeric(row.number));
  return table(h("caption", "RMSD of each pair in Å, all atoms"), [["job"], ...heads], lines);
}

/** @param {string | number} words @returns {[string | number, string]} a head of a column of numbers. */
function numeric(words) {
  return [words, "number"];
}

/** @param {Row} row @param {number} place */
function mark(row, place) {
  const colour = h("span.plot-mark");
  colour.style.color = `var(--plot-${place + 1})`;
  return [colour, h("a", { href: href(`jobs/${row.number}`) }, title(row))];
}
