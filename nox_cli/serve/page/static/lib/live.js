// Changes as they happen: one stream of events for the page, and other streams while a view needs them.

import { ApiError, request } from "./api.js";
import { EventReader } from "./sse.js";

/**
 * @typedef {"connecting" | "live" | "away"} State
 * @typedef {{job_id: string, number: number, batch: string | null, state: string, raw_state: string,
 *   reason: string | null, attempt: number, at: string, token: string | null, cursor: string}} Change
 * @typedef {(changes: Change[], about: {isGap: boolean}) => void} Listener
 */

const GROUP_MS = 50;
// The server sends a comment each 15 s: after twice that, and some, the connection is dead.
const SILENCE_MS = 40_000;
// A look at another tab for a moment costs no connection.
const REST_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;
// What one step of reading may take before the page gets its turn.
const SLICE_MS = 8;
// A browser opens six connections to a server for all tabs and windows: the streams leave some to requests.
const STREAMS = 4;
// The least time until work that failed is repeated.
const AGAIN_MS = 1_000;
// As the server's comment begins while its store is unreachable.
const STORE_AWAY = "the store does not answer";

/** The changes of all jobs that the session sees. */
class Live {
  constructor() {
    /** @type {State} */
    this.state = "connecting";
    /** What a person should know of the state; empty: nothing. */
    this.remark = "";
    /** When it became so, in milliseconds since 1970. */
    this.since = Date.now();
    /** @type {Set<Listener>} */
    this._listeners = new Set();
    /** @type {Set<() => void>} */
    this._watchers = new Set();
    /** @type {Change[]} */
    this._waiting = [];
    this._isGap = false;
    this._timer = 0;
    this._deliveredAt = 0;
  }

  /**
   * Call a function with each group of changes, at most once in 50 ms.
   *
   * @param {Listener} listener - `isGap`: changes were missed, so what is shown must be read again.
   * @param {AbortSignal} signal - ends it.
   */
  on(listener, signal) {
    join(this._listeners, listener, signal);
  }

  /**
   * Call a function now, and when `state` or `remark` has changed.
   *
   * @param {() => void} watcher
   * @param {AbortSignal} [signal] - ends it.
   */
  watch(watcher, signal) {
    join(this._watchers, watcher, signal);
    watcher();
  }

  /** Connect, for as long as the page is open. */
  async start() {
    for (;;) {
      const stream = new AbortController();
      await follow("events", {
        signal: stream.signal,
        onBlocks: (blocks) => {
          for (const block of blocks) {
            this._take(block, stream);
          }
        },
        onOpen: (isResumed) => {
          this._become("live", "");
          if (!isResumed) {
            this._isGap = true;
            this._deliverSoon();
          }
        },
        onLoss: (remark, isResting) => this._become(isResting ? "connecting" : "away", remark),
      }).catch((error) => this._become("away", error.message));
      if (!stream.signal.aborted) {
        await pause(LONGEST_PAUSE_MS, stream.signal);
      }
    }
  }

  /** Try to connect at once. */
  hurry() {
    dispatchEvent(new Event("online"));
  }

  /** @param {Block} block @param {AbortController} stream */
  _take(block, stream) {
    if (stream.signal.aborted) {
      return;
    }
    if (block.name === "gap") {
      // What follows is the state of every job: of a million, perhaps.  Views read what they show instead, once
      // there is a new stream.
      stream.abort();
    } else if (block.data) {
      this._waiting.push(JSON.parse(block.data));
      this._deliverSoon();
    }
    for (const comment of block.comments.filter(Boolean)) {
      const isAway = comment.startsWith(STORE_AWAY);
      this._become(isAway ? "away" : "live", isAway ? comment : "");
    }
  }

  _deliverSoon() {
    const restMs = this._deliveredAt + GROUP_MS - performance.now();
    this._timer ||= setTimeout(() => this._deliver(), Math.max(0, restMs));
  }

  _deliver() {
    const [changes, isGap] = [this._waiting, this._isGap];
    this._waiting = [];
    this._isGap = false;
    this._timer = 0;
    this._deliveredAt = performance.now();
    for (const listener of this._listeners) {
      try {
        listener(changes, { isGap });
      } catch (error) {
        reportError(error); // the others listen still
      }
    }
  }

