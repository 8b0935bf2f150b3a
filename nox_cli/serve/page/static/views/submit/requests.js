// The requests of the form: what would be computed, and the jobs, in one request or in several.

import { post } from "../../lib/api.js";
import { written } from "../../lib/files.js";

/**
 * Ask what would be computed.
 *
 * @param {Draft} draft
 * @param {[string, Blob][]} some - of its files.
 * @param {{signal: AbortSignal, isFirst?: boolean}} options - `isFirst`: with the SMILES.
 */
export function check(draft, some, { signal, isFirst = true }) {
  return send("jobs/check", some, { query: draft.parameters(isFirst), signal });
}

/**
 * Store the jobs: in one request, or in several that are all checked before.
 *
 * @param {Draft} draft
 * @param {string} key - by which the server knows a submit that is repeated.
 * @param {Stored} done - gets what is stored, also if a later part fails.
 * @param {(verb: string, place: number, total: number) => void} report
 * @param {AbortSignal} signal
 */
export async function store(draft, key, done, report, signal) {
  const { parts } = draft;
  if (parts.length > 1) {
    draft.nameBatch(made(2));
    for (const [place, part] of parts.entries()) {
      report("Checking", place, parts.length);
      await check(draft, part, { signal, isFirst: place === 0 });
    }
  }
  for (const [place, part] of parts.entries()) {
    report("Submitting", place, parts.length);
    const headers = { "Idempotency-Key": `${key}-${place}` };
    const query = draft.parameters(place === 0);
    const { jobs, warnings, batch } = await send("jobs", part, { query, signal, headers });
    done.jobs.push(...jobs);
    done.warnings.push(...warnings);
    done.batch = batch;
  }
}

/** @param {string} path @param {[string, Blob][]} some @param {{query: any, signal: AbortSignal, headers?: any}} options */
async function send(path, some, { query, signal, headers }) {
  const { content, type } = await written(some);
  signal.throwIfAborted();
  return post(path, content, { query, signal, headers: { "Content-Type": type, ...headers } });
}

/** @param {number} bytes @returns {string} random hexadecimal digits. */
export function made(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
