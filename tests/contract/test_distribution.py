"""The wheel and the source distribution: both are built, and have all that an installation needs."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "nox_cli/serve/page/static"
# Files that modules read; each has one folder that is not a package.
DATA = ("nox_cli/serve/page/static", "workers/store/redis/lua", "workers/store/sqlite/sql")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=100,
    )
    return folder


def data() -> Iterator[str]:
    """List the files that modules read."""
    for folder in DATA:
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert files
        yield from (str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts)


def test_the_wheel_has_what_modules_read(built: Path) -> None:
    """
    The files of the page, with the scripts of others, and the scripts of both stores.
    """
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())

    assert set() == set(data()) - names
    assert not [name for name in names if name.startswith("tests")]


def test_the_wheel_has_all_licences(built: Path) -> None:
    """
    That of nox, and of each part of the scripts of others, where installers and auditors look for them.
    """
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        folder = metadata.removesuffix("METADATA") + "licenses/"
        named = {
            line.removeprefix("License-File: ")
            for line in wheel.read(metadata).decode().splitlines()
            if line.startswith("License-File: ")
        }
        texts = {name.removeprefix(folder) for name in wheel.namelist() if name.startswith(folder)}

    wanted = {str(path.relative_to(ROOT)) for path in (STATIC / "vendor/licences").iterdir()}
    assert {"LICENSE", *wanted} == named == texts


def test_the_source_distribution_makes_the_same_wheel(built: Path) -> None:
    """
    It has the files of the page, the licences and the manual page.
    """
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert set() == {*data(), "LICENSE", "man/nox.1", "pyproject.toml"} - names