  /** @param {State} state @param {string} remark */
  _become(state, remark) {
    if (state === this.state && remark === this.remark) {
      return;
    }
    if (state !== this.state) {
      this.since = Date.now();
    }
    this.state = state;
    this.remark = remark;
    for (const watcher of this._watchers) {
      watcher();
    }
  }
}

/** The stream of the page. */
export const live = new Live();

/**
 * Follow a stream of the server until it ends, through lost connections and while the page is visible.
 *
 * Where other tabs have as many streams as there may be, `onOpen` is called every few seconds, as if the stream
 * had opened and was lost.
 *
 * @param {string} path - relative to the server: `jobs/42/log`.
 * @param {object} options
 * @param {AbortSignal} options.signal - ends it.
 * @param {(blocks: Block[]) => void} options.onBlocks - gets what has come; the name of the last one is `end`.
 * @param {(isResumed: boolean) => void} [options.onOpen] - is called at each connection; false: what came before
 *   it, since the last one, is not known.
 * @param {(remark: string, isResting: boolean) => void} [options.onLoss] - is called when a connection is lost,
 *   with the reason if there is one; `isResting`: the page has given it up, since it is hidden.
 * @param {Record<string, any>} [options.query]
 * @throws {ApiError} the server refuses the request.
 */
export async function follow(path, { signal, onBlocks, onOpen, onLoss, query }) {
  const place = { path, query, last: "" };
  let failures = 0;
  while (!signal.aborted) {
    await visible(signal);
    const leave = await entry();
    if (!leave) {
      onOpen?.(false);
      await pause(LONGEST_PAUSE_MS, signal);
      continue;
    }
    const connection = new Connection(signal);
    let reason = "";
    try {
      const hasEnded = await connection.pass(place, onOpen, (blocks) => {
        failures = 0;
        onBlocks(blocks);
      });
      if (hasEnded) {
        return;
      }
    } catch (error) {
      reason = passing(error);
    } finally {
      connection.close();
      leave();
    }
    if (!signal.aborted) {
      onLoss?.(reason, connection.isResting);
      await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++), signal);
    }
  }
}

/**
 * Make a function that runs work now, and once more after a while if it was called again meanwhile.
 *
 * Work that the server or its store could not answer is repeated once they do: no other change may follow.
 *
 * @param {() => unknown} work - may be async: it never runs twice at once.
 * @param {number} ms - the least time between the end of one run and the next.
 * @param {AbortSignal} [signal] - ends it.
 */
export function throttled(work, ms, signal) {
  let isBusy = false;
  let isWanted = false;
  async function run() {
    isBusy = true;
    isWanted = false;
    if (await succeeds(work, signal)) {
      await rest(ms, signal);
    } else {
      isWanted = true;
      await rest(Math.max(ms, AGAIN_MS), signal);
      await isLive(signal);
    }
    isBusy = false;
    if (isWanted && !signal?.aborted) {
      run();
    }
  }
  return () => {
    isWanted = true;
    if (!isBusy && !signal?.aborted) {
      run();
    }
  };
}

/**
 * Do work, and report its defects; of requests that fail the header reports.
 *
 * @param {() => unknown} work
 * @param {AbortSignal} [signal]
 * @returns {Promise<boolean>} false: it could succeed later.
 */
async function succeeds(work, signal) {
  try {
    await work();
  } catch (error) {
    if (error instanceof ApiError) {
      return !error.isPassing;
    }
    if (!signal?.aborted) {
      reportError(error);
    }
  }
  return true;
}

/** Wait, but no longer than a view is shown.  @param {number} ms @param {AbortSignal} [signal] - ends it. */
export function rest(ms, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal?.addEventListener("abort", resolve, { once: true });
  });
}

