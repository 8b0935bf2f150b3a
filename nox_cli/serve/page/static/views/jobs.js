// Jobs: the list of all that pass filters, which are the address of the view and a line of `nox list`.

import { buttons, listWords, refusal } from "../lib/action.js";
import { blob, get, session } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, redraw, replace } from "../lib/dom.js";
import { count, title as jobTitle } from "../lib/format.js";
import { shortcut } from "../lib/keys.js";
import { every, live, rest, throttled } from "../lib/live.js";
import { empty, failure, remark } from "../lib/notice.js";
import { go, href } from "../lib/router.js";
import { List, Selection } from "../lists/list.js";
import { PagedRows, TO_COME } from "../lists/pages.js";
import { download } from "../plots/numbers.js";
import { ADDED, COLUMNS, column, usual } from "./jobs/columns.js";
import { firstUse } from "./overview.js";

export const title = "Jobs";

const STATES = ["waiting", "running", "done", "failed", "cancelled"];
/** @type {Texts} */
const PUBLIC = { waiting: "pending", done: "completed" };
const NEWEST = "-created";
const SORTS = new Set(["created", "number"]);
const KEPT_COLUMNS = "nox-columns";
// A change is on the page as soon as its row was read: the server needs some milliseconds for that.
const ROWS_MS = 100;
const LIST_MS = 1_000;
// A search among a million jobs takes a second of the store: it is repeated so seldom that it takes one part in five.
const REST = 4;
const LONGEST_REST_MS = 30_000;
// Steps and energies of running jobs are no changes of their state.
const STEPS_MS = 2_000;
const MOST_SAVED = 100_000;

const FILTER = "[name=filter]";
const COLUMN_BOX = ".jobs-columns [value=";

/** The selector of what gets the focus in the view that follows: this one makes way for it. */
let refocus = "";
/** Where a person was in a list, for Back. @type {{hash: string, index: number} | null} */
let left = null;

/** @param {HTMLElement} root @param {{query: Query, signal: AbortSignal}} about */
export async function show(root, { query, signal }) {
  await new JobsView(root, query, signal).show();
}

/** The view of one address. */
class JobsView {
  /** @param {HTMLElement} root @param {Query} query @param {AbortSignal} signal */
  constructor(root, query, signal) {
    const { columns, ...filters } = query;
    this.root = root;
    this.signal = signal;
    /** @type {Record<string, any>} */
    this.filters = filters;
    this.columns = columns;
    const sort = String(filters.sort ?? NEWEST);
    this.sortKey = sort.replace(/^-/, "");
    this.isDescending = sort.startsWith("-");
    const names = columns ?? localStorage.getItem(KEPT_COLUMNS) ?? usual(this.sortKey);
    this.names = [names].flat().join(",").split(",");
    this.selection = new Selection(() => this.selected());
    this.rows = new PagedRows({
      read: (place, isReversed, limit) => this.read(place, isReversed, limit),
      onchange: (shift) => this.changed(shift),
      isByNumber: SORTS.has(this.sortKey),
      isDescending: this.isDescending,
    });
    /** Numbers of jobs whose rows have to be read again. @type {Set<number>} */
    this.stale = new Set();
    /** Those that changed while the list was read, which may have their records from before. @type {Set<number>} */
    this.crossed = new Set();
    this.fresh = 0;
    this.readRows = throttled(() => this.reread(), ROWS_MS, signal);
    this.readList = throttled(() => this.refresh(), ROWS_MS, signal);
    this.readCounts = throttled(() => this.recount(), LIST_MS, signal);
    this.total = h("span.muted", { role: "status" });
    this.bar = h("div.jobs-bar");
    this.place = h("div.jobs-place");
    this.newer = h("button.button.primary.jobs-newer", { hidden: true, onclick: () => this.toTop() });
    this.states = h("div.jobs-states", { role: "group", "aria-label": "States" });
    this.list = new List({
      label: "Jobs",
      columns: this.names.map(column),
      rows: this.rows,
      id: (job) => job.job_id,
      title: jobTitle,
      open: (job) => go(`jobs/${job.number}`),
      selection: this.selection,
      sort: { key: this.sortKey, isDescending: this.isDescending, change: (key) => this.sortBy(key) },
    });
    /** @type {HTMLElement[]} */
    this.made = [];
    /** @type {HTMLElement | null} */
    this.notice = null;
    this.hash = location.hash;
    /** The row to begin at, once there are as many. */
    this.wanted = 0;
  }

