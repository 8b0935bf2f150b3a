// Requests to the server, its errors, and the session that they belong to.

/**
 * @typedef {{owner: string, scope: "read" | "submit" | "admin", read_only: boolean, expires_at: string}} Session
 * @typedef {{query?: Record<string, any>, headers?: Texts, signal?: AbortSignal,
 *   accept?: string}} Options
 */

/** The address of the server, which a proxy may have put below a prefix. */
const ROOT = new URL("../../", import.meta.url);

// Longer than the longest wait of the server (60 s): a tunnel that has died answers nothing, ever.
const LIMIT_MS = 90_000;
const SIGN_OUT_MS = 3_000;
const KEY = `nox-csrf ${ROOT.pathname}`;
const LONGEST_PRESS_MS = 5_000;
const PRESSED = "a, button, summary, label, input, .list-row, .plot-canvas";

/** @type {Session | null} */
let known = null;
/** @type {Promise<void> | null} */
let asked = null;
let released = Promise.resolve();
let release = () => {};

/** An error that a person can understand: what happened, and what to do. */
export class ApiError extends Error {
  /**
   * @param {number} status - of the answer; 0: there was none.
   * @param {{code?: string, detail?: string, hint?: string | null, refusals?: any[], jobs?: any[]}} problem -
   *   the problem document of the server.
   * @param {boolean} [isPassing] - whether the same request may succeed later.
   */
  constructor(status, problem, isPassing = status < 400) {
    super(problem.detail ?? `the server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.hint = problem.hint ?? "";
    this.refusals = problem.refusals ?? [];
    this.jobs = problem.jobs ?? [];
    this.isPassing = isPassing;
  }
}

/** @returns {Session | null} whose page this is; null: nobody has signed in. */
export function session() {
  return known;
}

/** @returns {boolean} whether the session may submit and change jobs. */
export function maySubmit() {
  return known !== null && !known.read_only && known.scope !== "read";
}

/**
 * Read JSON.
 *
 * @param {string} path - relative to the server, without a leading slash: `jobs/42`.
 * @param {Options} [options] - values of `query` that are lists are repeated, null and undefined left out.
 * @returns {Promise<any>}
 */
export async function get(path, options) {
  return content(await request("GET", path, options), "json", options);
}

/** Read text, such as a log or CSV.  @param {string} path @param {Options} [options] @returns {Promise<string>} */
export async function text(path, options) {
  return content(await request("GET", path, { accept: "*/*", ...options }), "text", options);
}

/** Read a file.  @param {string} path @param {Options} [options] @returns {Promise<Blob>} */
export async function blob(path, options) {
  return content(await request("GET", path, { accept: "*/*", ...options }), "blob", options);
}

/**
 * Send JSON, or a text or file with `headers: {"Content-Type": ...}`.
 *
 * @param {string} path
 * @param {any} [body]
 * @param {Options} [options]
 * @returns {Promise<any>} the document of the answer; null: it has none.
 */
export function post(path, body, options) {
  return send("POST", path, body, options);
}

/**
 * Begin a session, and keep its CSRF value for every tab of this address.
 *
 * @param {{code: string} | {token: string}} proof
 * @throws {ApiError} the code or token is not valid, or not any more.
 */
export async function signIn(proof) {
  const { csrf, ...rest } = await content(await answer("POST", "session", withBody(proof)), "json");
  localStorage.setItem(KEY, csrf);
  begin(rest);
}

/**
 * Continue the session of an earlier visit.
 *
 * @returns {Promise<boolean>} whether there is one.
 * @throws {ApiError} the server did not answer.
 */
export async function resume() {
  if (localStorage.getItem(KEY) === null) {
    return false;
  }
  try {
    begin(await content(await answer("GET", "session"), "json"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      return false;
    }
    throw error;
  }
  return true;
}

/** End the session, in every tab, also while the server is away: its cookie is worth nothing alone. */
export async function signOut() {
  const ended = answer("DELETE", "session", { signal: AbortSignal.timeout(SIGN_OUT_MS) }).catch(() => {});
  localStorage.removeItem(KEY); // the request has its value already
  await ended;
  location.reload();
}

/** Wait until somebody has signed in by the form, which the first caller has shown over the page. */
function signedIn() {
  asked ??= new Promise((resolve) => {
    document.addEventListener("signedin", () => resolve(undefined), { once: true });
    document.dispatchEvent(new CustomEvent("signedout"));
  });
  return asked.finally(() => {
    asked = null;
  });
}

/**
 * Send a request, and again once a person has signed in if the session has ended.
 *
 * @param {string} method
 * @param {string} path
 * @param {Options & {body?: any}} [options]
 * @returns {Promise<Response>} whose status is a success.
 */
export async function request(method, path, options = {}) {
  for (;;) {
    const csrf = localStorage.getItem(KEY);
    try {
      return await answer(method, path, options);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) {
        throw error;
      }
      // Else somebody has signed in since it was sent.
      if (csrf === localStorage.getItem(KEY)) {
        await signedIn();
      }
      options.signal?.throwIfAborted();
    }
  }
}

/** Wait until nothing is pressed: a click is lost where what was pressed is drawn anew before it is released. */
export function unpressed() {
  return released;
}

globalThis.addEventListener?.(
  "pointerdown",
  ({ target, button }) => {
    if (button === 0 && target instanceof Element && target.closest(PRESSED)) {
      released = new Promise((resolve) => {
        release = () => resolve(undefined);
      });
      setTimeout(release, LONGEST_PRESS_MS);
    }
  },
  true,
);
for (const name of ["pointerup", "pointercancel"]) {
  globalThis.addEventListener?.(name, () => setTimeout(release), true); // a mouse has clicked by then
}

// Another tab signed in or out.
globalThis.addEventListener?.("storage", (event) => {
  if (event.key === KEY && event.newValue !== null) {
    resume().catch(() => {});
  } else if (event.key === KEY) {
    location.reload();
  }
});

/** @param {Session} found */
function begin(found) {
  const before = known;
  known = found;
  if (before !== null && (before.owner !== found.owner || before.scope !== found.scope)) {
    location.reload(); // what is on the page belongs to somebody else
    return;
  }
  document.dispatchEvent(new CustomEvent("signedin"));
}

/** @param {string} method @param {string} path @param {any} body @param {Options} [options] */
async function send(method, path, body, options = {}) {
  const sent = body === undefined ? options : { ...options, ...withBody(body, options.headers) };
  const found = await request(method, path, sent);
  return found.status === 204 ? null : content(found, "json", options);
}

/** @param {any} body @param {Texts} [headers] */
function withBody(body, headers) {
  if (headers && "Content-Type" in headers) {
    return { body, headers };
  }
  return { body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } };
}

/** @param {string} method @param {string} path @param {Options & {body?: any}} [options] @returns {Promise<Response>} */
async function answer(method, path, { query, headers, signal, accept = "application/json", body } = {}) {
  const limit = AbortSignal.timeout(LIMIT_MS);
  /** @type {Response} */
  let found;
  try {
    found = await fetch(address(path, query), {
      method,
      body,
      headers: { Accept: accept, "X-Nox-CSRF": localStorage.getItem(KEY) ?? "", ...headers },
      signal: accept === "text/event-stream" ? signal : AbortSignal.any([limit, ...(signal ? [signal] : [])]),
      credentials: "same-origin",
      redirect: "manual",
    });
  } catch {
    signal?.throwIfAborted();
    throw unreachable(limit.aborted);
  }
  if (found.type === "opaqueredirect") {
    throw foreign();
  }
  if (!found.ok) {
    throw await problem(found);
  }
  return found;
}

/**
 * Read the content of an answer.
 *
 * @param {Response} found
 * @param {"json" | "text" | "blob"} form
 * @param {Options} [options] - of the request.
 * @returns {Promise<any>}
 * @throws {ApiError} the connection was lost meanwhile, or the answer is not of the server.
 */
async function content(found, form, { signal } = {}) {
  try {
    const read = await found[form]();
    await released;
    signal?.throwIfAborted();
    return read;
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof SyntaxError
      ? foreign()
      : new ApiError(0, { code: "cut", detail: "the answer of the server broke off" });
  }
}

/** @param {string} path @param {Record<string, any>} [query] */
function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) {
        url.searchParams.append(name, one);
      }
    }
  }
  return url;
}

/** @param {boolean} isLate */
function unreachable(isLate) {
  return new ApiError(0, {
    code: "unreachable",
    detail: isLate ? "the server took too long to answer" : "the server does not answer",
    hint: "check that nox serve still runs and, if there is one, the SSH tunnel to it",
  });
}

function foreign() {
  return new ApiError(0, {
    code: "foreign",
    detail: "something between this page and nox serve answered, such as the sign-in of a proxy",
    hint: "reload the page",
  });
}

/** @param {Response} found */
async function problem(found) {
  const document = await found.json().catch(() => ({}));
  if (!document.detail && found.status >= 502 && found.status <= 504) {
    const detail = "the proxy does not reach nox serve";
    return new ApiError(found.status, { code: "unreachable", detail }, true);
  }
  return new ApiError(found.status, document, found.headers.has("Retry-After"));
}
