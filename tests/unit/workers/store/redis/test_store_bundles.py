"""Claims and ends of several jobs in Redis: one command, which may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import by_client
from tests.support.stores import WORKER, beat, claimant, new_job, outcome, submit, submit_named
from workers.errors import StoreUnreachable
from workers.job import JobState
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings
from workers.store.values import Ahead, AttemptEnd, Claim

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from tests.support.proxy import Proxy

# Keys that a group of ends and claims needs.
TAKEN = (
    "meta", "count", "count:batch:x", "events", "served", "state:running", "state:done", "ended", "leases",
    "shapes:", f"slots:{WORKER}", "ready:ada\x1f\x1f1\x1f0\x1f0\x1fecho",
)  # fmt: skip


@pytest.fixture(params=["socket", "client"])
def opened(request: pytest.FixtureRequest, proxy: Proxy, home: Path) -> Iterator[RedisStore]:
    """A store over either kind of connection, through a wire that may be cut."""
    url = proxy.url if request.param == "socket" else by_client(proxy.url)
    store = RedisStore.open(StoreSettings(url, "nox:", home))
    yield store
    store.close()


def bundle(store: RedisStore, many: int = 4) -> list[AttemptEnd]:
    """Claim jobs for one slot, and say that they have ended and that it takes others."""
    ahead = [Ahead(held, "echo", "echo", 0) for held in range(1, many)]
    asked = [claimant(slot=slot, ahead=one) for slot, one in enumerate([None, *ahead])]
    held = [found for found in store.claim_several(asked) if found is not None]
    assert many == len(held)
    return [
        AttemptEnd(one.lease, outcome(), claimant(slot=slot, ahead=Ahead(1, "echo", "echo", 0)))
        for slot, one in enumerate(held)
    ]


def called(client: redis.Redis) -> int:
    """Count the scripts that the server was asked to run."""
    told = client.info("commandstats")
    return sum(told.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def test_a_group_is_one_command(opened: RedisStore, client: redis.Redis) -> None:
    """
    However many jobs end and are claimed, the worker waits once.
    """
    submit_named(opened, " ".join("abcdefghijklmnop"))
    opened.finish_several(bundle(opened))
    endings = bundle(opened)
    before = called(client)
    opened.finish_several(endings, endings[0].lease)

    assert before + 1 == called(client)


def test_a_group_whose_reply_was_lost_is_repeated(
    opened: RedisStore, proxy: Proxy, client: redis.Redis
) -> None:
    """
    The connection is cut once it was recorded: the same group again has the same claims and changes nothing.
    """
    submit_named(opened, " ".join("abcdefghijkl"))
    endings = bundle(opened)
    proxy.lose_replies(b"EVALSHA")
    with pytest.raises(StoreUnreachable):
        opened.finish_several(endings)
    proxy.lose_replies(b"", every=0)
    events = client.xlen("nox:events")
    found = opened.finish_several(endings)

    assert ["e", "f", "g", "h"] == [one.job.name for one in found if isinstance(one, Claim)]
    assert events == client.xlen("nox:events")
    assert {JobState.DONE: 4, JobState.RUNNING: 4, JobState.QUEUED: 4} == dict(opened.counts())


def test_a_group_that_never_arrived_is_repeated(opened: RedisStore, proxy: Proxy) -> None:
    """
    The connection is cut before: the same group again is recorded.
    """
    submit_named(opened, " ".join("abcdefghijkl"))
    endings = bundle(opened)
    proxy.refuse()
    with pytest.raises(StoreUnreachable):
        opened.finish_several(endings)
    proxy.let_go()

    assert 4 == sum(isinstance(one, Claim) for one in opened.finish_several(endings))


def test_a_group_is_known_again_after_a_restart(opened: RedisStore, client: redis.Redis) -> None:
    """
    A server that has forgotten the scripts gets them anew.
    """
    submit_named(opened, " ".join("abcdefghijkl"))
    client.script_flush()
    endings = bundle(opened)
    client.script_flush()

    assert 4 == sum(isinstance(one, Claim) for one in opened.finish_several(endings))


@pytest.mark.parametrize("key", TAKEN)
def test_a_group_repairs_what_it_needs(opened: RedisStore, client: redis.Redis, key: str) -> None:
    """
    A key that another program has taken stops no end and no claim, and no job is counted twice.
    """
    submit(opened, *(new_job(one, batch="x") for one in "abcdefghijkl"))
    endings = bundle(opened)
    client.set(f"nox:{key}", "banana")
    found = opened.finish_several(endings)

    assert 4 == sum(isinstance(one, Claim) for one in found)
    wanted = {JobState.DONE: 4, JobState.RUNNING: 4, JobState.QUEUED: 4}
    assert wanted == dict(opened.counts()) == dict(opened.counts(batch="x"))
    assert [] == opened.audit()


def test_claims_ahead_ring_for_what_they_leave(opened: RedisStore, client: redis.Redis) -> None:
    """
    The bell rings for other slots as long as jobs are ready; a claim that is refused rings for none.
    """
    opened.tick(beat())
    submit_named(opened, "a b c d")
    client.delete("nox:bell")
    assert opened.claim(claimant(ahead=Ahead(9, "echo", "echo", 0))) is None
    assert 0 == client.exists("nox:bell")

    assert opened.claim(claimant(ahead=Ahead(1, "echo", "echo", 0)))
    assert 1 == client.exists("nox:bell")
