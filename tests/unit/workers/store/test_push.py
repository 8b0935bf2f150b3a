"""Handing jobs from the local store to Redis: what goes, what stays, and what each of them is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import POSITIONS, SYMBOLS
from tests.support.redis_server import RedisServer
from tests.support.stores import ADA, BOB, claim, failed, new_job, outcome, submit, submit_named
from workers.errors import StoreUnreachable
from workers.job import Condition, IfExists, JobState, Parent, Reason
from workers.store.opening import open_local, open_redis
from workers.store.push import Mover
from workers.store.settings import StoreSettings
from workers.store.values import Query, Revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from workers.job import Job
    from workers.store.redis.store import RedisStore
    from workers.store.sqlite.store import SqliteStore

FAR_MS = 4_102_444_800_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that syncs its file at once: jobs end here only once it has."""
    started = RedisServer(tmp_path_factory.mktemp("redis"), appendfsync="always")
    yield started
    started.close()


@pytest.fixture
def settings(home: Path, server: RedisServer) -> StoreSettings:
    """A local store and a Redis, both empty."""
    with server.client() as client:
        client.flushall()
    return StoreSettings(server.url, "nox:", home)


@pytest.fixture
def local(settings: StoreSettings) -> Iterator[SqliteStore]:
    """The local store."""
    opened = open_local(settings)
    yield opened
    opened.close()


@pytest.fixture
def redis(settings: StoreSettings) -> Iterator[RedisStore]:
    """The Redis."""
    opened = open_redis(settings)
    yield opened
    opened.close()


class Cut(BaseException):
    """The end of a process in the middle of handing over."""


def push(local: SqliteStore, redis: RedisStore, *job_ids: str) -> dict[str, str]:
    """Hand jobs over; which job each of them is in Redis."""
    return {one.job_id: one.job_id_there for part in Mover(local, redis).move(job_ids) for one in part}


def push_cut(local: SqliteStore, redis: RedisStore, *job_ids: str, stored: bool) -> None:
    """Hand jobs over and end before, or after, Redis has stored them."""
    submit_really = redis.submit

    def cut(*args: object, **options: object) -> None:
        if stored:
            submit_really(*args, **options)  # type: ignore[arg-type]
        raise Cut

    redis.submit = cut  # type: ignore[method-assign,assignment]
    with pytest.raises(Cut):
        push(local, redis, *job_ids)
    redis.submit = submit_really  # type: ignore[method-assign]


def how(job: Job) -> tuple[JobState, Reason | None]:
    """The state of a job and why."""
    return job.state, job.reason


MOVED = (JobState.CANCELLED, Reason.MOVED)
UNDER_WAY = (JobState.HELD, Reason.MOVED)


def test_push_what_a_job_is_stays(local: SqliteStore, redis: RedisStore) -> None:
    """
    Whatever was asked of a job, and what it waits for, is in Redis; here it ends as moved.
    """
    submit(redis, new_job("other"))
    asked = new_job(
        "x", owner=BOB, priority=7, cores=2, memory_bytes=2**30, time_limit_s=60, batch="b", tags={"k": "v"},
        retries=2, retry_on=frozenset({Reason.SCF}), unique="key", formula="H2O", atoms=3,
    )  # fmt: skip
    held = new_job("held", held=True)
    later = new_job("later", begin_ms=FAR_MS)
    child = new_job("child", parents=(Parent(asked.id, Condition.ENDED),), begin_ms=FAR_MS, held=True)
    ids = submit(local, asked, held, later, child)
    before = local.get_many(ids)

    assert {job_id: job_id for job_id in ids} == push(local, redis, *ids)
    after = redis.get_many(ids)
    assert [2, 3, 4, 5] == [job.number for job in after]
    assert ["queued", "held", "scheduled", "held"] == [job.state for job in after]
    for name in (
        "owner", "priority", "cores", "memory_bytes", "time_limit_s", "batch", "tags", "retries", "retry_on",
        "formula", "atoms", "name", "due_ms", "parents", "unended",
    ):  # fmt: skip
        assert [getattr(job, name) for job in before] == [getattr(job, name) for job in after], name
    assert local.specs(ids) == redis.specs(ids)
    assert [Parent(asked.id, Condition.ENDED)] == redis.parents(child.id)
    assert {MOVED} == {how(job) for job in local.get_many(ids)}
    again = new_job("again", unique="key", owner=BOB)
    assert [asked.id] == submit(redis, again)


