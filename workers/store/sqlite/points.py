"""The points of running optimisations in the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.store.points import appended, read_points
from workers.store.sqlite.rows import key
from workers.store.sqlite.statements import QUERIES, SQL, statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from workers.store.values import Point


def keep_points(connection: sqlite3.Connection, job_id: str, points: Sequence[Point]) -> None:
    """Keep points of the attempt that runs, in place of those of the same and of later steps."""
    if not has_points(connection):
        for statement in statements((SQL / "points.sql").read_text(encoding="utf-8")):
            connection.execute(statement)
    row = connection.execute(QUERIES["points_by_id"], {"id": key(job_id)}).fetchone()
    records = appended(row["records"] or b"", points)
    connection.execute(QUERIES["keep_points"], {"number": row["number"], "records": records})


def points_of(connection: sqlite3.Connection, job_ids: Sequence[str]) -> dict[str, tuple[Point, ...]]:
    """Read the points of running jobs, by job id; a job without any is omitted."""
    if not has_points(connection):
        return {}
    found = {}
    for job_id in job_ids:
        row = connection.execute(QUERIES["points_by_id"], {"id": key(job_id)}).fetchone()
        if row and row["records"]:
            found[job_id] = read_points(row["records"])
    return found


def has_points(connection: sqlite3.Connection) -> bool:
    """Whether the store has the table of points."""
    return connection.execute(QUERIES["has_points"]).fetchone() is not None
