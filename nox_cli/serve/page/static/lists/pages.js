// Rows of a list of any length: only pages near the visible rows are read and kept.

// Rows that one request reads, and the most that are kept: two thousand records take some megabytes.
const PAGE = 100;
const KEPT = 2_000;
// Rows before and after the visible ones that are read ahead.
const AHEAD = 40;
// From this distance on the rows between are left out.
const FAR = 500;
/** Rows below the last one that was read, while their number is not known. */
export const TO_COME = 20;

/**
 * @typedef {{cursor?: string, from_number?: number}} Place - where a page begins; empty: at the edge of the list.
 * @typedef {(place: Place, isReversed: boolean, limit: number) => Promise<{items: any[], cursor: string | null}>} Read
 */

/**
 * Keeps a run of neighbouring rows of a list that is read by cursors, and moves it to where it is needed.
 *
 * Rows have indices from 0.  Those of a run in the middle of a list are an estimate, since a server counts and
 * finds jobs by their numbers, not by their places: where a neighbour shows that it was wrong, `onchange` gets
 * the number of rows by which all indices have moved.
 */
export class PagedRows {
  /**
   * @param {object} options
   * @param {Read} options.read - reads a page; reversed: in the opposite order.
   * @param {(shift: number) => void} options.onchange - called after each change.
   * @param {boolean} options.isByNumber - whether a page can begin at a number, so that rows can be left out.
   * @param {boolean} options.isDescending
   */
  constructor({ read, onchange, isByNumber, isDescending }) {
    this.isBegun = false;
    /** @type {any} */
    this.error = null;
    /** @type {number | null} the number of rows, if it is known. */
    this.total = null;
    this._read = read;
    this._onchange = onchange;
    this._isByNumber = isByNumber;
    this._down = isDescending ? -1 : 1;
    /** @type {any[]} */
    this._items = [];
    this._start = 0;
    /** @type {Place | null} null: the list begins, or ends, with the run. */
    this._before = null;
    /** @type {Place | null} */
    this._after = {};
    /** Whether rows are being read. */
    this.isBusy = false;
    this._tail = Promise.resolve();
    /** The first and the last row, for the place of a jump; what has come since then does not matter. */
    this._ends = /** @type {{items: any[]}[] | null} */ (null);
  }

  get length() {
    const end = this._start + this._items.length;
    if (this._after === null) {
      return end;
    }
    return Math.max(this._isByNumber ? (this.total ?? 0) : 0, end + TO_COME);
  }

  /** Whether `length` is the number of rows. */
  get isExact() {
    return this.isBegun && (this._after === null || (this._isByNumber && this.total !== null));
  }

  /** Whether the first row of the list is among those that are kept. */
  get isAtStart() {
    return this._before === null;
  }

  /** @param {number} index @returns {any} undefined: it is being read. */
  at(index) {
    return this._items[index - this._start];
  }

  /** @param {string} id @returns {number} -1: it is not among the rows that are kept. */
  indexOf(id) {
    const place = this._items.findIndex((item) => item.job_id === id);
    return place < 0 ? -1 : place + this._start;
  }

  /**
   * Read the rows that a view shows, as far as they are not kept; `onchange` reports them.
   *
   * @param {number} first
   * @param {number} last - the one after the last.
   */
  want(first, last) {
    if (this.isBusy || this.error) {
      return;
    }
    const [start, end] = [this._start, this._start + this._items.length];
    if (!this.isBegun) {
      this._do(() => this._begin());
    } else if (this._isByNumber && (first > end + FAR || last < start - FAR)) {
      this._do(() => this._jump(first, last));
    } else if (this._after && last + AHEAD > end) {
      this._do(() => this._grow());
    } else if (this._before && first - AHEAD < start) {
      this._do(() => this._growUp());
    }
  }

  /** Read the first rows again; the rows after those that are visible are dropped. @param {number} visible */
  refresh(visible = 0) {
    return this._do(() => this._begin(Math.min(KEPT, Math.max(PAGE, visible + AHEAD))));
  }

  /** Move to the last row of the list. */
  toEnd() {
    return this._do(() => (this._after === null ? undefined : this._end()));
  }

