"""How `nox version` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.render.terminal.table import aligned

if TYPE_CHECKING:
    from nox_cli.commands.version import Versions
    from nox_cli.render.terminal.out import Out


def text(found: Versions, out: Out) -> None:
    """One line a program."""
    engines = [(name, version, "engine") for name, version in sorted(found.engines.items())]
    packages = [(name, version or "not installed", "") for name, version in found.packages.items()]
    for line in aligned([("nox", found.nox, ""), ("python", found.python, ""), *engines, *packages]):
        out.line(line)
    if not engines:
        out.line("no engine is installed here: jobs can be handed over, not computed")


def document(found: Versions) -> dict[str, Any]:
    """Versions by name."""
    packages = {name.replace("-", "_"): version for name, version in found.packages.items()}
    return {"nox": found.nox, "python": found.python, "engines": dict(found.engines), **packages}
