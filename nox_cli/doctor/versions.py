"""The versions of nox, Python, packages and engines on this machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple

from workers import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

# As `nox version` names them -> as they are installed.
PACKAGES = {"redis-py": "redis", "dramatiq": "dramatiq"}


class Versions(NamedTuple):
    """The versions of all that is installed here; a package that is not has none."""

    nox: str
    python: str
    engines: Mapping[str, str]
    packages: Mapping[str, str | None]

    def document(self) -> dict[str, Any]:
        """Return versions by name."""
        packages = {name.replace("-", "_"): version for name, version in self.packages.items()}
        return {"nox": self.nox, "python": self.python, "engines": dict(self.engines), **packages}


def installed() -> Versions:
    """Find the versions of what is installed, without loading any of it."""
    from workers.engine.registry import available

    packages = {name: _installed(package) for name, package in PACKAGES.items()}
    return Versions(__version__, platform.python_version(), available(), packages)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