  /**
   * Read rows that have come before the first one since it was read, or after the last one.
   *
   * @returns {Promise<number>} how many came before it; at most a page.
   */
  async news() {
    const count = this._items.length;
    if (this._down > 0) {
      this._after ??= count ? { from_number: this._items[count - 1].number + 1 } : {};
      this._onchange(0);
      return 0;
    }
    await this._do(async () => {
      if (this._before === null && this._items.length) {
        this._before = { from_number: this._items[0].number - this._down };
        await this._growUp();
      }
    });
    return Math.max(0, this._items.length - count);
  }

  /** Replace rows by newer records of the same jobs.  @param {any[]} records */
  replace(records) {
    const found = new Map(records.map((one) => [one.job_id, one]));
    this._items = this._items.map((item) => found.get(item.job_id) ?? item);
    this._onchange(0);
  }

  /** @param {number | null} total */
  count(total) {
    if (total !== this.total) {
      this.total = total;
      this._settle();
    }
  }

  /** Do one step after the other.  @param {() => unknown} step @returns {Promise<void>} */
  _do(step) {
    this.isBusy = true;
    const mine = this._tail.then(async () => {
      this.error = null;
      try {
        await step();
      } catch (error) {
        this.error = error;
      }
      this.isBusy = this._tail !== mine;
      this._settle();
    });
    this._tail = mine;
    return mine;
  }

  /** @param {Place} place @param {boolean} isReversed @param {number} [limit] */
  async _page(place, isReversed, limit = PAGE) {
    // Of a search, one page may look at many jobs without a match.
    for (let at = place; ; ) {
      const { items, cursor } = await this._read(at, isReversed, limit);
      if (items.length || !cursor) {
        return { items: isReversed ? items.reverse() : items, next: cursor ? { cursor } : null };
      }
      at = { cursor };
    }
  }

  /** @param {number} [limit] */
  async _begin(limit) {
    const { items, next } = await this._page({}, false, limit);
    this._ends = null;
    this._take(items, 0, null, next);
  }

  async _end() {
    const { items, next } = await this._page({}, true);
    const known = this._isByNumber ? this.total : null;
    const start = next
      ? Math.max(PAGE, (known ?? this._start + this._items.length + PAGE) - items.length)
      : 0;
    this._take(items, start, next, null);
  }

  /** @param {number} first @param {number} last */
  async _jump(first, last) {
    const length = this.length;
    if (first < PAGE) {
      await this._begin();
      return;
    }
    if (last > length - PAGE) {
      await this._end();
      return;
    }
    this._ends ??= await Promise.all([this._page({}, false, 1), this._page({}, true, 1)]);
    const [from, to] = this._ends.map(({ items }) => items[0]?.number ?? 0);
    // Numbers are dense, apart from those of other users, removed jobs and jobs that pass no filter.
    const place = Math.max(0, Math.round(from + ((to - from) * first) / Math.max(1, length - 1)));
    const { items, next } = await this._page({ from_number: place }, false);
    if (items.length) {
      this._take(items, first, { from_number: Math.max(0, place - this._down) }, next);
    } else {
      await this._end();
    }
  }

  async _grow() {
    const { items, next } = await this._page(this._after ?? {}, false);
    this._items.push(...items);
    this._after = next;
    const spare = this._items.length - KEPT;
    if (this._isByNumber && spare > 0) {
      this._items.splice(0, spare);
      this._start += spare;
      this._before = { from_number: this._items[0].number - this._down };
    }
  }

  async _growUp() {
    const { items, next } = await this._page(this._before ?? {}, true);
    this._items.unshift(...items);
    this._start -= items.length;
    this._before = next;
    if (this._isByNumber && this._items.length > KEPT) {
      this._items.length = KEPT;
      this._after = { from_number: Math.max(0, this._items[KEPT - 1].number + this._down) };
    }
  }

  /** @param {any[]} items @param {number} start @param {Place | null} before @param {Place | null} after */
  _take(items, start, before, after) {
    this._items = items;
    this._start = start;
    this._before = before;
    this._after = after;
    this.isBegun = true;
  }

  /** Move the indices to where they must be, as far as it is known, and report. */
  _settle() {
    const end = this._start + this._items.length;
    let shift = 0;
    if (this._before === null) {
      shift = -this._start;
    } else if (this._after === null && this._isByNumber && this.total !== null) {
      shift = this.total - end;
    }
    if (this._before !== null && this._start + shift < PAGE) {
      shift = PAGE - this._start;
    }
    this._start += shift;
    this._onchange(shift);
  }
}
