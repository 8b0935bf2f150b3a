"""The local store's change stream.  A cursor is the number of the last event that was read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workers.errors import UsageError
from workers.store.sqlite.rows import event
from workers.store.sqlite.statements import QUERIES
from workers.store.values import Events

if TYPE_CHECKING:
    import sqlite3

    from workers.store.sqlite.database import Database

# How often a waiting reader looks; one look takes about 0.03 ms.
LOOK_EVERY_S = 0.015
_CURSOR_DIGITS = 18


def events(database: Database, cursor: str | None, limit: int, wait_s: float) -> Events:
    """Read the stream after a cursor, waiting for the first event if asked to.

    Raises:
        UsageError: the cursor is not one of this store's.
    """
    until = time.monotonic() + wait_s
    while True:
        with database.read() as connection:
            found = _after(connection, cursor, limit)
        if found.items or found.truncated or time.monotonic() >= until:
            return found
        cursor = found.cursor
        time.sleep(min(LOOK_EVERY_S, max(0.0, until - time.monotonic())))


def _after(connection: sqlite3.Connection, cursor: str | None, limit: int) -> Events:
    kept = connection.execute(QUERIES["events_kept"]).fetchone()
    oldest, newest = kept["oldest"] or 0, kept["newest"] or 0
    after = newest if cursor is None else _place(cursor, newest)
    rows = connection.execute(QUERIES["events_after"], {"after": after, "limit": limit})
    items = tuple(event(row) for row in rows)
    return Events(items, items[-1].cursor if items else str(after), truncated=0 < after < oldest - 1)


def _place(cursor: str, newest: int) -> int:
    is_number = cursor.isascii() and cursor.isdigit() and len(cursor) <= _CURSOR_DIGITS
    if not is_number or int(cursor) > newest:
        raise UsageError(
            f"the event cursor {cursor!r} is not one of this store's",
            hint="begin with 0, or without a cursor",
        )
    return int(cursor)
