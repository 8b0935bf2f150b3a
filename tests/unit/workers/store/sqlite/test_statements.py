"""`sql/queries.sql`: every statement is named, described, understood by SQLite and served by an index."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from workers.store.sqlite.reads import _WALKS
from workers.store.sqlite.statements import JOB, QUERIES, SQL, named, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

# Small by nature: a row a running job, a worker, an owner, a distinct demand, a counter, a job or batch
# that has just ended, a token, a table.
_OF_RUNNING = {"leases", "workers", "owners", "shapes", "shape", "sqlite_sequence", "json_each", "CONSTANT"}
_BOUNDED = {"listed", "known"}  # batches, as many as SCAN_LIMIT allows
SMALL = _OF_RUNNING | _BOUNDED | {"releasing", "stopping", "kept", "tokens", "acting", "sqlite_master"}
SCOPES = {
    "NOT INDEXED": "AND number >= :floor",
    "INDEXED BY jobs_batch": "AND batch = :batch AND batch <> '' AND number >= :floor",
    "INDEXED BY jobs_state": "AND state = :state AND state <> 'done' AND number >= :floor",
}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    """An empty database with the schema."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for script in ("schema.sql", "tokens.sql", "points.sql", "ahead.sql"):
            for statement in statements((SQL / script).read_text()):
                connection.execute(statement)
        yield connection


def every_form(name: str) -> list[str]:
    """Fill the braces of a statement in, in every way the lists do."""
    walks = [*_WALKS.values(), *(("number", index) for index in SCOPES)]
    ways = [
        {
            "columns": JOB,
            "key": key,
            "index": index,
            "scope": SCOPES.get(index, ""),
            "beyond": beyond,
            "direction": direction,
        }
        for key, index in walks
        for beyond, direction in (("<", "DESC"), (">", "ASC"))
    ]
    return [QUERIES[name].format(**way) for way in ways] if "{" in QUERIES[name] else [QUERIES[name]]


def plan(database: sqlite3.Connection, statement: str) -> list[str]:
    """Ask SQLite how it would go about a statement."""
    values = dict.fromkeys(re.findall(r":([a-z_0-9]+)", statement), 0)
    return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.parametrize("name", QUERIES)
def test_statements_no_statement_looks_at_every_job(database: sqlite3.Connection, name: str) -> None:
    """
    Whatever grows with the jobs is entered by a key or an index; nothing of it is sorted.
    """
    for statement in every_form(name):
        steps = plan(database, statement)
        scanned = {step.split()[1] for step in steps if step.startswith("SCAN")}
        assert scanned <= SMALL, (statement, steps)
        if statement.startswith("SELECT * FROM jobs"):
            assert "TEMP B-TREE" not in " ".join(steps), (statement, steps)


def test_every_statement_is_described() -> None:
    """
    A line of words stands over each, so that the file can be read from the top.
    """
    text = (SQL / "queries.sql").read_text()
    described = re.findall(r"^-- name: (\w+)\n-- [A-Z]", text, re.MULTILINE)

    assert described == list(QUERIES)
    assert len(described) == len(set(described))


def test_every_statement_is_used() -> None:
    """
    None was left behind when its caller went.
    """
    code = "".join(path.read_text() for path in SQL.parent.glob("*.py"))

    assert [] == [name for name in QUERIES if f'"{name}"' not in code]


def test_a_file_is_taken_apart_by_name() -> None:
    """
    Comments and the last semicolon are dropped; line breaks inside a statement stay.
    """
    one, two = "-- name: one\n-- Says.\nSELECT 1\nFROM x;\n", "-- name: two\n-- Says\n-- more.\nSELECT 2;\n"
    text = f"-- head\n\n{one}\n{two}"

    assert {"one": "SELECT 1\nFROM x", "two": "SELECT 2"} == named(text)


def test_a_script_is_taken_apart_into_statements() -> None:
    """
    The semicolons inside a trigger or a text end nothing.
    """
    trigger = "CREATE TRIGGER t AFTER INSERT ON x\nBEGIN\n    SELECT 1;\n    SELECT 2;\nEND;\n"
    script = f"SELECT ';\n';\n{trigger}SELECT\n  3;\n"

    assert ["SELECT ';\n';\n", trigger, "SELECT\n  3;\n"] == list(statements(script))
