// Overview.

import { h, replace } from "../lib/dom.js";

export const title = "Overview";

/** @param {HTMLElement} root */
export async function show(root) {
  replace(root, h("h1", null, title));
}
