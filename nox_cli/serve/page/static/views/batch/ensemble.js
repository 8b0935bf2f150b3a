// Rows of results as ensembles: which are compared with each other, their order, populations and bins.

const MOST_BINS = 25;
export const POPULATION = 0.95;

/**
 * Divide rows into those that are compared with each other.
 *
 * @param {Row[]} rows
 * @param {string} field - the name of relative energies.
 * @param {boolean} atTemperatures - each temperature is a comparison of its own.
 * @returns {Ensemble[]} the largest first.
 */
export function ensembles(rows, field, atTemperatures) {
  /** @type {Map<string, Row[]>} */
  const found = new Map();
  for (const row of rows) {
    const key = keyOf(row, atTemperatures);
    if (key) {
      const group = found.get(key) ?? [];
      group.push(row);
      found.set(key, group);
    }
  }
  return [...found]
    .map(([key, group]) => ensemble(key, group, field))
    .sort((a, b) => b.rows.length - a.rows.length);
}

/**
 * Name the ensemble of a row by its reference, and by the temperature, at which the same jobs may be compared again.
 *
 * @param {Row} row
 * @param {boolean} atTemperatures
 * @returns {string} empty: the row is not compared.
 */
function keyOf(row, atTemperatures) {
  if (row.reference === null || row.reference === undefined) {
    return "";
  }
  const isApart = atTemperatures || row.compared_by === "gibbs";
  return isApart ? `${row.reference}@${row.temperature_k}` : String(row.reference);
}

/**
 * Sort rows as `nox results --sort` does: rows without a value come last, up and down.
 *
 * @param {Row[]} rows
 * @param {(row: Row) => any} value
 * @param {boolean} isFalling
 * @returns {Row[]} a new list.
 */
export function sorted(rows, value, isFalling) {
  const sign = isFalling ? -1 : 1;
  return rows
    .map((row, place) => ({ row, place, at: value(row) }))
    .sort((a, b) => {
      const [isNone, isOtherNone] = [
        a.at === null || a.at === undefined,
        b.at === null || b.at === undefined,
      ];
      if (isNone || isOtherNone) {
        return Number(isNone) - Number(isOtherNone) || a.place - b.place;
      }
      return sign * (a.at < b.at ? -1 : Number(a.at > b.at)) || a.place - b.place;
    })
    .map(({ row }) => row);
}

/**
 * Count values in bins of equal, round width.
 *
 * @param {number[]} values - at least one.
 * @param {number} finest - the least width.
 * @returns {{width: number, from: number, counts: number[]}} `from`: where the first bin begins.
 */
export function bins(values, finest) {
  const [least, most] = values.reduce(
    ([low, high], one) => [Math.min(low, one), Math.max(high, one)],
    [values[0], values[0]],
  );
  const width = round(Math.max(finest, (most - least) / MOST_BINS));
  const first = Math.floor(least / width + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / width - 1e-9) - 1);
  const counts = new Array(last - first + 1).fill(0);
  for (const value of values) {
    counts[Math.min(counts.length - 1, Math.floor(value / width + 1e-9) - first)] += 1;
  }
  return { width, from: first * width, counts };
}

/**
 * Add the weights up, from the lowest energy.
 *
 * @param {Row[]} ordered
 * @returns {{row: Row, total: number}[]} one for each row with a weight; `total`: 0 to 1.
 */
export function populations(ordered) {
  let total = 0;
  return ordered
    .filter((row) => typeof row.boltzmann_weight === "number")
    .map((row) => {
      total += row.boltzmann_weight;
      return { row, total };
    });
}

/** The next of 1, 2, 5, 10, 20, ... times a power of ten.  @param {number} least */
function round(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return /** @type {number} */ ([1, 2, 5, 10].find((one) => one * power >= least * (1 - 1e-9))) * power;
}

/** @param {string} key @param {Row[]} group @param {string} field @returns {Ensemble} */
function ensemble(key, group, field) {
  const rows = sorted(group, (row) => row[field], false);
  const lowest = rows.find((row) => row.number === row.reference) ?? rows[0];
  const weighed = populations(rows);
  const shares = weighed.map(({ row }) => ({
    p: row.boltzmann_weight,
    g: row.degeneracy ?? 1,
    energy: row[field],
  }));
  const sum = (/** @type {(one: {p: number, g: number, energy: number}) => number} */ of) =>
    shares.length ? shares.reduce((total, one) => total + of(one), 0) : null;
  const needed = weighed.findIndex(({ total }) => total >= POPULATION - 1e-12);
  return {
    key,
    rows,
    lowest,
    span: (rows.at(-1)?.[field] ?? 0) - Math.min(0, rows[0][field]),
    distinct: weighed.length || null,
    needed: needed < 0 ? null : needed + 1,
    average: sum(({ p, energy }) => p * energy),
    entropy: sum(({ p, g }) => (p > 0 ? -p * Math.log(p / g) : 0)),
  };
}
