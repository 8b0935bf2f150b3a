// The theme: the system's, dark or light; and its colours for what is drawn on a canvas.

const KEY = "nox-theme";
const root = () => document.documentElement;
const changed = new EventTarget();

/** @returns {"system" | "dark" | "light"} what was chosen. */
export function theme() {
  return /** @type {any} */ (root().dataset.theme) ?? "system";
}

/** @param {"system" | "dark" | "light"} name */
export function choose(name) {
  if (name === "system") {
    delete root().dataset.theme;
    localStorage.removeItem(KEY);
  } else {
    root().dataset.theme = name;
    localStorage.setItem(KEY, name);
  }
  changed.dispatchEvent(new Event("change"));
}

/**
 * Read a colour of the theme as it is now, in a form that a canvas takes.
 *
 * @param {string} name - of the token: `accent`, `text`, `muted`, `line`, `panel`, `failed`.
 */
export function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  root().append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Call a function whenever the colours change.  @param {() => void} listener @param {AbortSignal} signal - ends it. */
export function onTheme(listener, signal) {
  changed.addEventListener("change", listener, { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener, { signal });
}
