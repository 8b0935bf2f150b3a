"""Orders to a keeper: they are for the child they name."""

from __future__ import annotations

import os
import signal

from tests.support.waiting import wait_until
from workers.keeper.link import KeeperLink

ENTRY = "tests.standin.engine"


def test_an_order_for_a_child_that_died_meanwhile_spares_the_next() -> None:
    """
    A child dies while the worker orders its end; the one that follows, and the job it may have, live on: what
    ends it is the order for itself, which comes after.
    """
    link = KeeperLink(ENTRY, 1, frozenset())
    try:
        wait_until(lambda: link.hear() and link.child is not None, 30.0, "the first child")
        first = link.child
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: link.hear() and link.child not in {None, first}, 30.0, "the second child")
        second, link.child, link.dead = link.child, first, None
        link.signal("KILL")
        link.child = second
        link.signal("TERM")
        wait_until(lambda: link.hear() and link.dead is not None, 30.0, "its end")

        assert link.dead is not None
        assert signal.SIGTERM == os.WTERMSIG(int(link.dead["died"]))
    finally:
        link.close()
