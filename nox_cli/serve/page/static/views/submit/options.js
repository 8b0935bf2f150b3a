// The options: what is computed and how, the jobs with their resources, and all other parameters.

import { h, redraw, replace, select } from "../../lib/dom.js";
import { KINDS, MODELS } from "./draft.js";
import { field, labelled, panel, WORDS } from "./pieces.js";

const OF_FREQUENCIES = ["temp", "pressure", "symmetry_number"];
const OF_JOBS = ["batch", "name", "tag", "priority", "cores", "memory", "time", "retries"];

/** Three panels, whose fields write into the draft. */
export class Options {
  /** @param {Draft} draft */
  constructor(draft) {
    this.draft = draft;
    // Filled anew as the draft changes.
    this.level = h("div.submit-fields");
    this.solvent = h("div.row");
    this.thermo = h("div.submit-fields");
    this.elements = [this.calculation(), panel("Jobs and resources", this.fields(OF_JOBS)), this.advanced()];
  }

  /** @param {string[]} names */
  fields(names) {
    return h(
      "div.submit-fields",
      names.map((name) => field(this.draft, name)),
    );
  }

  calculation() {
    const { draft } = this;
    const { methods, engines, parameters } = draft.choices;
    const names = Object.keys(KINDS).filter((name) => name in parameters);
    const kinds = names.map((name) => {
      const { help, implied } = parameters[name];
      const onchange = () => draft.choose(names, name === "sp" ? "" : name, implied ?? "true");
      const radio = { type: "radio", name: "kind", value: name, checked: name === draft.kind, onchange };
      return h("label", { title: help }, h("input", radio), KINDS[name]);
    });
    const method = select(
      methods.map((one) => [one.name, one.title]),
      draft.method.name,
      (name) => draft.chooseMethod(name),
      { id: "method" },
    );
    const engine = select(
      engines.map((one) => [one.name, engineWords(one)]),
      draft.values.engine ?? "auto",
      (name) => draft.set("engine", name === "auto" ? "" : name),
      { id: "engine" },
    );
    return panel(
      "Calculation",
      h("fieldset.submit-kinds", h("legend.visually-hidden", "What to compute"), kinds),
      this.level,
      this.thermo,
      h(
        "div.submit-fields",
        labelled("method", "Method", method),
        labelled("engine", "Engine", engine),
        this.solvent,
        field(draft, "chrg"),
        field(draft, "uhf"),
      ),
    );
  }

  /** All other parameters, in the groups of `nox submit --help`. */
  advanced() {
    const { choices, values } = this.draft;
    const methods = choices.methods.flatMap((one) => Object.keys(one.parameters));
    const placed = new Set([KINDS, WORDS].flatMap(Object.keys).concat(MODELS, methods, ["engine", "mult"]));
    const rest = Object.keys(choices.parameters).filter((name) => !placed.has(name));
    const groups = Map.groupBy(rest, (name) => choices.parameters[name].group || "Method");
    const parts = [...groups].map(([group, names]) =>
      h("fieldset.submit-group", h("legend", group), this.fields(names)),
    );
    const open = rest.some((name) => name in values);
    return h("details.panel", { open }, h("summary", "Advanced"), parts);
  }

  /** Draw the choices that depend on others; one that is in use keeps its control, and so the focus. */
  update() {
    const { draft } = this;
    const { kind } = draft;
    const { choices, implied } = draft.choices.parameters[kind];
    const levels = choices.map((one) => [one, one === implied ? `${one} (usual)` : one]);
    const level = select(levels, draft.values[kind], (one) => draft.set(kind, one), { id: "level" });
    redraw(this.level, levels.length > 0 && labelled("level", "Convergence", level));
    const isThermal =
      ["hess", "ohess", "bhess"].includes(kind) || OF_FREQUENCIES.some((name) => name in draft.values);
    if (isThermal !== this.thermo.childElementCount > 0) {
      replace(this.thermo, isThermal && OF_FREQUENCIES.map((name) => field(draft, name)));
    }
    redraw(this.solvent, this.solvation());
  }

  solvation() {
    const { draft } = this;
    const { model } = draft;
    const { solvents, title } = draft.method;
    const models = MODELS.filter((one) => solvents[one]?.length).map((one) => [one, one.toUpperCase()]);
    const chooser = select(
      [["", models.length ? "none: gas phase" : `none for ${title}`], ...models],
      model,
      (one) => draft.chooseModel(one),
      { id: "model" },
    );
    const value = String(draft.values[model] ?? "");
    const names = [...new Set([...(solvents[model] ?? []), value])].filter(Boolean);
    const solvent = select(
      names.map((one) => [one, one]),
      value,
      (one) => draft.set(model, one),
      { id: "solvent", disabled: !model },
    );
    return [labelled("model", "Solvation", chooser), labelled("solvent", "Solvent", solvent)];
  }
}

/** @param {Choices["engines"][0]} engine */
function engineWords({ name, version, workers }) {
  const versions = [...new Set([version?.split(".").slice(0, 2).join("."), ...workers])].filter(Boolean);
  return name === "auto"
    ? "chosen by nox"
    : `${name}${versions.length ? ` ${versions.join(", ")}` : ": not here"}`;
}
