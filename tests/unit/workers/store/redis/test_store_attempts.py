"""What Redis keeps of earlier attempts: a limited part of each, counted rightly."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.stores import (
    artifact,
    beat,
    claim,
    failed,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from tests.support.vandal import vandal_of
from workers.job import JobState, Reason
from workers.result import NOTHING, OutcomeRecord
from workers.store import base
from workers.store.base import KEPT_BYTES
from workers.store.settings import StoreSettings
from workers.store.values import KeptAttempts

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from workers.store.redis.store import RedisStore
    from workers.store.values import Outcome

# Of an artifact that fits into the share of a job's artifacts, and does not compress.
LARGE_BYTES = 60_000


@pytest.fixture
def settings(home: Path, redis_url: str) -> StoreSettings:
    """Where an empty store is."""
    return StoreSettings(redis_url, "nox:", home)


def numbers(count: int) -> str:
    """Write an outcome of many numbers, which compresses to a third."""
    return '{{"attempt": 1, "numbers": [{}]}}'.format(", ".join(str(number / 7) for number in range(count)))


def noise(size: int) -> str:
    """Write an outcome that compresses to half its length, `size` bytes."""
    return f'{{"attempt": 1, "noise": "{os.urandom(size).hex()}"}}'


def end_as_earlier(store: RedisStore, settings: StoreSettings, how: str, text: str) -> str:
    """Let an attempt with a large and a small artifact become an earlier one that is not shown; its job."""
    files = (artifact("trajectory.xyz", os.urandom(LARGE_BYTES).hex()), artifact("opt.xyz", "small"))
    end: Any = {"outcome_json": text, "artifacts": files}
    if how == "retried":
        (job_id,) = submit(store, new_job("a", retries=1, retry_on=frozenset({Reason.SCF})))
        run_to_end(store, job_id, failed(Reason.SCF, **end))
        vandal_of(settings).fall_due(job_id)
        store.tick(beat())
    else:
        (job_id,) = submit_named(store, "a")
        run_to_end(store, job_id, failed(**end) if how == "failed" else outcome(**end))
        store.retry([job_id], owner=None, done=True)
    if how == "superseded":
        run_to_end(store, job_id)
    return job_id


def held_bytes(client: redis.Redis, job_id: str) -> int:
    """Add up all that Redis holds of a job's earlier attempts."""
    return sum(len(value) for value in client.hgetall(f"nox:earlier:{job_id}").values())


@pytest.mark.parametrize("how", ["retried", "failed", "superseded"])
def test_contents_are_dropped_first_the_largest_before_others(
    store: RedisStore, settings: StoreSettings, client: redis.Redis, how: str
) -> None:
    """
    A long outcome is compressed and stays, to the byte; what was dropped is known and marked.
    """
    text = numbers(6_000)
    assert len(text) > KEPT_BYTES
    job_id = end_as_earlier(store, settings, how, text)

    assert text == store.outcome(job_id, 1)
    assert {"opt.xyz": False, "trajectory.xyz": True} == {
        made.name: made.dropped for made in store.artifacts(job_id, 1)
    }
    large = store.artifact(job_id, "trajectory.xyz", 1)
    assert (True, None, 2 * LARGE_BYTES) == (large.dropped, large.content, large.size)
    assert artifact("opt.xyz", "small") == store.artifact(job_id, "opt.xyz", 1)
    assert 0 < held_bytes(client, job_id) <= KEPT_BYTES + 100
    assert store.kept_attempts().bytes <= KEPT_BYTES


@pytest.mark.parametrize("how", ["retried", "failed", "superseded"])
def test_an_outcome_that_is_too_long_even_compressed_makes_way_for_a_note(
    store: RedisStore, settings: StoreSettings, client: redis.Redis, how: str
) -> None:
    """
    The note reads as the record of an outcome, and says what was dropped.
    """
    job_id = end_as_earlier(store, settings, how, noise(KEPT_BYTES))
    note = msgspec.json.decode(store.outcome(job_id, 1) or "", type=OutcomeRecord)

    assert (1, NOTHING, None) == (note.attempt, note.result, note.failure)
    assert "redis keeps at most 65536 of an earlier attempt, and dropped it" in note.warnings[0]
    assert {True} == {made.dropped for made in store.artifacts(job_id, 1)}
    assert 0 < held_bytes(client, job_id) <= 1_000


