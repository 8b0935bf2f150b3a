// The numbers of a plot or a molecule as a table, which opens below it, and as a CSV file.

import { h, replace, safe } from "../lib/dom.js";
import { report } from "../lib/notice.js";

// A longer table delays the page; the file has all rows.
const MOST_ROWS = 1000;
// What a spreadsheet takes for the beginning of a formula, after blanks too.
const FORMULA = /^\s*[-=+@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/**
 * Make a table that is built when it is opened, and a button that saves all of it as CSV.
 *
 * @param {Numbers} data - `name` becomes the name of the file.
 * @returns {{element: HTMLDetailsElement, update: (data: Numbers) => void}}
 */
export function numbers(data) {
  const body = h("div.table.numbers-body", { tabindex: "0", role: "region", "aria-label": "Numbers" });
  const count = h("span.muted");
  const element = h(
    "details.numbers",
    { ontoggle: () => show() },
    h("summary", `${data.summary ?? "Numbers"} `, count),
    h(
      "p.numbers-tools",
      h(
        "button.button.small",
        { onclick: () => save(`${slug(data.name)}.csv`, new Blob([csv(data)], { type: "text/csv" })) },
        "Save as CSV",
      ),
    ),
    body,
  );
  const show = () => {
    if (element.open) {
      replace(body, table(data), rest(data.rows.length));
    }
  };
  const update = (/** @type {Numbers} */ found) => {
    data = found;
    body.setAttribute("aria-label", safe(`Numbers of ${data.name}`));
    count.textContent = data.rows.length === 1 ? "1 row" : `${data.rows.length.toLocaleString("en")} rows`;
    show();
  };
  update(data);
  return { element, update };
}

/**
 * Write a table as CSV (RFC 4180).
 *
 * @param {Numbers} data
 * @returns {string} a text that a spreadsheet would take for a formula begins with a single quote.
 */
export function csv({ columns, rows }) {
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** Let the browser save a file.  @param {string} name @param {Blob} content */
export function save(name, content) {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}

/**
 * Let the browser save what is read; a button is disabled meanwhile.
 *
 * @param {HTMLButtonElement} button
 * @param {string} name
 * @param {Promise<Blob>} content - an error is reported.
 * @returns whether it was read.
 */
export async function download(button, name, content) {
  button.disabled = true;
  const read = await content.catch(report);
  button.disabled = false;
  if (read) {
    save(name, read);
  }
  return Boolean(read);
}

/** Make the name of a file.  @param {string} text */
export function slug(text) {
  return (
    text
      .replace(/[^\p{L}\p{N}.+-]+/gu, "-")
      .replace(/^[-.]+|[-.]+$/g, "")
      .slice(0, 100) || "nox"
  );
}

/** @param {Numbers} data */
function table({ name, columns, rows, decimals = [] }) {
  return h(
    "table",
    h("caption.visually-hidden", name),
    h(
      "thead",
      h(
        "tr",
        columns.map((column, place) =>
          h("th", { scope: "col", class: kind(rows.find((row) => row[place] !== null)?.[place]) }, column),
        ),
      ),
    ),
    h(
      "tbody",
      rows.slice(0, MOST_ROWS).map((row) =>
        h(
          "tr",
          row.map((cell, place) => h("td", { class: kind(cell) }, written(cell, decimals[place]))),
        ),
      ),
    ),
  );
}

/** @param {Cell} cell @param {number | undefined} decimals */
function written(cell, decimals) {
  return typeof cell === "number" && decimals !== undefined ? cell.toFixed(decimals) : (cell ?? "");
}

/** @param {Cell | undefined} cell */
const kind = (cell) => (typeof cell === "number" ? "number" : null);

/** @param {number} count */
function rest(count) {
  const text = `The first ${MOST_ROWS.toLocaleString("en")} of ${count.toLocaleString("en")} rows; the CSV file has all.`;
  return count > MOST_ROWS ? h("p.muted", text) : null;
}

/** @param {Cell} cell */
function field(cell) {
  if (typeof cell !== "string") {
    return String(cell ?? "");
  }
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
