"""How `nox version` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nox_cli.commands.version import Versions
    from nox_cli.render.out import Out


def text(found: Versions, out: Out) -> None:
    """One line a program."""
    out.line(f"nox {found.nox}")
    out.line(f"python {found.python}")
    out.line(f"redis-py {found.redis_py}")


def document(found: Versions) -> dict[str, Any]:
    """Versions by name."""
    return {"nox": found.nox, "python": found.python, "redis_py": found.redis_py}