  async show() {
    this.root.classList.add("jobs");
    this.place.append(this.list.element, this.newer);
    this.drawStates({});
    replace(
      this.root,
      h("div.head", h("h1", title), this.total, h("div.row", this.choice(), this.saving())),
      h("div.toolbar", this.states, this.chips(), this.search()),
      this.bar,
      this.place,
    );
    /** @type {HTMLElement | null} */ (refocus ? this.root.querySelector(refocus) : null)?.focus();
    refocus = "";
    this.selected();
    this.shortcuts();
    this.follow();
    this.restore();
    this.readCounts();
    await this.check();
    this.list.draw();
  }

  /** Have the server check the names of columns that this page has no form for. */
  async check() {
    const names = this.names.filter((name) => !(name in COLUMNS) && !ADDED.has(name));
    if (names.length) {
      await get("jobs", { query: { columns: names.join(","), limit: 1 }, signal: this.signal });
    }
  }

  // -- reading

  /** @param {import("../lists/pages.js").Place} place @param {boolean} isReversed @param {number} limit */
  read(place, isReversed, limit) {
    const isDescending = this.isDescending !== isReversed;
    const sort = `${isDescending ? "-" : ""}${this.sortKey}`;
    return get("jobs", {
      query: { ...this.filters, ...place, sort, limit, failures: true },
      signal: this.signal,
    });
  }

  /** Read visible rows again that have changed. */
  async reread() {
    const numbers = this.list.shown.map((job) => job.number).filter((number) => this.stale.has(number));
    this.stale.clear();
    if (numbers.length) {
      // A range may be empty, which a number may not: the job can have been removed meanwhile.
      const selector = numbers.map((number) => `${number}-${number}`).join(",");
      const { filters } = this;
      const query = { selector, all_users: filters.all_users, limit: numbers.length, failures: true };
      try {
        this.rows.replace((await get("jobs", { query, signal: this.signal })).items);
      } catch (error) {
        this.stale = new Set([...this.stale, ...numbers]); // they are read once the server answers
        throw error;
      }
    }
  }

  /** Read the list again if its beginning is visible; else see what has come before the first row. */
  async refresh() {
    const began = performance.now();
    if (this.list.isAtTop && this.rows.isAtStart) {
      this.fresh = 0;
      await this.rows.refresh(this.list.visible[1]);
    } else if (SORTS.has(this.sortKey)) {
      this.fresh += await this.rows.news();
    }
    this.announce();
    if (this.rows.error) {
      throw this.rows.error; // it is read once the server answers
    }
    const leastMs = SORTS.has(this.sortKey) ? ROWS_MS : LIST_MS; // a new job is seen as soon as a new state
    const restMs = Math.max(leastMs, REST * (performance.now() - began)) - ROWS_MS;
    if (restMs > 0) {
      await rest(Math.min(LONGEST_REST_MS, restMs), this.signal);
    }
  }

  async recount() {
    const { cursor, limit, ...filters } = this.filters;
    const found = await get("counts", { query: filters, signal: this.signal });
    this.rows.count(found.count);
    this.drawStates(found.count === null ? {} : found.counts);
    this.drawTotal();
  }

  /** Follow changes from now on. */
  follow() {
    live.on((changes, { isGap }) => {
      const newest = this.rows.at(0)?.number ?? 0;
      for (const { number } of changes) {
        this.stale.add(number);
        if (this.rows.isBusy) {
          this.crossed.add(number);
        }
      }
      this.readRows();
      this.readCounts();
      const isOther = this.filters.state || this.filters.selector || !SORTS.has(this.sortKey);
      if (isGap || isOther || changes.some((one) => one.number > newest || !this.isDescending)) {
        this.readList();
      }
      if (isGap) {
        this.stale = new Set(this.list.shown.map((job) => job.number));
      }
    }, this.signal);
    const steps = () => {
      for (const job of this.list.shown) {
        if (job.state === "running") {
          this.stale.add(job.number);
        }
      }
      if (this.stale.size && !document.hidden) {
        this.readRows();
      }
    };
    every(STEPS_MS, steps, this.signal);
    this.signal.addEventListener("abort", () => {
      left = { hash: this.hash, index: this.list.visible[0] };
      this.list.close();
    });
  }

  /** Continue where a person was who comes back. */
  restore() {
    this.wanted = left?.hash === this.hash ? left.index : 0;
    left = null;
  }

  // -- drawing

