// The sign-in form, over the page: it stays until somebody has signed in.

import { signIn } from "../lib/api.js";
import { command, line } from "../lib/command.js";
import { h, replace } from "../lib/dom.js";
import { dialog, failure } from "../lib/notice.js";

/**
 * Ask for a code or a token.
 *
 * @param {string} why - what happened, as a sentence.
 * @param {any} [error] - of a code that was refused.
 */
export function ask(why, error) {
  const field = h("input", {
    id: "proof",
    type: "password",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "link, code or token",
  });
  const outcome = h("div", { "aria-live": "polite" }, error && failure(error));
  const button = h("button.button.primary", { type: "submit" }, "Sign in");
  const form = h(
    "form",
    { onsubmit: submit },
    h("p", why),
    h("p", "In a terminal on the machine of the server, type:"),
    command(line("nox", "serve", "link")),
    h(
      "p.muted",
      "Open the link that it prints, or paste it here. A token of ",
      h("code", "nox token new"),
      " works too.",
    ),
    h("label", { for: "proof" }, "Link, code or token"),
    h("div.row", field, button),
    outcome,
  );
  const box = dialog("Sign in to nox", [form], { class: "login" });
  box.addEventListener("cancel", (event) => event.preventDefault());
  field.focus();
  document.addEventListener("signedin", () => box.close(), { once: true });

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      await signIn(proofOf(field.value));
    } catch (refused) {
      replace(outcome, failure(refused));
      field.select();
    }
    button.disabled = false;
  }
}

/** Read what was pasted: a link, the code in it, or a token.  @param {string} text @returns {{code: string} | {token: string}} */
function proofOf(text) {
  const word = text.trim().replace(/^.*#code=/s, "");
  return word.startsWith("nox_") ? { token: word } : { code: word };
}
