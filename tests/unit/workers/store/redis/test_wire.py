"""Over a plain socket: the same answers as over redis-py, without loading it."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import by_client
from tests.support.stores import (
    ADA,
    BOB,
    artifact,
    beat,
    claim,
    claimant,
    ended_at,
    failed,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.job import JobState
from workers.store.opening import open_store
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Artifact, Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READS: dict[str, Callable[[RedisStore, list[str]], object]] = {
    "get": lambda store, ids: store.get(ids[0]),
    "get_many": lambda store, ids: store.get_many([*ids, "f" * 32]),
    "spec": lambda store, ids: store.spec(ids[0]),
    "outcomes": lambda store, ids: store.outcomes(ids),
    "outcome": lambda store, ids: store.outcome(ids[0], 1),
    "files": lambda store, ids: [made.path for made in store.files(ids[0])],
    "kept_attempts": lambda store, _: store.kept_attempts(),
    "attempts": lambda store, ids: [store.attempts(job_id) for job_id in ids],
    "artifacts": lambda store, ids: store.artifacts(ids[0]),
    "artifact": lambda store, ids: store.artifact(ids[0], "opt.xyz"),
    "with_numbers": lambda store, _: store.with_numbers(1, 4),
    "with_prefix": lambda store, ids: store.with_prefix(ids[0][:4]),
    "last": lambda store, _: (store.last(ADA), store.last(BOB)),
    "page": lambda store, _: [store.page(Query(sort=sort)) for sort in SortKey],
    "filtered page": lambda store, _: store.page(Query(owner=ADA, name_glob="a*", limit=1)),
    "counts": lambda store, _: (store.counts(), store.counts(owner=ADA), store.counts(batch="x")),
    "events": lambda store, _: store.events("0"),
    "no events": lambda store, _: store.events(store.events(None).cursor, wait_s=0.05),
    "workers": lambda store, _: [seen.beat for seen in store.workers()],
    "health": lambda store, _: (store.health(), store.kind, store.where),
}

SCRIPT = """
import sys
from pathlib import Path
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Query
store = open_store(StoreSettings(sys.argv[1], "nox:", Path(sys.argv[2])))
assert [store.get(sys.argv[3])] == list(store.page(Query()).items)
store.counts(), store.workers(), store.outcomes([sys.argv[3]]), store.health(), store.last("ada")
store.events(store.events(None).cursor, wait_s=0.01)
store.close()
print(sorted({"redis", "pydantic", "asyncio", "ssl", "sqlite3"} & sys.modules.keys()))
"""


@pytest.fixture
def settings(home: Path, redis_url: str) -> StoreSettings:
    """A store with a bit of everything in it."""
    return StoreSettings(redis_url, "nox:", home)


@pytest.fixture
def ids(settings: StoreSettings) -> list[str]:
    """Jobs in several states, with results, attempts and artifacts."""
    store = open_store(settings)
    store.tick(beat())
    done, broken, lost = submit_named(store, "a ab b", batch="x", tags={"k": "\N{SNOWMAN}"})
    submit(store, new_job("c", owner=BOB, priority=-1))
    outside = Artifact("trajectory.xyz", 1, "0" * 64, "text/plain", host="node07", path="/there")
    run_to_end(
        store,
        done,
        outcome(artifacts=(artifact("opt.xyz"), outside), progress=ended_at(-1.5)),
    )
    run_to_end(store, broken, failed())
    store.give_back(claim(store, owner=ADA).lease, "drained")
    claim(store, owner=ADA)
    store.close()
    return [done, broken, lost]


@pytest.fixture
def plain(settings: StoreSettings, ids: list[str]) -> Iterator[RedisStore]:
    """The same store over a plain socket."""
    assert ids
    opened = RedisStore.open(settings)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", READS)
def test_wire_both_connections_read_the_same(
    settings: StoreSettings, plain: RedisStore, ids: list[str], name: str
) -> None:
    """
    What redis-py reads, the plain socket reads too.
    """
    store = RedisStore.open(settings._replace(redis_url=by_client(settings.redis_url or "")))
    read = READS[name](store, ids)
    store.close()

    assert read == READS[name](plain, ids)
    assert read


def test_looking_up_loads_no_redis_py(settings: StoreSettings, ids: list[str]) -> None:
    """
    Looking a job up costs no import of redis-py, nor of anything else that is slow.
    """
    (other,) = ids[:1]
    store = open_store(settings)
    store.cancel(store.with_numbers(1, 100), owner=None)
    number = store.get(other).number
    store.close()
    command = [sys.executable, "-c", SCRIPT.replace("Query()", f"Query(limit={number}, descending=False)")]
    words = [settings.redis_url or "", str(settings.home), other]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=60)

    assert ("[]\n", "") == (done.stdout, done.stderr)


def test_the_lighter_connection_can_do_everything(plain: RedisStore) -> None:
    """
    The lighter connection is no other store: every operation works over it.
    """
    (job_id,) = submit(plain, new_job("new", priority=50))
    found = plain.claim(claimant())

    assert found is not None
    assert job_id == found.job.id
    plain.finish(found.lease, outcome())
    assert JobState.DONE is plain.get(job_id).state
    many = [new_job() for _ in range(650)]
    assert [job.id for job in many] == [word.job_id for word in plain.submit(many, submission="many")]


def test_a_store_that_nobody_closed_lets_its_connections_go(settings: StoreSettings) -> None:
    """
    A store that is forgotten closes its sockets with itself, and nothing is said of them.
    """
    store = RedisStore.open(settings)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del store
        gc.collect()

    assert [] == [str(one.message) for one in told]