  /** @param {number} shift */
  changed(shift) {
    const { error, length, isBegun } = this.rows;
    if (this.signal.aborted) {
      return;
    }
    if (shift) {
      this.list.shift(shift);
    } else {
      this.list.draw();
    }
    this.catchUp();
    if (this.wanted && isBegun && length > this.wanted) {
      this.list.begin(this.wanted);
      this.wanted = 0;
    }
    this.note(error);
    this.list.element.hidden = this.notice !== null && (length === 0 || !isBegun);
    this.drawTotal();
  }

  /** Say why no row is shown, or not all.  @param {any} error */
  note(error) {
    const { length, isBegun, isBusy } = this.rows;
    const before = this.notice;
    if (error && error.name !== "AbortError") {
      const isRefused = error.status >= 400 && error.status < 500;
      this.notice = failure(error, isRefused ? undefined : () => this.again(), before);
      this.markChips(error.message);
    } else if (!isBusy) {
      this.notice = isBegun && length === 0 ? this.nothing() : null;
    }
    if (this.notice !== before) {
      before?.remove();
      if (this.notice) {
        this.place.prepend(this.notice);
      }
    }
  }

  /** Read again what could not be read. */
  again() {
    this.rows.error = null;
    this.list.draw();
    requestAnimationFrame(() => this.changed(0)); // nothing to read, perhaps
  }

  catchUp() {
    if (this.crossed.size && !this.rows.isBusy) {
      this.stale = new Set([...this.stale, ...this.crossed]);
      this.crossed.clear();
      this.readRows();
    }
  }

  nothing() {
    const isFiltered = Object.keys(this.filters).some((name) => name !== "sort");
    return isFiltered
      ? empty("No job passes these filters", h("a", { href: href("jobs") }, "Show all jobs"))
      : firstUse();
  }

  drawTotal() {
    const { error, length, isExact, total, isBegun } = this.rows;
    const known = total ?? (isExact ? length : null);
    const some = isBegun ? `${count(length - TO_COME)}+ jobs` : error ? "" : "reading …";
    const words = known === null ? some : count(known, "job");
    if (this.total.textContent !== words) {
      this.total.textContent = words;
    }
  }

  announce() {
    this.fresh = this.list.isAtTop ? 0 : this.fresh;
    this.newer.hidden = this.fresh === 0;
    this.newer.textContent = `${count(this.fresh)} new ↑`;
  }

  async toTop() {
    this.fresh = 0;
    this.announce();
    this.list.go(0);
    this.list.element.focus();
    await this.rows.refresh();
  }

  /** @param {Record<string, number>} counts - by public state. */
  drawStates(counts) {
    const chosen = words(this.filters.state);
    const all = STATES.map((state) => {
      const isOn = chosen.includes(state) || chosen.includes(PUBLIC[state]);
      const number = counts[PUBLIC[state] ?? state];
      const press = () => this.filter({ state: toggled(chosen, state, PUBLIC[state]) }, `[value=${state}]`);
      return h(
        "button",
        {
          id: `only-${state}`,
          value: state,
          class: `chip state-${PUBLIC[state] ?? state}`,
          "aria-pressed": String(isOn),
          onclick: press,
        },
        state,
        number !== undefined && h("span.chip-count", count(number)),
      );
    });
    redraw(this.states, all);
  }

  /** The filters of the address but states, each with a button that removes it. */
  chips() {
    const others = Object.entries(this.filters).flatMap(([name, value]) => {
      const values = name === "state" ? words(value).filter((one) => !isShown(one)) : [value].flat();
      return name === "sort" ? [] : values.map((one) => [name, one]);
    });
    this.made = others.map(([name, value]) => {
      const rest =
        name === "state"
          ? toggled(words(this.filters.state), value, undefined)
          : [this.filters[name]].flat().filter((one) => one !== value);
      const label = name === "selector" ? value : name === "all_users" ? "all users" : `${name}: ${value}`;
      const remove = h(
        "button",
        { "aria-label": `Remove the filter ${label}`, onclick: () => this.filter({ [name]: rest }, FILTER) },
        "×",
      );
      return h("span.chip.chip-set", { "data-value": value }, h("span.cut", label), remove);
    });
    return this.made;
  }

  /** Mark the filter that an error is about. @param {string} message */
  markChips(message) {
    for (const chip of this.made) {
      chip.classList.toggle("invalid", message.includes(chip.dataset.value ?? ""));
    }
  }

