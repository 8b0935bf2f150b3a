// Scripts of others, loaded once when the first view needs them.

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/**
 * Load a script or a stylesheet of `vendor/`.
 *
 * @param {string} name - of the file.
 * @returns {Promise<void>} rejected if the server does not have it or is unreachable; the next call tries again.
 */
export function load(name) {
  const known = loaded.get(name);
  if (known) {
    return known;
  }
  const asked = new Promise((resolve, reject) => {
    const isStyle = name.endsWith(".css");
    const element = document.createElement(isStyle ? "link" : "script");
    const url = new URL(`../vendor/${name}`, import.meta.url).href;
    Object.assign(element, isStyle ? { rel: "stylesheet", href: url } : { src: url });
    element.addEventListener("load", () => resolve(undefined));
    element.addEventListener("error", () => {
      loaded.delete(name);
      element.remove();
      reject(new Error(`${name} could not be loaded from the server`));
    });
    document.head.append(element);
  });
  loaded.set(name, asked);
  return asked;
}

/** @type {Map<string, string>} */
const colours = new Map();

/**
 * Call back when the colours of the page have changed: by its own switch, or by the system.
 *
 * @param {() => void} work
 * @param {AbortSignal} signal - ends it.
 */
export function onTheme(work, signal) {
  const changed = () => {
    colours.clear();
    work();
  };
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}

/**
 * Read a colour of the theme, as a canvas takes it.
 *
 * @param {string} name - such as `--plot-1`.
 * @returns {string} such as `rgb(0, 114, 178)`.
 */
export function colour(name) {
  const known = colours.get(name);
  if (known) {
    return known;
  }
  const probe = document.createElement("span"); // a property by itself is not resolved
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  colours.set(name, found);
  return found;
}
