"""The statements of the local store by name, and the parts of a script: what reads `sql/*.sql`."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from workers.job import CLIENT_FIELDS, FIELDS, PROGRESS_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SQL = Path(__file__).parent / "sql"
# The columns of a job, in the order of its fields.
JOB = ", ".join(f"jobs.{field.sql}" for field in (*FIELDS, *PROGRESS_FIELDS))
_NAME = "-- name: "


def named(text: str) -> Mapping[str, str]:
    """Split a file of statements, each below a `-- name:` line, by name."""
    _, *parts = text.split(f"\n{_NAME}")
    return {part.split("\n", 1)[0].strip(): _without_comments(part.split("\n", 1)[1]) for part in parts}


def statements(script: str) -> Iterator[str]:
    """Split a script into statements, so that it can run inside a transaction."""
    pending: list[str] = []
    for line in script.splitlines(keepends=True):
        pending.append(line)
        if line.rstrip().endswith(";") and sqlite3.complete_statement("".join(pending)):
            yield "".join(pending)
            pending.clear()


def _without_comments(statement: str) -> str:
    lines = statement.strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).rstrip(";")


def _queries() -> Mapping[str, str]:
    """Read the statements, and fill in the columns of a job."""
    asked = [field.sql for field in CLIENT_FIELDS]
    columns = {
        "{job}": JOB,
        "{asked}": ", ".join(asked),
        "{:asked}": ", ".join(f":{column}" for column in asked),
        "{progress}": ", ".join(f"{field.sql} = :{field.sql}" for field in PROGRESS_FIELDS),
        "{no progress}": ", ".join(f"{field.sql} = NULL" for field in PROGRESS_FIELDS),
    }
    text = (SQL / "queries.sql").read_text(encoding="utf-8")
    for name, listed in columns.items():
        text = text.replace(name, listed)
    return named(text)


QUERIES = _queries()
