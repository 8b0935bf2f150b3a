"""Links between the pages of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")),
    ROOT / "benchmarks/slurm.md",
    *sorted(DOCS.glob("*.md")),
]
SOURCES = ("nox_cli", "workers", "tests", "benchmarks", "examples", "docs")
_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# A page of this repository, as messages and comments of the code name it.
_MENTION = re.compile(r"\b(?:docs|benchmarks)/[\w/-]+\.md\b")


def prose(page: Path) -> str:
    """Read a page without its blocks of code."""
    return _BLOCK.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """List the anchors of a page's headings, as GitHub and MyST make them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose(page))
    }


def broken(page: Path) -> list[str]:
    """List the links of a page to files or headings of the repository that do not exist."""
    found = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """
    Each link of a page to another file or heading of the repository names one that exists.
    """
    assert [] == broken(page)


def test_every_page_is_in_the_index() -> None:
    """
    docs/index.md links every page of docs/, and its contents list each once.
    """
    text = (DOCS / "index.md").read_text()
    pages = sorted(page.stem for page in DOCS.glob("*.md") if page.stem != "index")
    contents = "\n".join(re.findall(r"^```{toctree}\n(.*?)^```", text, re.DOTALL | re.MULTILINE))

    assert pages == sorted(set(re.findall(r"\]\((\S+)\.md\)", text)))
    assert pages == sorted(re.findall(r"^[\w-]+$", contents, re.MULTILINE))


def test_every_page_that_code_names_exists() -> None:
    """
    Messages, comments and scripts that name a page of the documentation name one that exists.
    """
    sources = [path for name in SOURCES for path in sorted((ROOT / name).rglob("*.*")) if path.is_file()]
    named = {
        name
        for path in (ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *sources)
        if path.is_file() and path.suffix in {"", ".py", ".sh", ".md", ".sbatch", ".lua", ".sql"}
        for name in _MENTION.findall(path.read_text())
    }

    assert "docs/clusters.md" in named
    assert [] == sorted(name for name in named if not (ROOT / name).is_file())


@pytest.mark.parametrize("package", ["nox_cli", "workers"])
def test_every_folder_is_in_the_architecture(package: str) -> None:
    """
    docs/architecture.md has a table with each folder of a package.
    """
    text = (DOCS / "architecture.md").read_text()
    (table,) = re.findall(rf"^\| folder of `{package}` .*\n((?:\|.*\n)+)", text, re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}

    assert folders == set(re.findall(r"^\| `(\w+)/`", table, re.MULTILINE))
