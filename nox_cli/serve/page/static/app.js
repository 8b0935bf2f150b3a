// The page: signs in, then shows the view of the address, and its header.

import { ApiError, resume, session, signIn, signOut } from "./lib/api.js";
import { h, replace } from "./lib/dom.js";
import { dropped } from "./lib/files.js";
import { keepMoments } from "./lib/format.js";
import * as keys from "./lib/keys.js";
import { live } from "./lib/live.js";
import { fail } from "./lib/notice.js";
import { go, start } from "./lib/router.js";
import { choose, theme } from "./lib/theme.js";

const ROUTES = [
  { pattern: "", load: () => import("./views/overview.js") },
  { pattern: "jobs", load: () => import("./views/jobs.js") },
  { pattern: "jobs/:job", load: () => import("./views/job.js") },
  { pattern: "batches/:batch", load: () => import("./views/batch.js") },
  { pattern: "workers", load: () => import("./views/workers.js") },
  { pattern: "submit", load: () => import("./views/submit.js") },
];
const WELCOME = "This page shows the jobs of those who sign in.";
// A connection that returns within this time was never away, to a person.
const BLINK_MS = 3_000;

let isOpen = false;

/**
 * Sign in by the code of the link, or continue the earlier session, then show the page.
 *
 * @param {string} code - empty: the address has none.
 */
async function open(code) {
  try {
    if (code) {
      await signIn({ code });
    } else if (!(await resume())) {
      await login(WELCOME);
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) {
      fail(byId("main"), error, () => open(code), h("h1", "nox"));
    } else if (!(await resume().catch(() => false))) {
      await login(WELCOME, error);
    }
  }
}

/** Take the code out of the address, so that it is neither shown, noted as a visit nor copied. */
function linked() {
  const found = /^#code=([\w-]*)/.exec(location.hash);
  if (found) {
    history.replaceState(null, "", "#/");
  }
  return found ? found[1] : "";
}

function opened() {
  header();
  if (isOpen) {
    return;
  }
  isOpen = true;
  live.start();
  live.watch(connection);
  keepMoments();
  shortcuts();
  drops();
  start(ROUTES);
}

/** @param {string} why @param {any} [error] */
async function login(why, error) {
  const { ask } = await import("./views/login.js");
  ask(why, error);
}

function header() {
  const found = session();
  const account = byId("account");
  account.hidden = false;
  account.title = "Theme, shortcuts, sign out";
  const rights = found?.read_only ? "read only" : found?.scope;
  replace(account, h("span.who", found?.owner ?? ""), h("span.muted", rights ?? ""));
  const choices = ["system", "dark", "light"].map((name) =>
    h(
      "label",
      h("input", {
        type: "radio",
        name: "theme",
        value: name,
        checked: theme() === name,
        onchange: () => choose(/** @type {any} */ (name)),
      }),
      name[0].toUpperCase() + name.slice(1),
    ),
  );
  replace(
    byId("menu"),
    h("fieldset", h("legend", "Theme"), choices),
    h(
      "button.button.quiet",
      { popovertarget: "menu", onclick: keys.sheet },
      "Keyboard shortcuts ",
      h("kbd", "?"),
    ),
    h("button.button.quiet", { onclick: signOut }, "Sign out"),
  );
  byId("search").onsubmit = search;
}

/** Report in the header whether what is shown is up to date. */
function connection() {
  const output = byId("connection");
  const { state, remark: why, since } = live;
  const isAway = state === "away" && Date.now() - since > BLINK_MS;
  output.dataset.state = state;
  output.title = why;
  document.body.toggleAttribute("data-away", isAway);
  if (!isAway) {
    replace(output, state === "away" ? "reconnecting" : state);
    setTimeout(() => live.state === "away" && connection(), BLINK_MS);
    return;
  }
  const clock = new Date(since).toLocaleTimeString([], { timeStyle: "short", hourCycle: "h23" });
  const hurry = h("button.link", { onclick: () => live.hurry() }, "try now");
  replace(output, `${lost(why)} since ${clock} · `, hurry);
}

/** @param {string} why */
function lost(why) {
  if (why.includes("store")) {
    return "store unreachable";
  }
  return why === "" || why.includes("the server") ? "server unreachable" : why;
}

/** @param {SubmitEvent} event */
function search(event) {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("search").querySelector("input"));
  const word = field.value.trim();
  field.value = "";
  field.blur();
  if (/^\d+$/.test(word)) {
    go(`jobs/${word}`);
  } else if (word) {
    go("jobs", { name: /[*?[]/.test(word) ? word : `*${word}*` });
  }
}

function shortcuts() {
  keys.start();
  keys.shortcut("g o", "Go to the overview", () => go(""));
  keys.shortcut("g j", "Go to the jobs", () => go("jobs"));
  keys.shortcut("g w", "Go to the workers", () => go("workers"));
  keys.shortcut("g s", "Go to submit", () => go("submit"));
  keys.shortcut("/", "Find a job", () => {
    const field = document.querySelector("#main [type=search]") ?? byId("search").querySelector("input");
    /** @type {HTMLInputElement | null} */ (field)?.select();
  });
  // A link within the page moves the focus, not the view.
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

/** Take files that are dropped on any view to the form that submits them. */
function drops() {
  const over = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (over(event)) {
      event.preventDefault();
      document.body.classList.add("dropping");
    }
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dropping"));
  addEventListener("drop", async (event) => {
    document.body.classList.remove("dropping");
    const found = dropped(event.dataTransfer);
    if (found.length) {
      event.preventDefault();
      const { receive } = await import("./views/submit.js");
      await receive(found);
    }
  });
}

/** @param {string} id @returns {any} */
function byId(id) {
  return document.getElementById(id);
}

document.addEventListener("signedin", opened);
document.addEventListener("signedout", () =>
  login("The session has ended. What you had begun is still here."),
);
addEventListener("hashchange", () => {
  const code = linked();
  if (code) {
    open(code);
  }
});
// Leaving a view ends its requests: that is no failure, whether or not somebody waits for them.
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") {
    event.preventDefault();
  }
});
open(linked());