  search() {
    const field = h("input", {
      type: "search",
      name: "filter",
      placeholder: "Filter: name, @failed:scf, @batch:x, tag:k=v, since:2d   /",
      "aria-label": "Add a filter: part of a name, a selector, or since:2d",
      autocomplete: "off",
      spellcheck: "false",
    });
    function submit(/** @type {Event} */ event) {
      event.preventDefault();
      const found = field.value.split(/\s+/).filter(Boolean);
      if (found.length) {
        const all = found.reduce(
          (/** @type {any} */ sum, /** @type {string} */ word) => withWord(sum, word),
          self.filters,
        );
        self.filter(all, FILTER);
      }
    }
    const self = this;
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") {
        this.list.element.focus();
      }
    });
    const users = session()?.scope === "admin" && this.users();
    return [h("form.jobs-search", { role: "search", onsubmit: submit }, field), users];
  }

  users() {
    const press = (/** @type {any} */ event) =>
      this.filter({ all_users: event.target.checked ? "true" : "" }, "[name=users]");
    const isOn = Boolean(this.filters.all_users);
    const box = h("input", { type: "checkbox", name: "users", checked: isOn, onchange: press });
    return h("label.small", box, "All users");
  }

  // -- changes of the address

  /**
   * Show the list with other filters.
   *
   * @param {Record<string, any>} changed
   * @param {string} focus - the selector of what gets the focus there.
   */
  filter(changed, focus) {
    refocus = focus;
    go("jobs", { ...this.filters, ...changed, columns: this.columns });
  }

  /** @param {string} key */
  sortBy(key) {
    const isDescending = key === this.sortKey ? !this.isDescending : true;
    const sort = `${isDescending ? "-" : ""}${key}`;
    const names = Object.keys(COLUMNS).filter((name) => COLUMNS[name].sort === key);
    this.filter({ sort: sort === NEWEST ? "" : sort }, `.cell-${names[0]} button`);
  }

  choice() {
    const known = Object.keys(COLUMNS);
    const boxes = known.map((name) =>
      h(
        "label",
        h("input", { type: "checkbox", value: name, checked: this.names.includes(name), onchange: choose }),
        COLUMNS[name].label || name,
      ),
    );
    const self = this;
    function choose(/** @type {any} */ event) {
      refocus = `${COLUMN_BOX}"${event.target.value}"]`;
      const on = known.filter((_, place) => boxes[place].firstChild.checked);
      const names = [...on, ...self.names.filter((name) => !(name in COLUMNS))].join(",");
      if (names) {
        const isUsual = names === usual(self.sortKey);
        localStorage.setItem(KEPT_COLUMNS, names);
        if (isUsual) {
          localStorage.removeItem(KEPT_COLUMNS);
        }
        go("jobs", { ...self.filters, columns: isUsual ? "" : names });
      }
    }
    const isOpen = refocus.startsWith(COLUMN_BOX);
    const close = (/** @type {any} */ event) => {
      if (event.type === "keydown" ? event.key === "Escape" : !box.contains(event.relatedTarget)) {
        box.open = false;
      }
    };
    const box = h(
      "details.jobs-columns",
      { open: isOpen, onfocusout: close, onkeydown: close },
      h("summary.button", "Columns"),
      h("div.menu-box", { role: "group", tabindex: "-1", "aria-label": "Columns" }, boxes),
    );
    return box;
  }

  saving() {
    const onclick = async (/** @type {any} */ { currentTarget }) => {
      const query = { ...this.filters, columns: this.columns, limit: MOST_SAVED };
      const content = blob("jobs", { query, accept: "text/csv", signal: this.signal });
      if ((await download(currentTarget, "jobs.csv", content)) && (this.rows.total ?? 0) > MOST_SAVED) {
        remark(`The file has the first ${count(MOST_SAVED, "job")}; filters make lists that fit into one.`);
      }
    };
    return h("button.button", { title: "Download the list as CSV", onclick }, "CSV");
  }

  // -- selection

  /** Show the command of the list, or what can be done with the selected jobs. */
  selected() {
    const { selection } = this;
    this.list.draw();
    if (selection.isEmpty) {
      const { cursor, ...filters } = this.filters;
      const listed = line("nox", "list", ...listWords({ ...filters, columns: this.columns }));
      if (!this.bar.querySelector(".command")) {
        replace(this.bar, command(listed));
      }
      return;
    }
    const number = selection.isAll ? this.rows.total : selection.items.size;
    const words =
      selection.isAll && number === null
        ? "All jobs of this list"
        : `${selection.isAll ? "All " : ""}${count(number ?? 0, "job")} selected`;
    if (this.bar.querySelector(".jobs-actions")) {
      this.bar.querySelector(".jobs-number").textContent = words;
      return;
    }
    const refresh = () => {
      selection.clear();
      this.readList();
    };
    const clear = h("button.button.quiet", { onclick: () => selection.clear() }, "Clear ", h("kbd", "Esc"));
    const why = refusal();
    replace(
      this.bar,
      h(
        "div.jobs-actions",
        { role: "toolbar", "aria-label": "Actions on the selected jobs" },
        h("span.jobs-number", { role: "status" }, words),
        buttons(() => this.chosen(), { refresh }),
        why && h("span.muted.small", why),
        clear,
      ),
    );
  }

  /** The selected jobs: selectors where these can name all of a list, else its filters. */
  chosen() {
    if (!this.selection.isAll) {
      return { jobs: [...this.selection.items.values()] };
    }
    const { sort, limit, cursor, selector, ...filters } = this.filters;
    const set = Object.entries(filters).filter(([, value]) => [value].flat().some(Boolean));
    const words_ = [selector ?? []].flat();
    const single = set.length === 1 ? selectorOf(...set[0]) : "";
    if (!set.length) {
      return { selector: words_.length ? words_ : ["@all"] };
    }
    if (single && !words_.length) {
      return { selector: [single] };
    }
    const { state, tag, all_users: users, ...texts } = Object.fromEntries(set);
    return {
      ...(words_.length ? { selector: words_ } : {}),
      filters: {
        ...(state ? { state: words(state) } : {}),
        ...texts,
        ...(tag ? { tag: [tag].flat() } : {}),
        ...(users ? { all_users: true } : {}),
      },
    };
  }

  shortcuts() {
    const at = () => this.list.current;
    const focus = () => this.list.element.focus({ preventScroll: true });
    /** @type {[string, string, () => void][]} */
    const all = [
      ["j", "Next job (or ↓; Shift selects on the way, Enter opens)", () => this.list.move(at() + 1)],
      ["k", "Previous job (or ↑)", () => this.list.move(at() - 1)],
      ["J", "", () => this.list.move(at() + 1, true)],
      ["K", "", () => this.list.move(at() - 1, true)],
      ["x", "Select the job (or Space)", () => this.list.toggle()],
      ["a", "Select all jobs of the list", () => this.selection.all()],
    ];
    for (const [key, label, work] of all) {
      shortcut(
        key,
        label,
        () => {
          focus();
          work();
        },
        this.signal,
      );
    }
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.selection.isEmpty) {
        this.selection.clear();
      }
    });
  }
}

