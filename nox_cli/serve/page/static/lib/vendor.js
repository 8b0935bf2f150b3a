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
