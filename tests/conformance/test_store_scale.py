"""What a store does for one question does not grow with the jobs that it holds."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import redis

from tests.support.stores import ADA, claim, claimant, new_job, outcome, submit
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from workers.store.base import Store
    from workers.store.settings import StoreSettings

FEW, MANY = 500, 10_000
ENDED = 40
# How much more may be done with twenty times the jobs: a tree is a level deeper, a list begins elsewhere.
GROWTH = 1.5


class Effort:
    """Counts what the program of a store does: SQLite its instructions, Redis its commands and bytes told."""

    def __init__(self, settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
        self._url = settings.redis_url
        self._steps = 0
        connect = sqlite3.connect

        def counting(*args: Any, **options: Any) -> sqlite3.Connection:
            made: sqlite3.Connection = connect(*args, **options)
            made.set_progress_handler(self._step, 1)
            return made

        monkeypatch.setattr(sqlite3, "connect", counting)

    def _step(self) -> int:
        self._steps += 1
        return 0

    def of(self, act: Callable[[], object]) -> int:
        """Count while something is done."""
        if self._url is None:
            before = self._steps
            act()
            return self._steps - before
        with redis.Redis.from_url(self._url) as client:
            client.config_resetstat()
            act()
            calls = sum(one["calls"] for one in client.info("commandstats").values())
            return int(calls + client.info("stats")["total_net_output_bytes"] // 100)


def questions(store: Store) -> Mapping[str, Callable[[], object]]:
    """Say what is asked of a store from day to day."""
    waiting, ended = frozenset({JobState.QUEUED}), frozenset({JobState.DONE})
    middle = store.with_numbers(FEW // 2, FEW // 2)[0]

    def run_one() -> None:
        store.finish(claim(store).lease, outcome(), claimant())

    return {
        "submit": lambda: submit(store, new_job(batch="b")),
        "claim and finish": run_one,
        "newest 20": lambda: store.page(Query(owner=ADA, limit=20)),
        "newest 20 waiting": lambda: store.page(Query(states=waiting, limit=20)),
        "newest 20 of a batch": lambda: store.page(Query(batch="b", limit=20)),
        "last 20 that ended": lambda: store.page(Query(states=ended, sort=SortKey.ENDED, limit=20)),
        "counts": lambda: (store.counts(), store.counts(owner=ADA), store.counts(batch="b")),
        "one job": lambda: (store.get(middle), store.spec(middle), store.outcomes([middle])),
        "kept attempts": store.kept_attempts,
        "by prefix": lambda: store.with_prefix(middle[:8]),
        "by numbers": lambda: store.with_numbers(10, 30),
    }


def fill(store: Store, count: int) -> None:
    """Submit jobs, in bulk."""
    store.submit([new_job(batch="b") for _ in range(count)], submission=uuid4().hex)


def test_store_scale_more_jobs_are_no_more_work(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With ten thousand jobs a submit, a claim, a list, a status and counts take what they take with few.
    """
    effort = Effort(settings, monkeypatch)
    store = open_store(settings)
    fill(store, FEW)
    for _ in range(ENDED):
        store.finish(claim(store).lease, outcome())
    asked = questions(store)
    few: dict[str, int] = {}
    for name, ask in asked.items():
        ask()  # what is paid once
        few[name] = effort.of(ask)
    fill(store, MANY - FEW)
    many = {name: effort.of(ask) for name, ask in asked.items()}
    store.close()

    assert all(few.values()), few
    assert {} == {name: (few[name], many[name]) for name in few if many[name] > GROWTH * few[name]}
