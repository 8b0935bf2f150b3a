// Distances, angles and dihedrals of atoms, and formulas.

const DEGREES = 180 / Math.PI;

/**
 * Measure a distance (2 atoms), angle (3) or dihedral (4).
 *
 * @param {Frame} frame
 * @param {number[]} atoms - numbers from 1.
 * @returns {string} such as `O1–H2 0.9614 Å`; empty: no atom.
 */
export function measurement({ symbols, positions }, atoms) {
  const names = atoms.map((one) => `${symbols[one - 1]}${one}`).join("–");
  const [a, b, c, d] = atoms.map((one) => positions[one - 1]);
  if (d) {
    const [first, second] = [cross(minus(b, a), minus(c, b)), cross(minus(c, b), minus(d, c))];
    const angle = Math.atan2(dot(cross(first, second), minus(c, b)) / size(minus(c, b)), dot(first, second));
    return `${names} ${(angle * DEGREES).toFixed(2)}°`;
  }
  if (c) {
    const [one, two] = [minus(a, b), minus(c, b)];
    return `${names} ${(Math.atan2(size(cross(one, two)), dot(one, two)) * DEGREES).toFixed(2)}°`;
  }
  return b ? `${names} ${size(minus(b, a)).toFixed(4)} Å` : names;
}

/** Write a formula in the order of Hill: carbon, hydrogen, then by the alphabet.  @param {string[]} symbols */
export function formula(symbols) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const symbol of symbols) {
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  const hasCarbon = counts.has("C");
  const rank = (/** @type {string} */ one) =>
    hasCarbon && one === "C" ? 0 : hasCarbon && one === "H" ? 1 : 2;
  const order = [...counts.keys()].sort((one, two) => rank(one) - rank(two) || (one < two ? -1 : 1));
  return order.map((one) => `${one}${counts.get(one) === 1 ? "" : counts.get(one)}`).join("");
}

/** @param {Point} a @param {Point} b @returns {Point} */
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
/** @param {Point} a @param {Point} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {Point} a @param {Point} b @returns {Point} */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
/** @param {Point} a */
const size = (a) => Math.sqrt(dot(a, a));
