// What the form is made of: panels, labels, the field of a parameter, lists of remarks and faults.

import { optionOf } from "../../lib/command.js";
import { h, select } from "../../lib/dom.js";

export const MOST_LINES = 20;
const OF_PROGRAM = "Options of the xtb program, one a line.";
// The labels and placeholders of the everyday fields; all others have the words of `nox submit --help`.
export const WORDS = /** @type {Record<string, [string, string?]>} */ ({
  chrg: ["Charge", "from file, or 0"],
  uhf: ["Unpaired electrons", "from file, or 0; auto"],
  temp: ["Temperature / K", "298.15"],
  pressure: ["Pressure", "1atm"],
  symmetry_number: ["Symmetry number", "detected"],
  smiles: ["SMILES, one a line"],
  split: ["One job for each structure in a file"],
  batch: ["Batch", "named by nox"],
  name: ["Name", "names of the files"],
  tag: ["Tags, one a line", "KEY=VALUE"],
  priority: ["Priority", "0"],
  cores: ["Cores", "1"],
  memory: ["Memory", "2G, 512M"],
  time: ["Time limit", "none; 30m, 1:00:00"],
  retries: ["Retries", "0"],
});

/** @param {string} heading @param {...Child} content */
export function panel(heading, ...content) {
  return h("section.panel.view.submit-panel", h("h2", heading), ...content);
}

/** @param {string} id @param {any} label @param {Element} control @param {...Child} more */
export function labelled(id, label, control, ...more) {
  return h("div.field", h("label", { for: id }, label), control, ...more);
}

/** @param {string} words */
export function hint(words) {
  return h("p.hint.small", words);
}

/** @param {string[]} words */
export function remarks(words) {
  const more = words.length - MOST_LINES;
  const items = words.slice(0, MOST_LINES).map((one) => h("li.warning", one));
  return words.length > 0 && h("ul.submit-list", items, more > 0 && h("li", `and ${more} more`));
}

/** @param {{message: string, hint: string | null}[]} faults */
export function faultList(faults) {
  const items = faults
    .slice(0, MOST_LINES)
    .map((one) => h("li", one.message, one.hint && h("span.hint", ` (${one.hint})`)));
  return h("ul.submit-list", items);
}

/** Make the label and the control of a parameter, as the server describes it. @param {Draft} draft @param {string} name */
export function field(draft, name) {
  const { help, type, choices } = draft.choices.parameters[name];
  const isUsual = name in WORDS;
  const [label, placeholder] = WORDS[name] ?? [h("code", name === "passed_on" ? "--" : optionOf(name))];
  const value = draft.values[name] ?? "";
  const about = h(
    "p",
    { id: `${name}-help`, class: isUsual ? "visually-hidden" : "hint small" },
    help || OF_PROGRAM,
  );
  const common = {
    id: name,
    "aria-describedby": `${name}-help`,
    spellcheck: "false",
    autocomplete: "off",
    placeholder,
  };
  if (type === "boolean" || name === "unique") {
    const onchange = (/** @type {any} */ { target }) => draft.set(name, target.checked ? "true" : "");
    const checked = value !== "" && value !== "false";
    const box = h("input", { ...common, type: "checkbox", checked, onchange });
    return h("div.field.submit-check", h("label", box, label), about);
  }
  if (choices.length) {
    const options = ["", ...choices].map((one) => [one, one || "usual"]);
    const control = select(options, value, (one) => draft.set(name, one), common);
    return labelled(name, label, control, about);
  }
  return labelled(name, label, typed(draft, name, common), about);
}

/** Make a field that one types into. @param {Draft} draft @param {string} name @param {Record<string, any>} common */
function typed(draft, name, common) {
  const { type, least, most } = draft.choices.parameters[name];
  const value = [draft.values[name] ?? []].flat();
  if (type === "array") {
    const oninput = (/** @type {any} */ { target }) => draft.set(name, lines(target.value));
    const rows = name === "smiles" ? "1" : "2";
    return h("textarea", { ...common, rows, value: value.join("\n"), oninput });
  }
  const oninput = (/** @type {any} */ { target }) => draft.set(name, target.value.trim());
  const isNumber = type === "integer" || type === "number";
  const kind = isNumber ? { type: "number", min: least, max: most } : { type: "text" };
  const step = type === "number" ? "any" : null;
  return h("input", { ...common, ...kind, step, value: value[0], oninput });
}

/** @param {string} text */
function lines(text) {
  return text
    .split("\n")
    .map((one) => one.trim())
    .filter(Boolean);
}
