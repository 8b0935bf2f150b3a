"""Stops processes where no other process waits for them: not within a step of the local store."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

LIMIT_S = 60.0


def freeze(process: subprocess.Popen[Any], database: Path | None) -> None:
    """Stop a child process; it has stopped when this returns.

    Args:
        process: which one; SIGCONT lets it go on.
        database: the local store it writes to, which it holds in no step then; None: it writes to none.
    """

    def is_frozen() -> bool:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        if database is None or is_free(database):
            return True
        process.send_signal(signal.SIGCONT)
        return False

    wait_until(is_frozen, LIMIT_S, "the end of a step of the store")


def is_free(database: Path) -> bool:
    """Whether no process writes to a local store now; one that does not exist is free."""
    if not database.exists():
        return True
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True
