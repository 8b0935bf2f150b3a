// One job.

import { h, replace } from "../lib/dom.js";

/** @param {Record<string, string>} params */
export const title = (params) => `Job ${params.job}`;

/**
 * @param {HTMLElement} root
 * @param {{params: Record<string, string>}} about
 */
export async function show(root, { params }) {
  replace(root, h("h1", null, title(params)));
}
