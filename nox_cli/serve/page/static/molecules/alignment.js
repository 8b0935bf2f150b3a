// Structures laid on each other: the rotation of least distance, and the distance that is left.

const TURNS = 50;
const SMALL = 1e-14;

/**
 * Lay a structure on another, atom by atom in the order of both.
 *
 * The rotation is the optimum of W. Kabsch, Acta Cryst. A 32 (1976) 922, found as the quaternion of B. K. P. Horn,
 * J. Opt. Soc. Am. A 4 (1987) 629, which is never a reflection.  All atoms count the same.
 *
 * @param {Point[]} onto - positions in Å, of shape (atoms, 3), which stay where they are.
 * @param {Point[]} positions - of the same shape, which are moved.
 * @returns {{positions: Point[], rmsd: number}} the moved positions, and their root mean square distance in Å.
 */
export function superposed(onto, positions) {
  const [target, centre] = [centroid(onto), centroid(positions)];
  const turn = rotation(
    onto.map((one) => minus(one, target)),
    positions.map((one) => minus(one, centre)),
  );
  const moved = positions.map((one) => plus(turned(turn, minus(one, centre)), target));
  return { positions: moved, rmsd: rmsd(onto, moved) };
}

/**
 * Compute the root mean square distance of two structures as they lie.
 *
 * @param {Point[]} one - positions in Å.
 * @param {Point[]} other
 * @returns {number} in Å.
 */
export function rmsd(one, other) {
  const sum = one.reduce((total, at, atom) => total + size2(minus(at, other[atom])), 0);
  return Math.sqrt(sum / Math.max(1, one.length));
}

/** Reflect a structure at the origin.  @param {Point[]} positions @returns {Point[]} */
export function mirrored(positions) {
  return positions.map(([x, y, z]) => [-x, -y, -z]);
}

/**
 * Find the rotation that takes points nearest to others; both have their centre at the origin.
 *
 * @param {Point[]} onto
 * @param {Point[]} points
 * @returns {number[]} a unit quaternion: w, x, y, z.
 */
function rotation(onto, points) {
  const s = [0, 1, 2].map((row) =>
    [0, 1, 2].map((column) => points.reduce((total, at, atom) => total + at[row] * onto[atom][column], 0)),
  );
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = s;
  return largestEigenvector([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]);
}

/**
 * Find the eigenvector of the largest eigenvalue, by the rotations of Jacobi.
 *
 * @param {number[][]} a - symmetric, of shape (n, n); it is changed.
 * @returns {number[]}
 */
function largestEigenvector(a) {
  const n = a.length;
  const vectors = a.map((_, row) => a.map((_unused, column) => Number(row === column)));
  for (let turn = 0; turn < TURNS; turn += 1) {
    const [p, q] = largestOffDiagonal(a);
    if (Math.abs(a[p][q]) <= SMALL * (Math.abs(a[p][p]) + Math.abs(a[q][q]))) {
      break;
    }
    const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
    const c = 1 / Math.hypot(t, 1);
    for (let k = 0; k < n; k += 1) {
      [a[k][p], a[k][q]] = pair(a[k][p], a[k][q], c, t * c);
    }
    for (let k = 0; k < n; k += 1) {
      [a[p][k], a[q][k]] = pair(a[p][k], a[q][k], c, t * c);
      [vectors[k][p], vectors[k][q]] = pair(vectors[k][p], vectors[k][q], c, t * c);
    }
  }
  const best = a.reduce((found, row, place) => (row[place] > a[found][found] ? place : found), 0);
  return vectors.map((row) => row[best]);
}

/** @param {number[][]} a @returns {[number, number]} row and column of the largest element above the diagonal. */
function largestOffDiagonal(a) {
  /** @type {[number, number]} */
  let found = [0, 1];
  for (let row = 0; row < a.length; row += 1) {
    for (let column = row + 1; column < a.length; column += 1) {
      if (Math.abs(a[row][column]) > Math.abs(a[found[0]][found[1]])) {
        found = [row, column];
      }
    }
  }
  return found;
}

/** @param {number} one @param {number} other @param {number} c @param {number} s */
function pair(one, other, c, s) {
  return [c * one - s * other, s * one + c * other];
}

/** Turn a point by a unit quaternion.  @param {number[]} quaternion @param {Point} at @returns {Point} */
function turned([w, x, y, z], [a, b, c]) {
  const [u, v, t] = [2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)];
  return [a + w * u + y * t - z * v, b + w * v + z * u - x * t, c + w * t + x * v - y * u];
}

/** @param {Point[]} all @returns {Point} */
function centroid(all) {
  const sum = all.reduce(plus, [0, 0, 0]);
  return [sum[0] / all.length, sum[1] / all.length, sum[2] / all.length];
}

/** @param {Point} a @param {Point} b @returns {Point} */
function minus(a, b) {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

/** @param {Point} a @param {Point} b @returns {Point} */
function plus(a, b) {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** @param {Point} a */
function size2(a) {
  return a[0] ** 2 + a[1] ** 2 + a[2] ** 2;
}
