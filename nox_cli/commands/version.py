"""`nox version`: the versions of nox, Python, packages and engines."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nox_cli.commandline.context import session
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


def run() -> Versions:
    """Find the versions of what is installed, without loading any of it."""
    from workers.engine.registry import available

    packages = {name: _installed(package) for name, package in PACKAGES.items()}
    return Versions(__version__, platform.python_version(), available(), packages)


def command(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> Versions:
    """Show the versions of nox, of Python and of every engine."""
    session(ctx, json=json)
    return run()


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
