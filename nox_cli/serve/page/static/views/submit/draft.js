// What a person has entered: files and options, as parameters of `POST /jobs` and as a command.

import { line, optionOf } from "../../lib/command.js";
import { extension, folderOf, isCompanion, nameOf, parts } from "../../lib/files.js";
import { size } from "../../lib/format.js";

const MOST_NAMED = 8;
export const KINDS = /** @type {Texts} */ ({
  sp: "Single point",
  grad: "Gradient",
  opt: "Optimise",
  hess: "Frequencies",
  ohess: "Optimise + frequencies",
  bhess: "Biased frequencies",
});
export const MODELS = ["alpb", "gbsa"];

/** Files and options, and what they mean to the server. */
export class Draft {
  /** @param {Choices} choices @param {Map<string, Blob>} files @param {Query} values */
  constructor(choices, files, values) {
    this.choices = choices;
    this.files = files;
    this.values = values;
    this.version = 0; // another one after each change of the files
    this.batch = ""; // of several requests, where none is given
    /** @type {string[]} of the files that were taken last. */
    this.remarks = [];
    this.onchange = () => {};
  }

  get kind() {
    return Object.keys(KINDS).find((name) => name in this.values) ?? "sp";
  }

  get method() {
    const { methods } = this.choices;
    const isChosen = (/** @type {Method} */ one) =>
      Object.entries(one.parameters).every(([name, value]) => this.values[name] === String(value));
    return methods.find(isChosen) ?? methods[0];
  }

  /** The model of the solvent; empty: gas phase. */
  get model() {
    return MODELS.find((name) => name in this.values) ?? "";
  }

  /** The paths of structures. */
  get paths() {
    return [...this.files.keys()].filter((path) => !isCompanion(path));
  }

  get hasInput() {
    return this.files.size > 0 || "smiles" in this.values;
  }

  /** The files of each request. */
  get parts() {
    return parts(this.files, this.choices.most_bytes, this.choices.most_jobs);
  }

  /** @returns {Record<string, any>} the parameters of a request; only the first has the SMILES. */
  parameters(isFirst = true) {
    const { smiles, unique, ...rest } = this.values;
    return {
      ...rest,
      smiles: isFirst ? smiles : null,
      unique: unique ? "" : null,
      batch: rest.batch || this.batch || null,
    };
  }

  /** The command that submits the same, with patterns for more than eight files. */
  get command() {
    const { paths, values } = this;
    const last = [values.passed_on ?? []].flat();
    const options = Object.entries(values).flatMap(([name, value]) => this.option(name, value));
    const words = [...options, ...(last.length ? ["--", ...last] : [])];
    const named = paths.length || "smiles" in values ? line(...paths.map(safe)) : "FILE.xyz";
    const given = paths.length > MOST_NAMED ? patterns(paths) : named;
    return ["nox submit", given, line(...words)].filter(Boolean).join(" ");
  }

  /** @param {string} name @param {string | string[]} value @returns {string[]} */
  option(name, value) {
    const about = this.choices.parameters[name];
    const word = optionOf(name);
    if (!about || name === "passed_on") {
      return [];
    }
    if (about.type === "boolean" || name === "unique" || value === about.implied) {
      return [word];
    }
    return [value].flat().flatMap((one) => (one.startsWith("-") ? [`${word}=${one}`] : [word, one]));
  }

  /** Name the batch of several requests by the folder that all files share.  @param {string} end - random. */
  nameBatch(end) {
    const [first, ...others] = new Set([...this.files.keys()].map(folderOf));
    const words = others.length ? "" : nameOf(first.slice(0, -1)).replace(/[^\w.-]+/g, "_");
    this.batch ||= `${words.slice(0, 60) || "batch"}-${end}`;
  }

  /** @param {string} name - empty: only others have changed. @param {string | string[]} value - empty: not given. */
  set(name, value) {
    if (name && value.length) {
      this.values[name] = value;
    } else {
      delete this.values[name];
    }
    this.onchange();
  }

  /** Set one of several parameters, and none of the others. @param {string[]} names @param {string} name @param {string} value */
  choose(names, name, value) {
    for (const one of names) {
      delete this.values[one];
    }
    this.set(name, value);
  }

  /** @param {string} name */
  chooseMethod(name) {
    const { methods } = this.choices;
    const chosen = methods.find((one) => one.name === name) ?? methods[0];
    const { model } = this;
    if (model && !chosen.solvents[model]?.includes(String(this.values[model]))) {
      delete this.values[model];
    }
    const [[key, value]] = Object.entries(chosen.parameters);
    const names = methods.flatMap((one) => Object.keys(one.parameters));
    this.choose(names, chosen === methods[0] ? "" : key, String(value));
  }

  /** @param {string} model */
  chooseModel(model) {
    const names = this.method.solvents[model] ?? [];
    const before = String(this.values[this.model] ?? "water");
    this.choose(MODELS, model, names.includes(before) ? before : names[0]);
  }

  /** Take structures and files of charges; of folders only what nox reads. @param {Given[]} given */
  take(given) {
    const { extensions, most_bytes: mostBytes } = this.choices;
    const left = /** @type {Map<string, number>} */ (new Map());
    this.remarks = [];
    for (const { path, blob, isFound } of given) {
      const kind = extension(path);
      if (isFound && !extensions.includes(kind) && !isCompanion(path)) {
        left.set(kind, (left.get(kind) ?? 0) + 1);
      } else if (blob.size > mostBytes) {
        this.remarks.push(`${path} is larger than ${size(mostBytes)} and was left out`);
      } else {
        this.files.has(path) && this.remarks.push(`${path} was replaced`);
        this.files.set(path, blob);
      }
    }
    if (left.size) {
      const kinds = [...left].slice(0, MOST_NAMED).map(([kind, number]) => `${number} .${kind}`);
      this.remarks.push(`Left out, as nox does not read them: ${kinds.join(", ")}`);
    }
    this.version += 1;
    this.onchange();
  }

  /** @param {string[]} paths */
  remove(paths) {
    for (const path of paths) {
      this.files.delete(path);
    }
    this.version += 1;
    this.onchange();
  }

  /** Keep the options only: all files are stored as jobs. */
  forget() {
    this.files.clear();
    delete this.values.smiles;
    this.batch = "";
    this.remarks = [];
  }
}

/** Write files as patterns of a shell, one for each folder and ending. @param {string[]} paths */
function patterns(paths) {
  const found = paths.map((path) => {
    const [folder, ending] = [folderOf(path), /\.[^./]+(?:\.gz)?$/.exec(path)?.[0] ?? ""];
    return `${folder && line(safe(folder))}*${ending && line(ending)}`;
  });
  return [...new Set(found)].slice(0, MOST_NAMED).join(" ");
}

/** @param {string} path */
function safe(path) {
  return path.startsWith("-") ? `./${path}` : path;
}
