// Structures as text: frames of XYZ files, read and written.

// What a page can show; a file may have any size.
const MOST_ATOMS = 20_000;
const MOST_FRAMES = 5_000;
const MOST_POSITIONS = 2_000_000;
const ENERGY = /^energy=(-?\d{1,20}\.\d+) /;
const SYMBOL = /^[A-Z][a-z]?$/;

/**
 * Read the frames of an XYZ file, as the engines of nox write it.
 *
 * @param {string} text
 * @returns {{frames: Frame[], isWhole: boolean}} the frames up to the first that is damaged, or up to what a
 *   page can show; `isWhole`: these are all.
 */
export function read(text) {
  const frames = [];
  let [start, atoms] = [0, 0];
  while (start < text.length) {
    const found = frame(text, start);
    if (!found) {
      return { frames, isWhole: text.slice(start, start + 200).trim() === "" };
    }
    atoms += found.frame.symbols.length;
    if (frames.length === MOST_FRAMES || atoms > MOST_POSITIONS) {
      return { frames, isWhole: false };
    }
    frames.push(found.frame);
    start = found.end;
  }
  return { frames, isWhole: true };
}

/** Write one frame as XYZ, without what its comment was.  @param {Frame} frame */
export function written({ symbols, positions }) {
  const lines = symbols.map(
    (symbol, atom) => `${SYMBOL.test(symbol) ? symbol : "X"} ${positions[atom].join(" ")}`,
  );
  return `${symbols.length}\n\n${lines.join("\n")}\n`;
}

/** @param {string} text @param {number} start @returns {{frame: Frame, end: number} | null} */
function frame(text, start) {
  const [first, second] = line(text, start);
  const count = /^\s*\d{1,6}\s*$/.test(first) ? Number(first) : 0;
  if (count < 1 || count > MOST_ATOMS) {
    return null;
  }
  const [comment, third] = line(text, second);
  const [symbols, positions] = [/** @type {string[]} */ ([]), /** @type {Point[]} */ ([])];
  let end = third;
  for (let atom = 0; atom < count; atom += 1) {
    const [row, next] = line(text, end);
    const [symbol, x, y, z] = row.trim().split(/\s+/, 4);
    const position = /** @type {Point} */ ([x, y, z].map(Number));
    if (z === undefined || !SYMBOL.test(symbol) || !position.every(Number.isFinite)) {
      return null;
    }
    symbols.push(symbol);
    positions.push(position);
    end = next;
  }
  const energy = ENERGY.exec(comment);
  return { frame: { symbols, positions, ...(energy ? { energy: Number(energy[1]) } : {}) }, end };
}

/** @param {string} text @param {number} start @returns {[string, number]} a line, and where the next begins. */
function line(text, start) {
  const end = text.indexOf("\n", start);
  return end < 0 ? [text.slice(start), text.length] : [text.slice(start, end), end + 1];
}