/** @param {any} value */
function words(value) {
  return [value ?? []].flat().join(",").split(",").filter(Boolean);
}

/** @param {string} state */
function isShown(state) {
  return STATES.includes(state) || Object.values(PUBLIC).includes(state);
}

/** @param {string[]} chosen @param {string} state @param {string | undefined} other - the public word of the state. */
function toggled(chosen, state, other) {
  const rest = chosen.filter((one) => one !== state && one !== other);
  return (rest.length < chosen.length ? rest : [...rest, state]).join(",");
}

/** Add a filter as a person types it.  @param {Record<string, any>} filters @param {string} word */
function withWord(filters, word) {
  const [, name, value] = /^([a-z]+):(.+)$/.exec(word) ?? [];
  const [, group, of] = /^@([a-z]+)(?::(.+))?$/.exec(word) ?? [];
  if (name === "tag") {
    return { ...filters, tag: [...[filters.tag ?? []].flat(), value] };
  }
  if (["batch", "since", "name", "state", "sort"].includes(name)) {
    return { ...filters, [name]: value };
  }
  if (group === "batch" && of) {
    return { ...filters, batch: of };
  }
  if (STATES.includes(group) && !of) {
    return { ...filters, state: [...words(filters.state), group].join(",") };
  }
  if (group || /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(word)) {
    return { ...filters, selector: word };
  }
  return { ...filters, name: /[*?[]/.test(word) ? word : `*${word}*` };
}

/** Write one filter as a selector.  @param {string} name @param {any} value @returns {string} empty: no selector means the same. */
function selectorOf(name, value) {
  const texts = name === "state" ? words(value) : [value].flat();
  if (texts.length !== 1) {
    return "";
  }
  return (
    { state: `@${texts[0]}`, batch: `@batch:${texts[0]}`, name: `name:${texts[0]}`, tag: `tag:${texts[0]}` }[
      name
    ] ?? ""
  );
}
