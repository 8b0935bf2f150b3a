// The command that does the same as the page, to copy into a terminal.

import { h } from "./dom.js";
import { remark } from "./notice.js";

const PLAIN = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/;
// What a terminal would obey as it is pasted, and what would show another text than is copied.
const HIDDEN = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/**
 * Write a command for a POSIX shell.
 *
 * @param {...(string | number)} words - the program and its arguments; each is one argument, whatever it contains.
 * @returns {string} one line.
 */
export function line(...words) {
  return words.map((word) => quoted(String(word))).join(" ");
}

/** Write an option by the name of its parameter: `--keep-reacted`.  @param {string} name */
export function optionOf(name) {
  return `--${name.replaceAll("_", "-")}`;
}

/** Show a command with a button that copies it.  @param {string} text - of `line`. */
export function command(text) {
  const code = h(
    "code",
    text.split(/( )/).map((word) => (word === " " ? word : h("span", word))),
  );
  const button = h("button.button.quiet", { onclick: copy }, "Copy");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1_500);
    } catch {
      getSelection()?.selectAllChildren(code);
      remark(
        "The browser lets pages copy over https or from this machine only: press Ctrl+C for the marked line",
      );
    }
  }
  return h("div.command", code, button);
}

/** @param {string} word */
function quoted(word) {
  if (PLAIN.test(word)) {
    return word;
  }
  if (!HIDDEN.test(word)) {
    return `'${word.replaceAll("'", "'\\''")}'`;
  }
  // A line end at the end of the word is lost, which no name that nox takes has.
  const octal = [...word]
    .map((letter) => (/[A-Za-z0-9 _@+=:,./]/.test(letter) ? letter : octals(letter)))
    .join("");
  return `"$(printf '${octal}')"`;
}

/** @param {string} letter */
function octals(letter) {
  return [...new TextEncoder().encode(letter)]
    .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`)
    .join("");
}
