// Elements of the page.  Text reaches the document as text only, so that no name or comment is ever markup.

const LINK = /^(?:#|\.?\/(?!\/)|page\/|blob:|https:\/\/)/;
// Controls, marks of direction and letters without a shape would show another text than there is.
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const LINKS = new Set(["href", "src"]);
// Attributes that people read.
const SHOWN = new Set(["title", "aria-label"]);
const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "open", "hidden", "indeterminate"]);

/**
 * Make an element.
 *
 * @param {string} kind - its name and its classes: `tr`, `p.muted.small`.
 * @param {...any} parts - first attributes, if there are some: `id`, `aria-label`, ...;
 *   functions as `onclick` listen; true is an attribute without a value; null, undefined and false are left out.
 *   Then children: strings and numbers become text; null, undefined and false nothing.
 * @returns {any} the element; a button submits no form unless its `type` is `submit`.
 */
export function h(kind, ...parts) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  const { value, ...others } = isAttributes(parts[0]) ? parts.shift() : {};
  if (tag === "button") {
    element.setAttribute("type", "button");
  }
  if (classes.length) {
    element.className = classes.join(" ");
  }
  for (const [name, one] of Object.entries(others)) {
    set(element, name, one);
  }
  element.append(...nodes(parts));
  if (value !== undefined) {
    set(element, "value", value); // a select has it once it has its options, a slider once it has its range
  }
  return element;
}

/**
 * Make a choice of one of several words.
 *
 * @param {string[][]} options - values and words.
 * @param {any} value - of the one that is chosen.
 * @param {(value: string) => void} choose - called with another one.
 * @param {Record<string, any>} [attributes]
 */
export function select(options, value, choose, attributes) {
  return h(
    "select",
    { ...attributes, onchange: (/** @type {any} */ { target }) => choose(target.value) },
    options.map(([one, words]) => h("option", { value: one, selected: one === value }, words)),
  );
}

/**
 * Make a list of names and values.
 *
 * @param {[string, Child][]} rows - those whose value is null, undefined, false, "" or [] are left out.
 * @param {string} [kind] - of each value, as of `h`.
 */
export function facts(rows, kind = "dd") {
  const shown = rows.filter(([, value]) => value === 0 || (Array.isArray(value) ? value.length : value));
  return h(
    "dl.facts",
    shown.map(([name, value]) => [h("dt", name), h(kind, value)]),
  );
}

/**
 * Make a table, in a box in which a wide one scrolls.
 *
 * @param {Child} caption
 * @param {[Child, (string | null)?, string?][]} columns - words, class and title of each head; none: no heads.
 * @param {Child} rows
 * @param {string} [kind] - of the table, as of `h`.
 */
export function table(caption, columns, rows, kind = "table") {
  const cells = columns.map(([words, mark, title]) => h("th", { scope: "col", class: mark, title }, words));
  const heads = cells.length > 0 && h("thead", h("tr", cells));
  return h("div.table", h(kind, caption, heads, h("tbody", rows)));
}

/** @param {any} part */
function isAttributes(part) {
  return part !== null && typeof part === "object" && !(part instanceof Node || Array.isArray(part));
}

/** Replace the children of a node.  @param {Element | DocumentFragment} node @param {...Child} children - as of `h`. */
export function replace(node, ...children) {
  node.replaceChildren(...nodes(children));
}

/**
 * Replace the children of a node; the focus stays with what has the same id, address or words.
 *
 * @param {Element} node
 * @param {...Child} children - as of `h`.
 */
export function redraw(node, ...children) {
  const named = (/** @type {Element} */ one) => one.id || (one.getAttribute("href") ?? one.textContent);
  const focused = /** @type {HTMLElement | null} */ (
    node.contains(document.activeElement) ? document.activeElement : null
  );
  replace(node, ...children);
  if (focused) {
    const all = /** @type {HTMLElement[]} */ ([...node.querySelectorAll(focused.localName)]);
    const same = all.find((one) => named(focused) && named(one) === named(focused));
    if (same) {
      same.tabIndex = focused.tabIndex; // of a heading
      same.focus({ preventScroll: true });
    }
  }
}

/** @param {any} element @param {string} name @param {any} value */
function set(element, name, value) {
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), value);
  } else if (PROPERTIES.has(name)) {
    element[name] = value ?? "";
  } else if (value === null || value === undefined || value === false) {
    return;
  } else if (name === "style" || name.startsWith("on")) {
    throw new TypeError(
      `${name} is refused by the page's policy: use a class or element.style.x, or a function`,
    );
  } else if (LINKS.has(name) && !LINK.test(value)) {
    throw new TypeError(`not an address that the page links to: ${value}`);
  } else {
    element.setAttribute(name, value === true ? "" : SHOWN.has(name) ? safe(String(value)) : value);
  }
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function nodes(children) {
  return /** @type {any[]} */ (children)
    .flat(9)
    .filter((child) => child !== null && child !== undefined && typeof child !== "boolean")
    .map((child) => (child instanceof Node ? child : safe(String(child))));
}

/** Escape letters that hide or reorder others, as the terminal does: `\u202e`.  @param {string} text */
export function safe(text) {
  return text.replace(UNSAFE, (letter) => {
    const code = /** @type {number} */ (letter.codePointAt(0)).toString(16);
    return code.length > 4
      ? `\\U${code.padStart(8, "0")}`
      : `\\u${code.padStart(4, "0")}`.replace("u00", "x");
  });
}
