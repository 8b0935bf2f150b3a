"""How `nox schema` looks: the schema itself, ASCII only, for people and programs alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nox_cli.commands.schema import Schema
    from nox_cli.render.terminal.out import Out


def text(found: Schema, out: Out) -> None:
    """Write the schema."""
    out.write(json.dumps(found.schema, indent=2) + "\n")
