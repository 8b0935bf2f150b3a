"""`workers.engine.registry`: which engines a worker offers, told without loading one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from workers.engine import registry
from workers.engine.registry import Kind, available, keys, load, needs, problem
from workers.errors import EngineMissing

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = Kind("workers.engine.absent", "absent-distribution", "absent")
WITHOUT_LIBRARY = Kind("workers.engine.absent", "numpy", "numpy", "libnothere.so.1", "libnothere1")


def test_every_installed_engine_is_offered_with_its_version() -> None:
    """
    A worker offers echo, each engine by name, and each with its major and minor version.
    """
    libraries = [name for name, kind in registry.ENGINES.items() if kind.distribution]
    assert {name: version(name) for name in available(libraries)} == available(libraries)
    assert "tblite" in available()
    short = ".".join(version("tblite").split(".")[:2])
    assert {"echo", "tblite", f"tblite@{short}"} <= keys()


def test_a_version_that_changes_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Folders are not read at each look, but an engine that is installed meanwhile has its version at once.
    """
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    kind = registry.ENGINES["tblite"]._replace(distribution="absent")
    monkeypatch.setitem(registry.ENGINES, "absent", kind)
    found = []
    for changed_ns, name in enumerate(("absent", "absent-9.8.7.dist-info", "absent-10.0.dist-info")):
        for earlier in tmp_path.iterdir():
            earlier.rmdir()
        (tmp_path / name).mkdir()
        os.utime(
            tmp_path, ns=(changed_ns, changed_ns)
        )  # the clock of a file system may stand still meanwhile
        found.append(registry.installed(["absent"]))

    assert [{}, {"absent": "9.8.7"}, {"absent": "10.0"}] == found


def test_a_version_is_found_that_is_no_folders_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A distribution whose folder is called otherwise, for a dash in its name, has a version all the same.
    """
    monkeypatch.setitem(registry.ENGINES, "dashed", WITHOUT_LIBRARY._replace(distribution="nox-jobs"))
    monkeypatch.setitem(registry.ENGINES, "absent", ABSENT)

    assert {"dashed": version("nox-jobs")} == registry.installed(["dashed", "absent"])


def test_engine_registry_what_is_offered_is_told_without_loading_it() -> None:
    """
    Neither numpy nor an engine's library is imported to say what there is.
    """
    code = (
        "import sys; from workers.engine.registry import keys; keys();"
        "print({'numpy', 'xtb', 'tblite', 'berny', 'cffi'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == ended.stdout


@pytest.mark.parametrize("name", ["echo", *sorted(available())])
def test_engine_registry_each_loads_under_its_name(name: str) -> None:
    """
    An engine knows its name and the version the registry tells.
    """
    engine = load(name)

    assert name == engine.name
    assert available().get(name, "1") == engine.version()


def test_an_engine_nobody_knows_is_missing() -> None:
    """
    An unknown name is refused with those there are.
    """
    with pytest.raises(EngineMissing, match="there is no engine called orca") as error:
        load("orca")

    assert "engines are xtb, tblite, xtb-cli" == error.value.hint


def test_an_engine_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It is not offered, and loading it says what to install.
    """
    monkeypatch.setitem(registry.ENGINES, "absent", ABSENT)
    with pytest.raises(EngineMissing, match="the engine absent is not installed here") as error:
        load("absent")

    assert error.value.hint.startswith("pip install absent-distribution")
    assert "absent" not in available()


def test_a_missing_system_library_is_told_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A wheel whose shared library the system lacks is not offered, and the package that has it is named.
    """
    monkeypatch.setitem(registry.ENGINES, "bare", WITHOUT_LIBRARY)
    why = "bare needs libnothere.so.1, which is not here: install the package libnothere1"
    with pytest.raises(EngineMissing, match="install the package libnothere1"):
        load("bare")

    assert why == problem("bare")
    assert "bare" not in available()


def test_a_library_that_does_not_load_is_a_missing_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An engine whose import fails with the loader's own error is missing, not broken.
    """
    (tmp_path / "unloadable.py").write_text("raise OSError('libz.so.1: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(registry.ENGINES, "unloadable", Kind("unloadable", "numpy", "unloadable"))
    registry.preload(["unloadable"])
    with pytest.raises(EngineMissing) as error:
        load("unloadable")

    assert ("libz.so.1: cannot open shared object file",) == error.value.evidence


@pytest.mark.parametrize(
    ("key", "libraries"),
    [
        ("echo", set()),
        ("xtb", {"xtb"}),
        ("xtb@22.1", {"xtb"}),
        ("tblite@0.8", {"tblite"}),
        ("xtb-cli@6.7", {"xtb-cli"}),
        ("os", set()),
        ("", set()),
    ],
)
def test_engine_registry_only_known_libraries_are_loaded_ahead(key: str, libraries: set[str]) -> None:
    """
    A job never names a module: what is loaded is what the registry knows.
    """
    assert libraries == needs(key)