def test_an_outcome_is_compressed_once(store: RedisStore, settings: StoreSettings) -> None:
    """
    One that is too long even so is shown whole however often its job is cancelled and runs again.
    """
    text = noise(KEPT_BYTES)
    job_id = end_as_earlier(store, settings, "done", text)
    for _ in range(3):
        assert text == store.outcomes([job_id])[job_id]
        store.cancel([job_id], owner=None)
        store.retry([job_id], owner=None)

    assert KeptAttempts(0, 0, 0) == store.kept_attempts()


def test_a_client_that_ends_before_it_compresses_costs_the_bound_nothing(
    store: RedisStore, settings: StoreSettings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The outcome stays as it is until the next attempt has ended; then it makes way for a note.
    """
    monkeypatch.setattr(store, "_pack", lambda _: None)
    job_id = end_as_earlier(store, settings, "failed", numbers(6_000))
    assert numbers(6_000) == store.outcome(job_id, 1)
    run_to_end(store, job_id, failed(outcome_json='{"attempt": 2}'))
    store.retry([job_id], owner=None)

    assert "dropped it" in (store.outcome(job_id, 1) or "")
    assert held_bytes(client, job_id) <= KEPT_BYTES + 100


def again(store: RedisStore, job_id: str, end: Outcome) -> None:
    """Run an ended job again, to its end."""
    store.retry([job_id], owner=None, done=True)
    run_to_end(store, job_id, end)


@pytest.mark.parametrize("value", ["banana", "-5", "1e300", ""])
@pytest.mark.parametrize("field", ["jobs", "attempts", "bytes"])
def test_sums_that_are_no_numbers_are_added_up_again(
    store: RedisStore, client: redis.Redis, field: str, value: str
) -> None:
    """
    Jobs end and run again all the same, and the next of them sets the sums right.
    """
    ids = []
    for name in ("a", "b"):
        ids += submit_named(store, name)
        run_to_end(store, ids[-1])
        again(store, ids[-1], outcome())
    before = store.kept_attempts()
    assert (2, 2) == (before.jobs, before.attempts)
    client.hset("nox:kept", field, value)
    (job_id,) = submit_named(store, "c")
    run_to_end(store, job_id)
    again(store, job_id, outcome())

    assert KeptAttempts(3, 3, before.bytes // 2 * 3) == store.kept_attempts()


@pytest.mark.parametrize("name", ["kept", "earlier"])
def test_store_attempts_something_else_in_place_of_a_key_holds_nobody_up(
    store: RedisStore, client: redis.Redis, name: str
) -> None:
    """
    A job ends and runs again; what stood there is gone.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id)
    again(store, job_id, outcome())
    key = "nox:kept" if name == "kept" else f"nox:earlier:{job_id}"
    client.delete(key)
    client.set(key, "banana")
    assert [job_id] == list(store.outcomes([job_id]))
    for _ in range(2):
        again(store, job_id, outcome())

    assert JobState.DONE is store.get(job_id).state
    assert (1, 3 if name == "kept" else 2) == (store.kept_attempts().jobs, store.kept_attempts().attempts)


def test_the_list_of_attempts_is_bounded(
    store: RedisStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Redis holds no more of it than is shown.
    """
    monkeypatch.setattr(base, "LISTED_ATTEMPTS", 3)
    (job_id,) = submit_named(store, "a")
    for _ in range(5):
        store.give_back(claim(store).lease, "drained", had_time=False)

    assert 3 == client.llen(f"nox:attempts:{job_id}")
    assert [3, 4, 5] == [tried.number for tried in store.attempts(job_id)]
