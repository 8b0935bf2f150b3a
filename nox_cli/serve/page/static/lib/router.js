// The views by their addresses: `#/jobs?state=failed` shows one view at a time.

import { ApiError } from "./api.js";
import { h, replace, safe } from "./dom.js";
import { fail } from "./notice.js";

/**
 * @typedef {{title: string | ((params: Texts) => string),
 *   show: (root: HTMLElement, about: {params: Texts, query: Query, signal: AbortSignal})
 *     => Promise<void>}} View
 * @typedef {{pattern: string, load: () => Promise<View>}} Route
 */

/** @type {Route[]} */
let routes = [];
let leave = new AbortController();
let shownPath = "";
let isFirst = true;

/**
 * Show the view of the address, now and whenever it changes.
 *
 * @param {Route[]} known - patterns such as `jobs/:job`; what follows the colon is the name of a parameter.
 */
export function start(known) {
  routes = known;
  history.scrollRestoration = "manual"; // the content comes later than the browser expects
  addEventListener("scrollend", () => history.replaceState({ ...history.state, y: scrollY }, ""));
  addEventListener("hashchange", () => {
    isFirst = false; // also of a view that was left before it was complete
    show();
  });
  show();
}

/**
 * Go to a view.
 *
 * @param {string} path - `jobs/42`, without a leading slash.
 * @param {Record<string, any>} [query]
 */
export function go(path, query) {
  location.hash = href(path, query);
}

/**
 * Note other words in the address of the view that is shown.  The view stays, and Back still leaves it.
 *
 * @param {Record<string, any>} query - all words; empty ones are left out.
 */
export function change(query) {
  history.replaceState(history.state, "", href(parsed(location.hash).path, query));
  markLinks();
}

/**
 * Write the address of a view.
 *
 * @param {string} path - each part is encoded already, as by `encodeURIComponent`, if it is not a number.
 * @param {Record<string, any>} [query] - lists repeat a word; null, undefined, false and "" are left out.
 * @returns {string} such as `#/jobs?state=failed&tag=set=a`.
 */
export function href(path, query = {}) {
  const words = Object.entries(query).flatMap(([name, value]) =>
    [value]
      .flat()
      .filter((one) => one !== null && one !== undefined && one !== false && one !== "")
      .map((one) => `${encodeURIComponent(name)}=${readable(one)}`),
  );
  return `#/${path}${words.length ? `?${words.join("&")}` : ""}`;
}

/**
 * Read an address.
 *
 * @param {string} hash - as `location.hash`.
 * @returns {{path: string, query: Query}}
 */
export function parsed(hash) {
  const [, path, words] = /** @type {RegExpExecArray} */ (/^#?\/?([^?]*)\??(.*)$/s.exec(hash));
  /** @type {Query} */
  const query = Object.create(null);
  for (const word of words.split("&").filter(Boolean)) {
    const [name, ...rest] = word.split("=");
    const value = decoded(rest.join("="));
    const key = decoded(name);
    query[key] = key in query ? [query[key], value].flat() : value;
  }
  return { path: path.replace(/\/$/, ""), query };
}

/**
 * Find the parameters of a path.
 *
 * @param {string} pattern
 * @param {string} path
 * @returns {Texts | null} null: the path is another one.
 */
export function params(pattern, path) {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  /** @type {Texts} */
  const found = {};
  const fits = wanted.every((part, place) => {
    if (part.startsWith(":") && given[place]) {
      found[part.slice(1)] = decoded(given[place]);
      return true;
    }
    return part === given[place];
  });
  return fits && wanted.length === given.length ? found : null;
}

/** Give the page a title, and the history its entry.  @param {string} title - of the view that is shown. */
export function retitle(title) {
  document.title = title ? `${safe(title)} · nox` : "nox";
}

/** Show a view, or what there is of it, below what failed. @param {Element} main @param {Element} root @param {Element} [failed] */
function enter(main, root, failed) {
  if (failed) {
    failed.nextSibling?.remove();
    main.append(root);
  } else {
    replace(main, root);
  }
}

/** @param {Element} place @param {unknown} error */
function refuse(place, error) {
  const isMissing = error instanceof ApiError && error.status === 404;
  const heading = isMissing ? "Not found" : "This view could not be shown";
  fail(place, error, isMissing ? undefined : () => show(place), h("h1", heading));
  if (!(error instanceof ApiError)) {
    reportError(error);
  }
}

/** @param {Element} [failed] - what stands for a view that failed, and stays until the view is there. */
async function show(failed) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const { path, query } = parsed(location.hash);
  const isOther = path !== shownPath;
  shownPath = path;
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const root = h("div.view");
  markLinks();
  try {
    const [route, found] = match(path);
    const view = await loaded(route);
    if (signal.aborted) {
      return;
    }
    retitle(typeof view.title === "function" ? view.title(found) : view.title);
    enter(main, root, failed);
    const shown = view.show(root, { params: found, query, signal });
    focusHeading(main, isOther);
    await shown;
    if (!signal.aborted) {
      failed?.remove();
    }
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    replace(root);
    enter(main, root, failed);
    refuse(failed ?? root, error);
  }
  if (!signal.aborted) {
    focusHeading(main, isOther && Boolean(document.activeElement?.matches("body, main")));
    isFirst = false;
    scrollTo(0, history.state?.y ?? scrollY); // after Back, and after a reload
  }
}

/**
 * @param {Route} route
 * @throws {ApiError} the server is unreachable, or has another version of the page by now.
 */
async function loaded(route) {
  try {
    return await route.load();
  } catch (error) {
    const detail = "the files of this view could not be loaded";
    throw error instanceof TypeError
      ? new ApiError(0, { detail, hint: "reload the page if this stays" })
      : error;
  }
}

/** @param {string} path @returns {[Route, Texts]} */
function match(path) {
  for (const route of routes) {
    const found = params(route.pattern, path);
    if (found) {
      return [route, found];
    }
  }
  return [{ pattern: path, load: async () => MISSING }, {}];
}

/** @type {View} */
const MISSING = {
  title: "No such page",
  async show(root) {
    replace(
      root,
      h("h1", "No such page"),
      h("p.empty", "This address names no view. ", h("a", { href: "#/" }, "Go to the overview")),
    );
  },
};

/**
 * Move the focus to the heading of the view, unless somebody types into the header meanwhile.
 *
 * @param {HTMLElement} main
 * @param {boolean} isWanted
 */
function focusHeading(main, isWanted) {
  if (!isWanted || isFirst) {
    return;
  }
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  if (!document.activeElement?.matches("header [type=search]")) {
    (heading ?? main).focus({ preventScroll: true });
  }
}

function markLinks() {
  const { path } = parsed(location.hash);
  for (const link of document.querySelectorAll("header nav a")) {
    const target = parsed(link.getAttribute("href") ?? "").path;
    const isHere = target === "" ? path === "" : path === target || path.startsWith(`${target}/`);
    link.toggleAttribute("aria-current", isHere);
    if (isHere) {
      link.setAttribute("aria-current", path === target ? "page" : "true");
    }
  }
}

/** @param {any} value */
function readable(value) {
  return encodeURIComponent(value).replace(/%(?:2C|3A|40|2F|3D)/g, decodeURIComponent);
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}
