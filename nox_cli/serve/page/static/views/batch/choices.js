// How results are compared: its controls, the parameters of `GET /results`, and the options of `nox results`.

import { line, optionOf } from "../../lib/command.js";
import { h, select } from "../../lib/dom.js";
import { quantities, UNITS, wanted } from "./result_columns.js";

/** @typedef {Texts} Choice - words of the address. */

export const ROOM_TEMPERATURE_K = 298.15;
const VALUES = ["unit", "temp", "within", "standard_state", "symmetry_number"];
const SWITCHES = ["electronic", "keep_reacted", "no_mirror", "every"];
/** The words that want other results, not the same drawn otherwise. */
export const OF_RESULTS = new Set([...VALUES, ...SWITCHES]);
const HELP = /** @type {Texts} */ ({
  temp: "Temperature of weights and free energies; several: 273:373:25",
  within: "Only rows up to this far above the lowest, in the unit of the differences",
  keep_reacted: "Compare structures whose bonds have changed, too",
  no_mirror: "Do not count the mirror images of chiral conformers",
  every: "Show failed and cancelled jobs, too",
  distinct: "Leave out conformers that are there again",
});

/**
 * @param {string} batch
 * @param {Choice} choice
 * @param {boolean} boltzmann - with weights.
 * @param {boolean} hasColumns - those of the page only.
 * @returns {Record<string, any>} the parameters of `GET /results`.
 */
export function query(batch, choice, boltzmann, hasColumns) {
  const names = [...OF_RESULTS].filter((name) => choice[name] && (boltzmann || name !== "no_mirror"));
  return {
    selector: `@batch:${batch}`,
    relative: true,
    ...(boltzmann ? { boltzmann } : {}),
    ...Object.fromEntries(names.map((name) => [name, choice[name]])),
    ...(hasColumns ? { columns: wanted(choice.unit ?? "", boltzmann) } : { sort: choice.sort || "relative" }),
  };
}

/** @param {string} batch @param {Choice} choice @returns {string} the command that prints the same. */
export function resultsLine(batch, choice) {
  const values = VALUES.filter((name) => choice[name]).map((name) => `${optionOf(name)}=${choice[name]}`);
  const switches = SWITCHES.filter((name) => choice[name]).map((name) =>
    name === "every" ? "--all" : optionOf(name),
  );
  const words = ["--relative", "--boltzmann", ...values, ...switches, `--sort=${choice.sort || "relative"}`];
  return line("nox", "results", `@batch:${batch}`, ...words);
}

/** Controls, each of which is shown where it makes a difference. */
export class Controls {
  /** @param {Choice} choice - at first. @param {(name: string, value: string) => void} set */
  constructor(choice, set) {
    this.choice = choice;
    this.set = set;
    this.elements = {
      unit: this.select("unit", "Unit", UNITS),
      electronic: this.select("electronic", "Compare", [
        ["", "G where all have one"],
        ["true", "E"],
      ]),
      temp: this.field("temp", "T/K", String(ROOM_TEMPERATURE_K)),
      standard_state: this.select("standard_state", "State", [
        ["", "as computed"],
        ["1M", "1 M"],
        ["1bar", "1 bar"],
        ["1atm", "1 atm"],
      ]),
      within: this.field("within", "Window", "all"),
      keep_reacted: this.box("keep_reacted", "Reacted too"),
      no_mirror: this.box("no_mirror", "Without mirror images"),
      every: this.box("every", "Failed too"),
      distinct: this.box("distinct", "Distinct only"),
    };
  }

  /** @param {string} name @param {string} label @param {[string, string][]} options */
  select(name, label, options) {
    const control = select(options, this.choice[name] ?? "", (value) => this.set(name, value));
    return h("label", h("span.muted", label), control);
  }

  /** @param {string} name @param {string} label @param {string} placeholder */
  field(name, label, placeholder) {
    const attributes = {
      type: "text",
      inputmode: "decimal",
      placeholder,
      size: 7,
      autocomplete: "off",
      value: this.choice[name] ?? "",
      onchange: (/** @type {any} */ { target }) => this.set(name, target.value.trim()),
    };
    return h("label", { title: HELP[name] }, h("span.muted", label), h("input", attributes));
  }

  /** @param {string} name @param {string} label */
  box(name, label) {
    const checked = this.choice[name] === "true";
    const onchange = (/** @type {any} */ { target }) => this.set(name, target.checked ? "true" : "");
    return h("label", { title: HELP[name] }, h("input", { type: "checkbox", checked, onchange }), label);
  }

  /** @param {Choice} choice @param {any[]} rows - of the results. @param {Record<string, number>} counts - of jobs by state. */
  update(choice, rows, counts) {
    const { electronic, standard_state: standard, keep_reacted, no_mirror, distinct, every } = this.elements;
    const hasGibbs = rows.some((row) => row[quantities(choice.unit ?? "").gibbs.field] !== null);
    electronic.hidden = !hasGibbs && !choice.electronic;
    standard.hidden = !hasGibbs && !choice.standard_state;
    keep_reacted.hidden = !rows.some((row) => row.bonds_changed?.length) && !choice.keep_reacted;
    no_mirror.hidden = !rows.some((row) => row.degeneracy > 1) && !choice.no_mirror;
    distinct.hidden = !rows.some((row) => row.same_conformer_as) && !choice.distinct;
    every.hidden = counts.failed + counts.cancelled === 0 && !choice.every;
  }
}
