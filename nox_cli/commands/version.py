"""`nox version`: versions of nox and of what it computes with."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from nox_cli.session import Form, session
from workers import __version__


@dataclass(frozen=True, slots=True)
class Versions:
    """What is installed here."""

    nox: str
    python: str
    redis_py: str


def run() -> Versions:
    """Ask what is installed, without loading any of it."""
    return Versions(__version__, platform.python_version(), _installed("redis"))


def command(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON value.")] = False,
) -> Versions:
    """Show the versions of nox, of Python and of every engine."""
    session(ctx).form = Form.JSON if json else Form.TABLE
    return run()


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
