"""docs/architecture.md lists the classes that a specification and a result pass through, and all of them."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/architecture.md"
# The heading -> the most shapes, and the names of fields that only such classes have.
SECTIONS = {
    "The shapes of a specification": (8, {"spec_json"}),
    "The shapes of a result": (6, {"result"}),
}
NAME = re.compile(r"`((?:nox_cli|workers)\.[\w.]+)`")


def shapes(heading: str) -> list[tuple[str, list[str]]]:
    """Read a table of the page: the class of each row, and the modules that make it."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return [(NAME.findall(row[1])[0], NAME.findall(row[3])) for row in rows]


def holders(fields: set[str]) -> set[str]:
    """Find the classes of both packages that have one of these fields."""
    found = set()
    for path in (*(ROOT / "nox_cli").rglob("*.py"), *(ROOT / "workers").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for one in ast.walk(ast.parse(path.read_text())):
            if isinstance(one, ast.ClassDef) and fields & {
                line.target.id
                for line in one.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            }:
                found.add(f"{module}.{one.name}")
    return found


@pytest.mark.parametrize("heading", SECTIONS)
def test_shapes_exist_and_are_made_where_the_page_says(heading: str) -> None:
    """
    Each class can be imported, and each module that makes it names it.
    """
    most, _ = SECTIONS[heading]
    found = shapes(heading)

    assert 0 < len(found) <= most
    for path, makers in found:
        module, _, name = path.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), name), type)
        assert makers, f"the page does not say what makes {name}"
        for maker in makers:
            source = importlib.import_module(maker).__file__
            assert source is not None
            assert name in Path(source).read_text(), f"{maker} does not make {name}"


@pytest.mark.parametrize("heading", SECTIONS)
def test_shapes_are_all_on_the_page(heading: str) -> None:
    """
    No other class holds a specification or a typed result.
    """
    _, fields = SECTIONS[heading]

    assert set() == holders(fields) - {path for path, _ in shapes(heading)}