def test_push_what_waits_for_one_another_goes_together(local: SqliteStore, redis: RedisStore) -> None:
    """
    Naming one job of a family takes its parents, its children and theirs along, and no other.
    """
    top, alone = submit_named(local, "top alone")
    (middle,) = submit(local, new_job("middle", parents=(Parent(top),)))
    (bottom,) = submit(local, new_job("bottom", parents=(Parent(middle),)))

    assert {top, middle, bottom} == set(push(local, redis, middle))
    assert JobState.QUEUED is local.get(alone).state
    assert ["queued", "blocked", "blocked"] == [job.state for job in redis.get_many([top, middle, bottom])]


def test_a_family_of_a_running_job_stays(local: SqliteStore, redis: RedisStore) -> None:
    """
    While a parent runs here all that wait with its child stay, and it is said why; then they go, the
    dependency met.
    """
    (first,) = submit_named(local, "first")
    lease = claim(local).lease
    (other,) = submit_named(local, "other")
    (child,) = submit(local, new_job("child", parents=(Parent(first), Parent(other))))
    mover = Mover(local, redis)

    assert [] == [one for part in mover.move([child]) for one in part]
    assert {child, other} == set(mover.stays)
    assert {"job 1 runs here: push again once it has ended"} == {one.why for one in mover.stays.values()}
    assert ["queued", "blocked"] == [job.state for job in local.get_many([other, child])]

    local.finish(lease, outcome())
    push(local, redis, child)
    assert [Parent(other)] == redis.parents(child)


def test_jobs_that_do_not_wait_are_passed_over(local: SqliteStore, redis: RedisStore) -> None:
    """
    Running and ended jobs, and those reserved for `nox run`, are not handed over.
    """
    ended, running, reserved = submit(
        local, new_job("ended"), new_job("running"), new_job("reserved", lane="host-1-a")
    )
    local.finish(claim(local).lease, failed())
    claim(local)
    mover = Mover(local, redis)

    assert [] == [one for part in mover.move([ended, running, reserved]) for one in part]
    assert [reserved] == list(mover.stays)
    assert () == redis.page(Query()).items


@pytest.mark.parametrize("stored", [False, True])
def test_push_nobody_has_a_job_on_its_way(local: SqliteStore, redis: RedisStore, *, stored: bool) -> None:
    """
    Cut before or after Redis stored it, a job is nobody's here: not run, released, changed, cancelled; the
    next push ends the way, and it is there once.
    """
    parent, other = submit_named(local, "parent other")
    (child,) = submit(local, new_job("child", parents=(Parent(parent),)))
    push_cut(local, redis, child, stored=stored)
    ids = [parent, child]

    assert {UNDER_WAY} == {how(job) for job in local.get_many(ids)}
    assert other == claim(local).job.id
    assert not any(one.changed for one in local.release(ids, owner=None))
    assert not any(one.changed for one in local.revise(ids, Revision(priority=3), owner=None))
    local.cancel(ids, owner=None)
    assert {UNDER_WAY} == {how(job) for job in local.get_many(ids)}
    assert 2 * stored == len(redis.page(Query()).items)

    assert set(ids) == set(push(local, redis))
    assert {MOVED} == {how(job) for job in local.get_many(ids)}
    assert not any(one.changed for one in local.retry(ids, owner=None))
    assert set(ids) == {job.id for job in redis.page(Query()).items}
    assert {} == push(local, redis, *ids)


def test_a_child_that_came_late_goes_along(local: SqliteStore, redis: RedisStore) -> None:
    """
    A job submitted to wait for one that is on its way is not cancelled by its end here: it goes along, or,
    while it cannot, the other's way does not end.
    """
    parent, other = submit_named(local, "parent other")
    push_cut(local, redis, parent, stored=True)
    running = claim(local)
    assert other == running.job.id
    (child,) = submit(local, new_job("child", parents=(Parent(parent), Parent(other))))

    assert {} == push(local, redis)
    assert [UNDER_WAY, (JobState.BLOCKED, None)] == [how(job) for job in local.get_many([parent, child])]

    local.finish(running.lease, outcome())
    assert {parent, child} == set(push(local, redis))
    assert {MOVED} == {how(job) for job in local.get_many([parent, child])}
    assert JobState.BLOCKED is redis.get(child).state


def test_push_another_job_stands_for_one_under_its_key(local: SqliteStore, redis: RedisStore) -> None:
    """
    Where Redis has a job under the same unique key, none is stored; the child waits for that one.
    """
    (there,) = submit(redis, new_job("there", unique="key"))
    (here,) = submit(local, new_job("here", unique="key", if_exists=IfExists.NEW))
    (child,) = submit(local, new_job("child", parents=(Parent(here),)))

    assert {here: there, child: child} == push(local, redis, here)
    assert [Parent(there)] == redis.parents(child)
    assert MOVED == how(local.get(here))


