// Scripts of others, loaded once when the first view needs them.

import { ApiError } from "./api.js";

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

// The policy of the page lets a script have an address that this makes, and no other (Trusted Types).
const address = (/** @type {string} */ name) =>
  new URL(`../vendor/${encodeURIComponent(name)}`, import.meta.url).href;
const trusted = /** @type {any} */ (window).trustedTypes?.createPolicy("vendor", {
  createScriptURL: address,
});

/**
 * Load a script or a stylesheet of `vendor/`.
 *
 * @param {string} name - of the file.
 * @returns {Promise<void>} rejected if the server does not have it or is unreachable; the next call tries again.
 */
export function load(name) {
  const known = loaded.get(name);
  if (known) {
    return known;
  }
  const asked = new Promise((resolve, reject) => {
    const isStyle = name.endsWith(".css");
    const element = document.createElement(isStyle ? "link" : "script");
    const src = trusted?.createScriptURL(name) ?? address(name);
    Object.assign(element, isStyle ? { rel: "stylesheet", href: address(name) } : { src });
    element.addEventListener("load", () => resolve(undefined));
    element.addEventListener("error", () => {
      loaded.delete(name);
      element.remove();
      reject(new ApiError(0, { detail: `${name} could not be loaded from the server` }));
    });
    document.head.append(element);
  });
  loaded.set(name, asked);
  return asked;
}
