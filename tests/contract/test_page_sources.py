"""What the files of the page may not contain: ways from text to markup or code, other hosts, unused parts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nox_cli.serve import page

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
STATIC = Path(page.__file__).parent / "static"
# In bytes: what is drawn first, and all views with what each of them loads when it is first opened.
MOST_AT_FIRST = 200_000
MOST_AT_ALL = 430_000
# What no file contains, except where it is named: the namespace of SVG, and the addresses of publications.
FORBIDDEN = {
    "markup from text": r"(?:inner|outer)HTML|insertAdjacentHTML|document\.write|setHTML|srcdoc|DOMParser"
    r"|createContextualFragment|createHTMLDocument",
    "code from text": r"\beval\b|\bFunction\(|set(?:Timeout|Interval)\(\s*[\"'`]|[\"'`]javascript:",
    "styles in attributes": r"setAttribute\([\"'`]style|cssText|\sstyle=",
    "listeners in attributes": r"\son\w+=|setAttribute\([\"'`]on",
    "scripts and styles inside the page": r"<style|<script(?![^>]*\ssrc=)",
    "another host": r"(?:https?:)?//(?!www\.w3\.org/2000/svg|doi\.org/)[\w-]+\.[a-z]",
    "requests past lib/api.js": r"XMLHttpRequest|EventSource\(|WebSocket\(|sendBeacon|serviceWorker",
    "the cookie": r"document\.cookie",
}
# Modules that may do what others must leave to them.
RESERVED = {
    r"\bfetch\(": {"lib/api.js"},
    r"localStorage": {"lib/api.js", "lib/theme.js", "theme.js", "views/jobs.js"},
    r"\bcreateElement\(": {"lib/dom.js", "lib/theme.js", "lib/vendor.js"},
}
_COMMENT = re.compile(r"^\s*(?://|/?\*).*$|\s// .*$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_IMPORT = re.compile(r"^import \{([^}]*)\} from \"([^\"]+)\";", re.MULTILINE)
_KIND = re.compile(r"\bh\(\s*\"(\w+(?:\.[\w-]+)+)\"")
_NAMESPACE = re.compile(r"^import \* as (\w+) from \"([^\"]+)\";", re.MULTILINE)


@cache
def sources() -> Mapping[str, str]:
    """Return the files of the page by name, without those of others."""
    return {
        path.relative_to(STATIC).as_posix(): path.read_text(encoding="utf-8")
        for path in STATIC.rglob("*")
        if path.is_file() and "vendor" not in path.parts
    }


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_of_the_page_has(what: str) -> None:
    """
    Names and comments of jobs are never markup or code, and nothing is loaded from elsewhere.
    """
    assert [] == [
        (name, found[0])
        for name, text in sources().items()
        if (found := re.search(FORBIDDEN[what], _COMMENT.sub("", text)))
    ]


@pytest.mark.parametrize("pattern", RESERVED)
def test_one_file_of_the_page_does(pattern: str) -> None:
    """
    Requests, storage and elements are each made in one place, so that their rules hold everywhere.
    """
    users = {name for name, text in sources().items() if re.search(pattern, _COMMENT.sub("", text))}

    assert set() == users - RESERVED[pattern]


def test_the_page_is_small() -> None:
    """
    All files of the page together, without those of others, have at most 430 KB.
    """
    assert sum(len(text.encode()) for text in sources().values()) <= MOST_AT_ALL


def test_the_first_paint_is_small() -> None:
    """
    What the browser loads before it draws the first view has at most 200 KB; the page names it all, so that
    no module has to come first for another one to be known.
    """
    modules = imported("app.js") | imported("views/overview.js")
    others = {"index.html", "style.css", "theme.js", "icon.svg"}
    named = re.findall(r'"modulepreload" href="page/([^"]+)"', sources()["index.html"])

    assert sorted(modules - {"app.js"}) == named
    assert sum(len(sources()[name].encode()) for name in modules | others) <= MOST_AT_FIRST


def test_every_export_of_the_page_is_used() -> None:
    """
    What a module offers is used by another one, or by a test.
    """
    tests = "\n".join(path.read_text() for path in (ROOT / "tests" / "page").glob("*.py"))
    used = {(module, name) for text in sources().values() for module, name in imports(text)}

    assert [] == [
        (name, export)
        for name, text in sources().items()
        for export in _EXPORT.findall(text)
        if (Path(name).name, export) not in used
        and not (name.startswith("views/") and export in {"title", "show"})
        and not re.search(rf"\b{export}\b", tests)
    ]


def test_every_class_of_the_page_is_used() -> None:
    """
    A class of the stylesheet is that of an element; one of an element is in the stylesheet or looked for.
    """
    style = re.sub(r"/\*.*?\*/", "", sources()["style.css"], flags=re.DOTALL)
    drawn = "\n".join(text for name, text in sources().items() if name != "style.css")
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    styled = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\{[^{}]*\}", "{}", style)))
    composed = tuple(re.findall(r"([a-z-]+-)\$\{", drawn))
    made = {one for kind in _KIND.findall(drawn) for one in re.split(r"[. ]", kind)[1:]}
    texts = re.findall(r"([\"'`])(.*?)\1", f"{_KIND.sub('', drawn)}\n{tests}")
    looked_for = {name for _, text in texts for name in re.findall(r"\.([a-z][\w-]*)", text)}

    assert [] == sorted(
        name
        for name in styled
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", drawn) and not name.startswith((*composed, "u-"))
    )
    assert set() == made - styled - looked_for


def imported(name: str) -> set[str]:
    """Return a module and all that it imports before it runs."""
    text = sources()[name]
    found = {name}
    for other in re.findall(r"^import [^;]*?\"([^\"]+)\";", text, re.MULTILINE):
        path = (STATIC / name).parent.joinpath(other).resolve().relative_to(STATIC).as_posix()
        found |= imported(path)
    return found


def imports(text: str) -> set[tuple[str, str]]:
    """Return the file name and export of each thing that a module imports."""
    found = {
        (Path(path).name, name.split(" as ")[0].strip())
        for names, path in _IMPORT.findall(text)
        for name in names.split(",")
    }
    for alias, path in _NAMESPACE.findall(text):
        found |= {(Path(path).name, name) for name in re.findall(rf"\b{alias}\s*\.(\w+)", text)}
    for path, name in re.findall(r"import\(\"([^\"]+)\"\)\)?\.(\w+)", text):
        found.add((Path(path).name, name))
    for names, path in re.findall(r"\{([^{}]*)\} = await import\(\"([^\"]+)\"\)", text):
        found |= {(Path(path).name, name.split(":")[0].strip()) for name in names.split(",")}
    return found
