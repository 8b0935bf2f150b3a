// The plan: what would be computed, or why it was refused, and how far the sending is.

import { maySubmit } from "../../lib/api.js";
import { facts, h, replace } from "../../lib/dom.js";
import { count, signed, size } from "../../lib/format.js";
import { failure } from "../../lib/notice.js";
import { KINDS } from "./draft.js";
import { faultList, hint, panel, remarks } from "./pieces.js";

/** The panel of the check, with the button that submits. */
export class Plan {
  /** @param {Draft} draft @param {() => void} check - tries the check again. */
  constructor(draft, check) {
    this.draft = draft;
    this.check = check;
    this.summary = h("div", { tabindex: "-1" });
    this.box = h("div.view", { tabindex: "-1", "aria-live": "polite" });
    this.sending = h("div", { "aria-live": "polite" });
    this.button = h("button.button.primary", { type: "submit", disabled: !maySubmit() }, "Submit");
    this.element = panel("Check", this.summary, this.box, this.sending, this.button);
  }

  /** @param {{found: any, error: any, notes: string[], isPartial: boolean}} form - what it knows of its check. */
  update({ found, error, notes, isPartial }) {
    const { hasInput } = this.draft;
    const isWhole = found && !isPartial;
    replace(this.summary);
    this.button.textContent = isWhole ? `Submit ${count(found.jobs.length, "job")}` : "Submit";
    if (error) {
      const words = notes.map((one) => h("p", one));
      replace(this.box, this.refusals(error, notes.length > 0), words);
    } else if (found) {
      replace(this.box, this.facts(found, isPartial));
    } else {
      const words = "What you drop is checked here. Nothing is stored before you press Submit.";
      replace(this.box, hint(hasInput ? "Checking ..." : words));
    }
  }

  /** @param {any} found @param {boolean} isPartial */
  facts({ plan, jobs, warnings }, isPartial) {
    const { kind, method, model, values, choices, parts } = this.draft;
    const [first] = plan.jobs;
    const level = choices.parameters[kind].choices.length ? ` (${values[kind]})` : "";
    const medium = model && `${model.toUpperCase()} ${values[model]}`;
    const calculation = [`${KINDS[kind]}${level}`, method.title, medium].filter(Boolean).join(" · ");
    const isOne = jobs.length === 1 && first.formula;
    const formula = () =>
      `${first.formula}, ${count(first.n_atoms, "atom")}, ${count(first.electrons, "electron")}`;
    const rows = [
      ["Jobs", `${count(jobs.length)}${isPartial ? " and more" : ""}`],
      plan.engine && ["Calculation", calculation],
      plan.engine && ["Engine", plan.engine],
      isOne && ["Formula", formula()],
      ...plan.charges.map((/** @type {any} */ one) => [
        plan.charges.length > 1 ? count(one.count, "job") : "Charge",
        `${signed(one.charge)}, ${one.unpaired_electrons} unpaired (${one.origin})`,
      ]),
    ].filter(Boolean);
    const partial = `The first ${count(jobs.length, "job")} were checked. The others are before anything is stored.`;
    const most = size(choices.most_bytes);
    const split = `They are sent in ${parts.length} requests of at most ${most}, as one batch.`;
    return [
      facts(rows),
      isPartial && hint(partial),
      parts.length > 1 && hint(split),
      remarks([...warnings, ...duplicates(plan.jobs)]),
    ];
  }

  /** Describe the error: as a whole, by field, or by the files that were refused. @param {any} error @param {boolean} isKnown */
  refusals(error, isKnown) {
    if (!error.refusals?.length) {
      const named = fieldOf(error, this.draft);
      const again = error.isPassing && !isKnown ? this.check : undefined;
      return [failure(error, again), named && link(named, `Go to ${named.labels?.[0]?.textContent}`)];
    }
    const refused = refusedFiles(error, this.draft);
    const others = refused.get("") ?? [];
    const number = refused.size - Number(others.length > 0);
    const where = `with the reason ${number === 1 ? "is" : "are"} first among the structures.`;
    return h(
      "div.failure",
      { role: "alert" },
      h("p.what", error.message),
      number > 0 && h("p", `${count(number, "file")} ${where}`),
      others.length > 0 && faultList(others),
      error.hint && hint(error.hint),
    );
  }

  /** Summarise the faults of the form, and focus the summary. @param {Element} form @returns {boolean} whether there are any. */
  hasFaults(form) {
    const faults = [...form.querySelectorAll("input:invalid")].map((one) => {
      const input = /** @type {HTMLInputElement} */ (one);
      return h("li", link(input, `${input.labels?.[0]?.textContent}: ${input.validationMessage}`));
    });
    if (!this.draft.hasInput) {
      faults.unshift(h("li", "There is no structure: drop, choose or paste a file."));
    }
    if (faults.length) {
      replace(this.box);
      const list = h("ul.submit-list", faults);
      replace(this.summary, h("div.failure", h("p.what", "Nothing was submitted"), list));
      this.summary.focus();
    }
    return faults.length > 0;
  }

  /** @param {boolean} isBusy - jobs are being sent. */
  busy(isBusy) {
    this.button.disabled = isBusy;
    replace(this.sending);
  }

  /** @param {string} verb @param {number} place @param {number} total */
  progress(verb, place, total) {
    const words = total > 1 ? `${verb}, part ${place + 1} of ${total}` : `${verb} ...`;
    const bar = total > 1 && h("progress", { value: place, max: total, "aria-label": verb });
    replace(this.sending, h("p", words), bar);
  }
}

/** Sort the refusals of an error by the file that each names; "": it names none. @param {any} error @param {Draft} draft */
export function refusedFiles(error, { files }) {
  return Map.groupBy(/** @type {any[]} */ (error?.refusals ?? []), ({ message }) => {
    for (let end = message.lastIndexOf(":"); end > 0; end = message.lastIndexOf(":", end - 1)) {
      if (files.has(message.slice(0, end))) {
        return /** @type {string} */ (message.slice(0, end));
      }
    }
    return "";
  });
}

/** @param {any} error @param {Draft} draft @returns {any} the control of the option that the error names. */
export function fieldOf(error, { choices }) {
  const message = error && !error.refusals?.length ? error.message : "";
  const name = (/^([a-z_]+): /.exec(message) ?? /--([a-z-]+)/.exec(message))?.[1].replaceAll("-", "_") ?? "";
  return name in choices.parameters ? document.getElementById(name) : null;
}

/** Make a link that moves the focus, not the view. @param {HTMLElement} field @param {string} words */
function link(field, words) {
  const onclick = (/** @type {Event} */ event) => {
    event.preventDefault();
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  };
  return h("a", { href: `#${field.id}`, onclick }, words);
}

/** Name files that hold the same. @param {any[]} jobs */
function duplicates(jobs) {
  const same = Map.groupBy(
    jobs.filter((one) => one.file),
    (one) => `${one.input_sha256} ${one.frame}`,
  );
  const groups = [...same.values()].filter((some) => some.length > 1);
  return groups.map(
    ([one, other, ...more]) =>
      `${one.file} and ${other.file}${more.length ? ` and ${more.length} more` : ""} are the same`,
  );
}