/** Do something again and again, as long as a view is shown.  @param {number} ms @param {() => void} work @param {AbortSignal} signal */
export function every(ms, work, signal) {
  const timer = setInterval(work, ms);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** Wait until the stream of the page is live. @param {AbortSignal} [signal] */
function isLive(signal) {
  const end = new AbortController();
  return new Promise((resolve) => {
    signal?.addEventListener("abort", resolve, { signal: end.signal });
    live.watch(() => live.state === "live" && resolve(undefined), end.signal);
  }).finally(() => end.abort());
}

/** Take one of the places for streams of all tabs.  @returns {Promise<(() => void) | null>} which gives it back; null: there is none. */
async function entry() {
  const { locks } = navigator; // a browser has them for https and this machine only
  for (let place = 0; locks && place < STREAMS; place++) {
    const leave = await new Promise((resolve) => {
      const wait = (/** @type {Lock | null} */ lock) => lock && new Promise(resolve);
      locks.request(`nox stream ${place}`, { ifAvailable: true }, wait).then(() => resolve(null));
    });
    if (leave) {
      return leave;
    }
  }
  return locks ? null : () => {};
}

/** One connection of a stream, which ends by itself when it is silent or the page is hidden. */
class Connection {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.isResting = false;
    this._end = new AbortController();
    this._signal = AbortSignal.any([signal, this._end.signal]);
    this._heardAt = Date.now();
    this._hiddenAt = 0;
    this._watch = setInterval(() => this._check(), 2_000);
    document.addEventListener("visibilitychange", () => this._check(), { signal: this._signal });
    addEventListener("online", () => this._end.abort(), { signal: this._signal });
  }

  close() {
    clearInterval(this._watch);
    this._end.abort();
  }

  /**
   * Pass on the blocks that come, and note the last id.
   *
   * @param {{path: string, query?: Record<string, any>, last: string}} place - where the stream continues.
   * @param {((isResumed: boolean) => void) | undefined} onOpen
   * @param {(blocks: Block[]) => void} onBlocks
   * @returns {Promise<boolean>} whether the stream has no more to say; false: the connection was lost.
   */
  async pass(place, onOpen, onBlocks) {
    const answer = await request("GET", place.path, {
      query: place.query,
      headers: place.last ? { "Last-Event-ID": place.last } : {},
      accept: "text/event-stream",
      signal: this._signal,
    });
    onOpen?.(place.last !== "");
    const reader = new EventReader();
    const bytes = /** @type {ReadableStream<BufferSource>} */ (answer.body);
    const pieces = bytes.pipeThrough(new TextDecoderStream()).getReader();
    let sliceAt = performance.now();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done || this._signal.aborted) {
        return false;
      }
      this._heardAt = Date.now();
      const blocks = reader.read(value);
      place.last = blocks.at(-1)?.id || place.last;
      onBlocks(blocks);
      if (blocks.some((block) => block.name === "end")) {
        return true;
      }
      if (performance.now() - sliceAt > SLICE_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        sliceAt = performance.now();
      }
    }
  }

  _check() {
    const now = Date.now();
    this._hiddenAt = document.hidden ? this._hiddenAt || now : 0;
    this.isResting = this._hiddenAt !== 0 && now - this._hiddenAt > REST_AFTER_MS;
    // Also after the machine was suspended: by its clock, nothing has come for long.
    if (this.isResting || now - this._heardAt > SILENCE_MS) {
      this._end.abort();
    }
  }
}

/**
 * Read why a connection failed; a request that the server refuses fails for good.
 *
 * @param {unknown} error
 * @returns {string} empty: for no reason that a person would know.
 */
function passing(error) {
  if (!(error instanceof ApiError)) {
    return "";
  }
  if (!error.isPassing) {
    throw error;
  }
  return error.message;
}

/** Wait until the page is visible.  @param {AbortSignal} signal */
async function visible(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => {
      document.addEventListener("visibilitychange", resolve, { once: true, signal });
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

/**
 * Wait for about a time, and no longer than until there is a network again or a person looks.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = new AbortController();
    function end() {
      done.abort();
      clearTimeout(timer);
      resolve(undefined);
    }
    const timer = setTimeout(end, ms * (0.5 + Math.random()));
    addEventListener("online", end, { signal: done.signal });
    document.addEventListener("visibilitychange", end, { signal: done.signal });
    signal.addEventListener("abort", end, { signal: done.signal });
  });
}

/**
 * @template T
 * @param {Set<T>} all
 * @param {T} one
 * @param {AbortSignal} [signal]
 */
function join(all, one, signal) {
  if (signal?.aborted) {
    return;
  }
  all.add(one);
  signal?.addEventListener("abort", () => all.delete(one), { once: true });
}
