"""`nox version` and `nox --version`."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from typing import TYPE_CHECKING

from workers import __version__

if TYPE_CHECKING:
    from tests.support.nox import Nox


def test_the_short_form_is_one_line(nox: Nox) -> None:
    """
    `nox --version` prints the version that is installed.
    """
    assert f"nox {importlib.metadata.version('nox-jobs')}\n" == nox("--version", check=True).stdout


def test_every_part_has_its_version(nox: Nox) -> None:
    """
    `nox version` names nox, Python, every engine and what speaks to Redis.
    """
    shown = nox("version", check=True).stdout
    lines = {line.split()[0]: line.split()[1] for line in shown.splitlines()}

    assert __version__ == lines["nox"]
    assert platform.python_version() == lines["python"]
    assert importlib.metadata.version("redis") == lines["redis-py"]
    assert importlib.metadata.version("tblite").startswith(lines["tblite"])


def test_versions_as_json(nox: Nox) -> None:
    """
    The JSON form has the engines by name.
    """
    document = json.loads(nox("version", "--json", check=True).stdout)

    assert ["schema", "nox", "python", "engines", "redis_py", "dramatiq"] == list(document)
    assert "tblite" in document["engines"]
