"""The statements of the local store by name, and the parts of a script: what reads `sql/*.sql`."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SQL = Path(__file__).parent / "sql"
_NAME = "-- name: "


def named(text: str) -> Mapping[str, str]:
    """Take apart a file of statements, each under a `-- name:` line, by name."""
    _, *parts = text.split(f"\n{_NAME}")
    return {part.split("\n", 1)[0].strip(): _without_comments(part.split("\n", 1)[1]) for part in parts}


def statements(script: str) -> Iterator[str]:
    """Take apart a script into statements, so that it can run inside a transaction."""
    pending: list[str] = []
    for line in script.splitlines(keepends=True):
        pending.append(line)
        if line.rstrip().endswith(";") and sqlite3.complete_statement("".join(pending)):
            yield "".join(pending)
            pending.clear()


def _without_comments(statement: str) -> str:
    lines = statement.strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).rstrip(";")


QUERIES = named((SQL / "queries.sql").read_text(encoding="utf-8"))
