// The structures: where they come from, and the table of the files.

import { h, replace } from "../../lib/dom.js";
import { dropped, given, guessed } from "../../lib/files.js";
import { count, signed, size } from "../../lib/format.js";
import { faultList, field, hint, labelled, panel, remarks } from "./pieces.js";

const MOST_ROWS = 100;
const EXAMPLE = "3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n";

/** A panel that takes files and texts into the draft, and lists them. */
export class Structures {
  /** @param {Draft} draft @param {(path: string) => void} choose - called with the file to show. */
  constructor(draft, choose) {
    this.draft = draft;
    this.choose = choose;
    /** @type {any[]} of what the list was drawn. */
    this.listed = [];
    this.list = h("div.submit-files");
    this.text = h("textarea", { id: "paste", rows: "6", spellcheck: "false", placeholder: EXAMPLE });
    this.stem = h("input", { id: "paste-name", value: "pasted", autocomplete: "off" });
    this.paste = h(
      "details",
      h("summary", "Paste a structure"),
      labelled("paste", "Text of a file: xyz, mol, sdf, pdb, coord, or requests as JSON", this.text),
      h(
        "div.row",
        labelled("paste-name", "Name of the file", this.stem),
        h("button.button", { onclick: () => this.add() }, "Add"),
      ),
    );
    const { smiles } = draft.choices;
    this.element = panel(
      "Structures",
      this.zone(),
      this.paste,
      smiles && field(draft, "smiles"),
      this.list,
      field(draft, "split"),
    );
  }

  zone() {
    const [pick, folder] = [{ multiple: true }, { webkitdirectory: true }].map((kind) => {
      const input = h("input", { type: "file", hidden: true, onchange: () => this.picked(input), ...kind });
      return input;
    });
    const kinds = this.draft.choices.extensions.map((one) => `.${one}`).join(" ");
    return h(
      "div.submit-drop",
      h("p", "Drop files or folders anywhere on this page"),
      hint(`${kinds}, also as .gz. NAME.CHRG, NAME.UHF, .CHRG and .UHF are read with them.`),
      h(
        "div.row",
        pick,
        folder,
        h("button.button", { onclick: () => pick.click() }, "Choose files"),
        h("button.button", { onclick: () => folder.click() }, "Choose a folder"),
      ),
    );
  }

  /** @param {HTMLInputElement} input */
  async picked(input) {
    const found = await given([...(input.files ?? [])]);
    input.value = "";
    this.draft.take(found);
  }

  /** Take the text that was pasted as a file. */
  add() {
    const text = this.text.value;
    if (text.trim()) {
      const path = `${this.stem.value.trim() || "pasted"}.${guessed(text)}`;
      this.text.value = "";
      this.draft.take([{ path, blob: new Blob([text]), isFound: false }]);
    }
  }

  /** Take files, or offer to add a text, that were pasted outside of a field. @param {ClipboardEvent} event */
  async pasted(event) {
    const found = dropped(event.clipboardData);
    if (found.length) {
      event.preventDefault();
      this.draft.take(await given(found));
    } else if (!(/** @type {Element} */ (event.target).closest("input, textarea"))) {
      this.paste.open = true;
      this.text.value = event.clipboardData?.getData("text/plain") ?? "";
      this.text.focus();
    }
  }

  /**
   * Draw the files, those that were refused first, each with what it holds.
   *
   * @param {any} found - of the check; null: none.
   * @param {Map<string, any[]>} refused - faults by file.
   * @param {any} error - that they are of.
   * @param {string} shown - the file whose structure is shown.
   */
  update(found, refused, error, shown) {
    const { files, paths, version } = this.draft;
    const state = [version, found, error, shown];
    if (state.every((one, place) => one === this.listed[place])) {
      return; // a key was pressed in another field
    }
    this.listed = state;
    const rows = [
      ...paths.filter((path) => refused.has(path)),
      ...paths.filter((path) => !refused.has(path)),
    ].slice(0, MOST_ROWS);
    const planned = Map.groupBy(found?.plan.jobs ?? [], (/** @type {any} */ one) => one.file);
    const others = files.size - paths.length;
    const bytes = [...files.values()].reduce((sum, one) => sum + one.size, 0);
    const words = `${count(paths.length, "file")}, ${size(bytes)}${others ? `, ${others} of charge or spin with them` : ""} `;
    const head = ["File", "Formula", "Charge", "Unpaired", "Electrons", "Size"].map((one, place) =>
      h("th", { scope: "col", class: place > 1 && "number" }, one),
    );
    const body = rows.map((path) => {
      const faults = refused.get(path) ?? [];
      return [
        this.row(path, planned.get(path) ?? [], path === shown),
        faults.length > 0 && h("tr.submit-refused", h("td", { colspan: "7" }, faultList(faults))),
      ];
    });
    const clear = () => this.draft.remove([...files.keys()]);
    const table = h(
      "table",
      h("caption", words, h("button.button.quiet.small", { onclick: clear }, "Remove all")),
      h("thead", h("tr", head, h("td"))),
      h("tbody", body),
    );
    const more = paths.length - rows.length;
    replace(
      this.list,
      remarks(this.draft.remarks),
      paths.length > 0 && h("div.table", table),
      more > 0 && hint(`and ${count(more, "more file")}`),
    );
  }

  /** @param {string} path @param {any[]} jobs - of that file. @param {boolean} isShown */
  row(path, [job, ...others], isShown) {
    const formula =
      job && `${job.formula || job.calculation}${others.length ? ` and ${others.length} more` : ""}`;
    const cells = [
      [signed(job?.charge), origin(job?.charge_origin)],
      [job?.unpaired_electrons, origin(job?.unpaired_origin)],
      job?.electrons,
      size(this.draft.files.get(path)?.size ?? 0),
      h("button.close", { "aria-label": `Remove ${path}`, onclick: () => this.remove(path) }, "×"),
    ].map((one) => h("td.number", one));
    const choose = () => this.choose(path);
    const name = h("button.submit-name", { title: `Show ${path}`, onclick: choose }, path);
    const selected = { "aria-selected": isShown ? "true" : null };
    return h("tr", selected, h("th", { scope: "row" }, name), h("td", formula), cells);
  }

  /** @param {string} path */
  remove(path) {
    this.draft.remove([path]);
    (this.list.querySelector(".close") ?? this.paste.querySelector("summary")).focus();
  }
}

/** @param {string | undefined} words */
function origin(words) {
  return words && words !== "default" && h("span.muted.small", ` ${words}`);
}
