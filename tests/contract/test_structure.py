"""How the code base is laid out: the size of folders, import cycles, names of modules and classes."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("nox_cli", "workers")

# How many modules a folder may hold; `None`: one for each command, however many there are.
MOST_MODULES = 20
LARGER_FOLDERS = {
    "workers/store/redis": 24,
    "workers/store/sqlite": 24,
    "nox_cli/commands": None,
    "nox_cli/render": None,
}

# Names that say nothing about the content.
VAGUE_MODULES = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "things", "stuff", "core"}
# Names of modules are nouns; these look like participles but are none.
NOUNS = {"keyring", "listing", "opening"}


def test_a_folder_has_room() -> None:
    """
    No folder holds more modules than a reader can look through.
    """
    sizes = Counter(str(path.parent.relative_to(ROOT)) for path in modules().values() if not is_package(path))
    most = {folder: LARGER_FOLDERS.get(folder, MOST_MODULES) for folder in sizes}

    assert [] == [(folder, size) for folder, size in sizes.items() if size > (most[folder] or size)]


def test_structure_no_module_imports_itself_through_others() -> None:
    """
    Modules can be read one after the other, each after all that it names, in annotations too.
    """
    assert [] == cycle(imports())


@pytest.mark.parametrize("package", PACKAGES)
def test_structure_no_folder_imports_itself_through_others(package: str) -> None:
    """
    What is in one folder needs no folder that needs it, for types too.
    """
    arrows: dict[str, set[str]] = {}
    for module, others in imports().items():
        if module.startswith(package):
            arrows.setdefault(room(module), set()).update(map(room, others))
    for name, others in arrows.items():
        others.discard(name)

    assert [] == cycle(arrows)


def test_a_module_is_named_by_a_noun() -> None:
    """
    A module's name says what it contains: no participle, and no word that fits any content.
    """
    names = {path.stem for path in modules().values()}
    participles = {name for name in names if name.endswith(("ing", "ed"))}

    assert NOUNS == participles
    assert set() == VAGUE_MODULES & names


@pytest.mark.parametrize("package", PACKAGES)
def test_a_public_class_has_its_name_alone(package: str) -> None:
    """
    A class is known by its name: no other of the package has the same.
    """
    names = Counter(
        node.name
        for module, path in modules().items()
        if module.partition(".")[0] == package
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert [] == [name for name, count in names.items() if count > 1]


@cache
def modules() -> Mapping[str, Path]:
    """Name every module and package of nox, with its file."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        words = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(words[:-1] if is_package(path) else words)] = path
    return found


def is_package(path: Path) -> bool:
    """Whether a file is that of a package."""
    return path.name == "__init__.py"


def room(module: str) -> str:
    """Name where a module is: its folder, or only itself if the folder has folders of its own."""
    folder = module if is_package(modules()[module]) else module.rpartition(".")[0]
    has_folders = any(other.startswith(f"{folder}.") for other, path in modules().items() if is_package(path))
    return module if has_folders else folder


@cache
def imports() -> Mapping[str, set[str]]:
    """Name what every module imports of nox, in functions and for types too."""
    return {module: set(_imported(path)) - {module} for module, path in modules().items()}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from {name if name in modules() else str(node.module)} & modules().keys()
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & modules().keys()


def cycle(arrows: Mapping[str, set[str]]) -> list[str]:
    """Find names that lead back to the first of them."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