def test_a_geometry_is_handed_on(local: SqliteStore, redis: RedisStore) -> None:
    """
    A job that starts from another's final geometry gets it from a parent that ended here; where the parent
    goes along, or another stands for it there, it waits for that one's.
    """

    def start_from(parent: str) -> str:
        structure = {"symbols": SYMBOLS, "positions_angstrom": POSITIONS}
        spec = {"structure": structure, "source": {"job": parent}, "awaits_geometry": True}
        parents = (Parent(parent, Condition.RESULT),)
        return submit(local, new_job(spec_json=json.dumps(spec), parents=parents))[0]

    (ended,) = submit_named(local, "ended")
    moved = {"result": {"symbols": SYMBOLS, "positions_angstrom": [[9.0, 0.0, 0.0], *POSITIONS[1:]]}}
    local.finish(claim(local).lease, outcome(outcome_json=json.dumps(moved)))
    (there,) = submit(redis, new_job("there", unique="key"))
    (stood_for,) = submit(local, new_job("here", unique="key"))
    (along,) = submit_named(local, "along")
    children = [start_from(parent) for parent in (ended, stood_for, along)]
    push(local, redis, *children)
    specs = [json.loads(redis.spec(child)) for child in children]

    assert [False, True, True] == [spec["awaits_geometry"] for spec in specs]
    assert moved["result"]["positions_angstrom"] == specs[0]["structure"]["positions_angstrom"]
    assert [ended, there, along] == [spec["source"]["job"] for spec in specs]


def test_push_only_the_redis_a_job_set_off_to_gets_it(
    local: SqliteStore, redis: RedisStore, settings: StoreSettings, fresh_redis: StartRedis
) -> None:
    """
    A push to another Redis leaves what is on its way to the first, and says where that lies.
    """
    (job,) = submit_named(local, "x")
    push_cut(local, redis, job, stored=True)
    second = open_redis(StoreSettings(fresh_redis().url, "nox:", settings.home))
    mover = Mover(local, second)

    assert [] == [one for part in mover.move([job]) for one in part]
    assert {redis.where: 1} == mover.elsewhere
    second.close()
    assert {job: job} == push(local, redis)


def test_waiting_for_push_is_not_held_there(local: SqliteStore, redis: RedisStore) -> None:
    """
    A job that was stored here until it can be handed over is queued in Redis, and released it runs here.
    """
    pushed, released, held = submit(
        local, new_job("p", awaits_move=True), new_job("r", awaits_move=True), new_job("h", held=True)
    )
    assert UNDER_WAY == how(local.get(pushed))
    local.release([released], owner=ADA)
    assert (JobState.QUEUED, None) == how(local.get(released))
    push(local, redis, pushed, held)

    assert [JobState.QUEUED, JobState.HELD] == [job.state for job in redis.get_many([pushed, held])]


def test_a_redis_that_keeps_nothing_on_disk_is_told(
    local: SqliteStore, settings: StoreSettings, fresh_redis: StartRedis
) -> None:
    """
    Jobs go to a Redis without an append-only file too, and the risk is said.
    """
    redis = open_redis(StoreSettings(fresh_redis(appendonly="no").url, "nox:", settings.home))
    (job,) = submit_named(local, "x")
    mover = Mover(local, redis)

    assert [job] == [one.job_id for part in mover.move([job]) for one in part]
    assert "keeps no append-only file" in mover.risk
    redis.close()


def test_a_redis_that_is_gone_leaves_all_here(
    local: SqliteStore, settings: StoreSettings, fresh_redis: StartRedis
) -> None:
    """
    A Redis that dies once jobs have set off gets them when it is back.
    """
    server = fresh_redis()
    redis = open_redis(StoreSettings(server.url, "nox:", settings.home))
    ids = submit_named(local, "x y")
    mover = Mover(local, redis)
    server.kill()
    with pytest.raises(StoreUnreachable):
        list(mover.move(ids))
    assert {UNDER_WAY} == {how(job) for job in local.get_many(ids)}
    server.start()

    assert set(ids) == set(push(local, redis))
    redis.close()


def test_jobs_are_recalled_from_a_redis_that_is_gone(local: SqliteStore, redis: RedisStore) -> None:
    """
    What set off to a Redis that is gone for good is held here again, and may be released or handed on.
    """
    first, second, held = submit(local, new_job("a"), new_job("b"), new_job("c", held=True))
    push_cut(local, redis, first, second, held, stored=False)

    assert 3 == local.recall()
    assert 0 == local.recall()
    assert [UNDER_WAY, UNDER_WAY, (JobState.HELD, None)] == [
        how(job) for job in local.get_many([first, second, held])
    ]
    local.release([first], owner=None)
    assert first == claim(local).job.id
    assert {second: second, held: held} == push(local, redis, second, held)
    assert [JobState.QUEUED, JobState.HELD] == [job.state for job in redis.get_many([second, held])]
