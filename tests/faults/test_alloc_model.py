"""The autoscaler under random histories, on a real Redis and a simulated batch system.

Autoscalers are killed at any of their calls, frozen while another one looks, or look at once; answers are
lost, late or refused; batch jobs start, end, are requeued, cancelled and forgotten.  Both clocks are put
forward together.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from enum import Enum
from functools import partial
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.support.clock import ShiftedRedis
from tests.support.simulated_batch import Reply, SimulatedBatch, SimulatedJob
from tests.support.stores import ADA, GIB, beat, claimant, new_job
from workers.batch.system import BatchState
from workers.errors import StoreUnreachable
from workers.job import JobState
from workers.pools import autoscaler, lease
from workers.pools.autoscaler import Autoscaler, OwnPool
from workers.store.opening import open_store
from workers.store.pools import AllocationEnd, AllocationState, Budget, Pause, PoolDefinition
from workers.store.settings import StoreSettings
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from workers.store.base import Store
    from workers.store.pools import Pool, PoolStore

SMALL, LARGE = "small", "large"
# Two large allocations fit the budget, if they use all of their time.
BUDGET = Budget(2 * 4 * 3_600, days=30)
DEFINITIONS = {
    SMALL: PoolDefinition(2, 4 * GIB, 1_800, most=3, pending=2),
    LARGE: PoolDefinition(4, 8 * GIB, 3_600, most=2, pending=1, budget=BUDGET),
}
SHAPES = (
    {"cores": 1, "memory_bytes": GIB},
    {"cores": 2, "memory_bytes": GIB, "time_limit_s": 600},
    {"cores": 4, "memory_bytes": 6 * GIB, "time_limit_s": 1_200},
    {"cores": 1, "time_limit_s": 90_000},  # too long for both
    {"cores": 64},  # too wide for both
)
BACK_OFF_S = (60, 300, 900, 3_600)
DROPPED_S = 120
LEASE_S = 61
HISTORIES, MANY_HISTORIES, LENGTH = 25, 1_000, 30
ANY = range(100)  # which job, counted round
CALLS = range(1, 21)  # which call of a look
NAMES = (SMALL, LARGE)
REPLIES = (Reply.ACCEPTED, *Reply)
PAUSES_S = (0, 3, 10, 10, 10, 31, 130)
ENDS = tuple(state for state in BatchState if state.is_final)


class Killed(BaseException):
    """Ends an autoscaler as kill -9 does: whatever it would still call does nothing."""


class Fuse:
    """Counts the calls of an autoscaler, and ends it, or lets it fail, at one of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_blown = False
        self.strike: tuple[int, bool, Callable[[], None]] | None = None

    def set(self, at: int, *, is_done: bool, what: Callable[[], None]) -> None:
        """Call `what` at the n-th call from now, before it or once it is done."""
        self.calls = 0
        self.strike = (at, is_done, what)

    def kill(self) -> None:
        """Let nothing more happen."""
        self.is_blown = True
        raise Killed

    def pass_on(self, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Make a call, unless the autoscaler is dead."""
        if self.is_blown:
            raise Killed
        self.calls += 1
        at, is_done, what = self.strike or (0, False, lambda: None)
        if at != self.calls:
            return call(*args, **named)
        if not is_done:
            what()
        try:
            return call(*args, **named)
        finally:
            if is_done:
                what()


class Fused:
    """Passes calls of methods on through a fuse."""

    def __init__(self, target: object, fuse: Fuse) -> None:
        self._target, self._fuse = target, fuse

    def __getattr__(self, name: str) -> Any:
        """Return the method, behind the fuse."""
        found = getattr(self._target, name)
        return (
            (lambda *args, **named: self._fuse.pass_on(found, *args, **named)) if callable(found) else found
        )


class Fault(Enum):
    """Something that goes wrong at a call of a look."""

    NOTHING = "look_on"
    DIE = "die"
    DIE_LATE = "die_late"
    FAIL = "fail"
    FAIL_LATE = "fail_late"
    SLEEP = "sleep"
    RACE = "race"

    def __call__(self, machine: Machine, at: int, pause_s: int) -> None:
        """Let it happen."""
        getattr(machine, self.value)(at, pause_s)


BOTH = (False, True)
# What may happen: how often, the method of `Machine`, and its possible arguments.
STEPS: tuple[tuple[int, str, Mapping[str, Sequence[Any]]], ...] = (
    (
        8,
        "request",
        {
            "fault": tuple(Fault),
            "at": CALLS,
            "reply": REPLIES,
            "late_s": (20, 100, 200),
            "before": ("end", "end", "requeue", "end and requeue", ""),
        },
    ),
    (2, "look_with_fault", {"fault": tuple(Fault), "at": CALLS, "pause_s": PAUSES_S}),
    (2, "look", {"which": (0, 1), "pause_s": PAUSES_S}),
    (4, "start", {"which": ANY, "joins": BOTH}),
    (3, "end", {"which": ANY, "state": ENDS, "is_orderly": BOTH}),
    (1, "submit", {"shape": range(len(SHAPES)), "many": range(1, 9)}),
    (1, "wait", {"pause_s": (60, 1_000, 4_000)}),
    (2, "hear_nothing", {"pause_s": PAUSES_S, "is_empty": BOTH, "is_back": BOTH}),
    (2, "lose_accounts", {"which": ANY, "state": ENDS}),
    (1, "work", {"which": ANY, "jobs": range(1, 5)}),
    (1, "fail_at_once", {"pause_s": PAUSES_S}),
    (1, "need_nothing", {"is_watched": BOTH}),
    (1, "cancel_by_hand", {"which": ANY}),
    (1, "requeue", {"which": ANY}),
    (1, "pause", {"name": NAMES, "pause_s": PAUSES_S}),
    (1, "resume", {"name": NAMES}),
    (1, "remove", {}),
)


class Clocks:
    """Puts the clock of Redis and of the batch system forward, also for autoscalers that wait for a lease."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, server: ShiftedRedis) -> None:
        self._server, self._ahead_s = server, 0
        self.is_real = False  # whether autoscalers that wait do so for a while

    def sleep(self, _: float) -> None:
        """Wait for another autoscaler."""
        if self.is_real:
            time.sleep(0.01)
        else:
            self.put_forward(20)

    def put_forward(self, by_s: int) -> None:
        """Put it forward."""
        self._ahead_s += by_s
        self._server.clock.shift(self._ahead_s)

    def now_ms(self) -> int:
        """Return the time."""
        return round(1_000 * time.time()) + 1_000 * self._ahead_s


class Machine:
    """Lets things happen, and checks each request and, at the end, all records."""

    def __init__(
        self, open_another: Callable[[], Store], clock: Clocks, dead: set[str], chance: Random
    ) -> None:
        self.clock, self.dead = clock, dead
        self.stores = [open_another() for _ in range(3)]
        self.store = self.stores[0]
        self.pools = pools_of(self.store)
        self.fuses = [Fuse(), Fuse()]
        self.is_excused = False  # batch jobs came by ways that no autoscaler can foresee
        self.disowned: set[str] = set()  # batch jobs whose pool was removed
        # Batch jobs whose ends may be strikes, by pool.
        self.useless: defaultdict[str, set[str]] = defaultdict(set)
        self.batch = SimulatedBatch(
            clock.now_ms, chance.choice((2_000, 300_000)), chance.choice(BOTH), self.check_request
        )
        self.scalers = [self.autoscaler(0), self.autoscaler(1)]
        for name, definition in DEFINITIONS.items():
            self.pools.define(ADA, name, definition, digest(name))

    # -- what happens ------------------------------------------------------------------------------

    def submit(self, shape: int, many: int) -> None:
        """Submit jobs of one shape."""
        changes: Any = SHAPES[shape]
        self.store.submit([new_job(**changes) for _ in range(many)], submission=uuid4().hex)

    def look(self, pause_s: int, which: int = 0) -> None:
        """Let an autoscaler look after a pause; it asks the batch system once at most."""
        self.wait(pause_s)
        before = len(self.batch.answers)
        with suppress(StoreUnreachable):
            self.scalers[which].look()
        assert self.is_excused or len(self.batch.answers) <= before + 1

    def request(self, fault: Fault, at: int, reply: Reply, late_s: int, before: str) -> None:
        """Have jobs that need allocations, and let something go wrong at a call of the look that requests."""
        if "end" in before:
            self.time_out()
        self.submit(1, 6)
        self.submit(2, 2)
        self.look(31)
        if "requeue" in before:
            self.requeue(0)
        self.batch.replies.append(reply)
        self.batch.late_ms = 1_000 * late_s
        fault(self, at, 10)
        self.batch.replies.clear()
        self.look(31)

    def look_with_fault(self, fault: Fault, at: int, pause_s: int) -> None:
        """Let something go wrong at a call of any look."""
        fault(self, at, pause_s)

    def look_on(self, _: int, pause_s: int) -> None:
        """Look as ever."""
        self.look(pause_s)

    def die(self, at: int, pause_s: int, *, is_done: bool = False) -> None:
        """Kill an autoscaler at one of its calls, before or after what that does; another one follows."""
        before = dict(self.batch.refused)
        self.fuses[0].set(at, is_done=is_done, what=self.fuses[0].kill)
        try:
            self.look(pause_s)
        except Killed:
            self.batch.refused = before  # the refusal may not have been recorded
            self.dead.add(self.scalers[0]._holder)
            self.scalers[0] = self.autoscaler(0)
        self.fuses[0].strike = None

    def die_late(self, at: int, pause_s: int) -> None:
        """Kill an autoscaler after one of its calls."""
        self.die(at, pause_s, is_done=True)

    def fail(self, at: int, pause_s: int, *, is_done: bool = False) -> None:
        """Lose the connection to Redis, or the answer of the batch system, at one of its calls."""

        def lose() -> None:
            raise StoreUnreachable("lost")

        before = dict(self.batch.refused)
        self.fuses[0].set(at, is_done=is_done, what=lose)
        self.look(pause_s)
        if self.fuses[0].calls >= at:
            self.batch.refused = before
        self.fuses[0].strike = None

    def fail_late(self, at: int, pause_s: int) -> None:
        """Lose the reply to one of its calls."""
        self.fail(at, pause_s, is_done=True)

    def sleep(self, at: int, pause_s: int) -> None:
        """Freeze an autoscaler at one of its calls for longer than its lease, while another one looks."""

        def freeze() -> None:
            self.is_excused = True  # the sleeper may request what it decided on before it fell asleep
            for looks_s in (62 + 7 * at, 10):
                self.look(looks_s, which=1)

        self.fuses[0].set(at, is_done=False, what=freeze)
        self.look(pause_s)
        self.fuses[0].strike = None
        self.is_excused = False

    def race(self, _: int, pause_s: int) -> None:
        """Let two autoscalers look at the same time."""
        self.wait(LEASE_S + pause_s)  # a lease that was not released ends by then
        self.clock.is_real = True
        with ThreadPoolExecutor(2) as threads:
            for found in [threads.submit(scaler.look) for scaler in self.scalers]:
                found.result()
        self.clock.is_real = False

    def wait(self, pause_s: int) -> None:
        """Put the clocks forward; workers that have joined live on."""
        if pause_s:
            self.clock.put_forward(pause_s)
        self.batch.receive()
        for job in self.batch.jobs.values():
            if job.worker and job.state is BatchState.RUNNING:
                size = DEFINITIONS[job.pool]
                room = {"cores": size.cores, "slots": size.cores, "memory_bytes": size.memory_bytes}
                self.store.tick(beat(job.worker, allocation=token_of(job), **room), may_reap=False)

    def hear_nothing(self, pause_s: int, *, is_empty: bool, is_back: bool) -> None:
        """Let the batch system not answer for some looks, the last of which may have jobs to request for."""
        if is_empty:
            self.time_out()
        self.batch.is_away = True
        self.submit(1, 6)
        self.look(pause_s)
        self.look(10)
        self.batch.is_away = False
        if is_back:
            self.look(31)

    def lose_accounts(self, which: int, state: BatchState) -> None:
        """Let accounts be unreachable while a running allocation ends and is forgotten."""
        self.start(which, joins=False)
        self.batch.are_accounts_away = True
        self.end(which, state, is_orderly=False)
        self.look(31)
        self.batch.are_accounts_away = False

    def start(self, which: int, *, joins: bool) -> None:
        """Start a pending allocation, and perhaps its worker."""
        if job := self.choose(which, lambda job: job.state is BatchState.PENDING):
            self.batch.begin(job)
            if joins:
                job.worker, job.joined_ms = f"node-{job.number}-abc123", self.clock.now_ms()
                self.pools.join(token_of(job), job.worker)
                self.wait(0)

    def work(self, which: int, jobs: int) -> None:
        """Let a worker begin jobs."""
        if job := self.choose(which, lambda job: bool(job.worker) and job.state is BatchState.RUNNING):
            size = DEFINITIONS[job.pool]
            for _ in range(jobs):
                self.store.claim(claimant(job.worker, cores=size.cores, memory_bytes=size.memory_bytes))

    def end(self, which: int, state: BatchState, *, is_orderly: bool) -> None:
        """End a running allocation."""
        if job := self.choose(which, lambda job: job.state is BatchState.RUNNING):
            if is_orderly and job.worker:
                self.pools.part(token_of(job), job.worker, 1)
            self.count_useless(job, state)
            self.batch.end(job, state)
            if job.worker:
                self.store.leave(job.worker)

    def time_out(self) -> None:
        """Let all allocations end at their limits."""
        live = [job for job in self.batch.arrived() if job.is_live]
        for job in live:
            if job.state is BatchState.PENDING:
                self.batch.begin(job)
        self.wait(1_800)
        for job in live:
            self.count_useless(job, BatchState.TIMEOUT)
            self.batch.end(job, BatchState.TIMEOUT)
            if job.worker:
                self.store.leave(job.worker)
        self.look(31)
        self.wait(60)

    def fail_at_once(self, pause_s: int) -> None:
        """Let all pending allocations start and fail before their workers have joined."""
        for job in self.batch.arrived():
            if job.state is BatchState.PENDING:
                self.batch.begin(job)
                self.batch.end(job, BatchState.FAILED)
                self.useless[job.pool].add(job.name)
        self.look(pause_s)
        self.look(61)
        self.look(10)

    def need_nothing(self, *, is_watched: bool) -> None:
        """Cancel all jobs; pending allocations are cancelled after two minutes."""
        waiting = Query(owner=ADA, states=frozenset({JobState.QUEUED}), limit=1_000)
        self.store.cancel([job.id for job in self.store.page(waiting).items], owner=ADA)
        for pause_s in (10, 130, 10, 31) if is_watched else (10,):
            self.look(pause_s)

    def cancel_by_hand(self, which: int) -> None:
        """Cancel a pending allocation by hand."""
        if job := self.choose(which, lambda job: job.state is BatchState.PENDING):
            self.batch.end(job, BatchState.CANCELLED)

    def requeue(self, which: int) -> None:
        """Let a running allocation wait again."""
        if job := self.choose(which, lambda job: job.state is BatchState.RUNNING):
            if job.worker:
                self.store.leave(job.worker)
            self.batch.requeue(job)

    def pause(self, name: str, pause_s: int) -> None:
        """Let the user pause a pool for some looks."""
        self.pools.pause(ADA, name, Pause.USER)
        self.look(pause_s)
        self.look(10)
        self.resume(name)

    def resume(self, name: str) -> None:
        """Let a pool request again."""
        self.pools.resume(ADA, name, digest(name))
        self.batch.refused.pop(name, None)
        judged = {one.name for one in self.pools.allocations(ADA, pool=name, ended=True) if not one.is_live}
        self.useless[name] -= judged

    def remove(self) -> None:
        """Remove a pool and set it again: what is pending or runs is adopted."""
        names = {*self.batch.jobs, *self.batch.unanswered}
        self.disowned |= {name for name in names if name.split(".")[1] == SMALL}
        self.pools.remove(ADA, SMALL)
        self.pools.define(ADA, SMALL, DEFINITIONS[SMALL], digest(SMALL))
        self.batch.refused.pop(SMALL, None)
        self.useless[SMALL].clear()

    # -- what must hold ----------------------------------------------------------------------------

    def check_request(self, name: str) -> None:
        """Check that a request is recorded, alone, within the limits, and not too early."""
        pool = name.split(".")[1]
        definition, now_ms = DEFINITIONS[pool], self.clock.now_ms()
        if pool in self.batch.refused:
            refusals, at_ms = self.batch.refused[pool]
            waits_s = BACK_OFF_S[min(refusals, len(BACK_OFF_S)) - 1]
            assert now_ms - at_ms >= 1_000 * (waits_s - 1), f"{name} is too early after {refusals} refusals"
        assert self.stored(pool).paused is None
        if self.is_excused:
            return
        records = {one.name: one for one in self.pools.allocations(ADA, pool=pool)}
        assert [name] == [one.name for one in records.values() if one.state is AllocationState.INTENDED]
        for earlier, at_ms in self.batch.unanswered.items():
            if earlier.split(".")[1] == pool and earlier not in self.disowned:
                assert self.was_decided(earlier, at_ms), f"{name} although {earlier} is unanswered"
        live = self.batch.live(pool)
        for job in live:
            assert job.name in records, f"{name} is requested although {job} is not recorded"
            assert job.number == records[job.name].number
        assert len(live) < definition.most
        assert sum(job.state is BatchState.PENDING for job in live) < definition.pending
        if definition.budget and self.batch.has_accounts:
            size = definition.cores * definition.time_s
            ended = [job for job in self.batch.jobs.values() if job.pool == pool and not job.is_live]
            used = sum((job.used_ms // 1_000 - 2) * definition.cores for job in ended)
            assert used + size * (len(live) + 1) <= definition.budget.core_seconds

    def was_decided(self, name: str, at_ms: int) -> bool:
        """Whether the batch system has listed a request without an answer, or not for two minutes."""
        return any(
            name in listed or answered_ms - at_ms >= 1_000 * DROPPED_S
            for answered_ms, listed in self.batch.answers
        )

    def nothing_is_recorded_twice(self) -> None:
        """Each record has its own token and number."""
        records = self.pools.allocations(ADA, ended=True)
        numbers = [one.number for one in records if one.number]
        assert len(set(numbers)) == len(numbers)
        assert len({one.token for one in records}) == len(records)

    def close(self) -> None:
        """Let go of the stores."""
        for store in self.stores:
            store.close()

    def calm_down(self) -> None:
        """Let nothing go wrong for longer than any answer is late."""
        self.batch.is_away = self.batch.are_accounts_away = False
        self.batch.replies.clear()
        self.wait(LEASE_S)
        for _ in range(6):
            self.look(60)

    def compare(self) -> None:
        """Hold the records against the batch jobs that were ever accepted."""
        records = {one.name: one for one in self.pools.allocations(ADA, ended=True)}
        for job in self.batch.jobs.values():
            found = records.get(job.name)
            if not any(answered_ms > job.arrives_ms for answered_ms, _ in self.batch.answers):
                continue
            if job.is_live or (self.batch.is_remembered(job) and job.name not in self.disowned):
                assert found is not None, f"{job} has no record"
                assert (job.number, job.is_live) == (found.number, found.is_live), (job, found)
            if job.is_live:
                assert str(job.state) == str(found and found.state), (job, found)
            elif found is not None:
                assert not found.is_live, (job, found)
                if self.batch.has_accounts:
                    assert found.ended_as not in {AllocationEnd.GONE, AllocationEnd.DROPPED}, (job, found)
        for one in records.values():
            job_of = self.batch.jobs.get(one.name)
            assert one.number in {"", job_of and job_of.number}, one
            assert job_of is not None or one.ended_as in {AllocationEnd.DROPPED, AllocationEnd.REFUSED}, one
            if one.name in self.batch.cancelled:
                assert one.ended_as in {AllocationEnd.UNWANTED, AllocationEnd.GONE}, one
        for name in DEFINITIONS:
            self.compare_pool(name)

    def compare_pool(self, name: str) -> None:
        """Check the reasons of a pause, and that work is not left without an allocation."""
        pool = self.stored(name)
        if pool.paused is Pause.STRIKES:
            assert len(self.useless[name]) >= 3
        assert pool.paused is not Pause.CHANGED
        if pool.paused is None and pool.next_ms < self.clock.now_ms() and pool.definition.budget is None:
            has_live = any(self.batch.live(other) for other in DEFINITIONS)
            assert has_live or not pool.demand_jobs, f"{name} has work, and there is no allocation: {pool}"

    # -- helpers -----------------------------------------------------------------------------------

    def stored(self, name: str) -> Pool:
        """Read a pool."""
        return next(pool for pool in self.pools.pools(ADA) if pool.name == name)

    def count_useless(self, job: SimulatedJob, state: BatchState) -> None:
        """Note an end that may be a strike once a look has judged it."""
        if is_useless(job, state, self.clock.now_ms()):
            self.useless[job.pool].add(job.name)

    def choose(self, which: int, fits: Callable[[SimulatedJob], bool]) -> SimulatedJob | None:
        """Choose one of the batch jobs."""
        able = [job for job in self.batch.arrived() if fits(job)]
        return able[which % len(able)] if able else None

    def autoscaler(self, which: int) -> Autoscaler:
        """Make a new autoscaler with a fuse of its own."""
        fuse = self.fuses[which] = Fuse()
        store = self.stores[1 + which]
        pools: Any = Fused(pools_of(store), fuse)
        system: Any = Fused(self.batch, fuse)
        return Autoscaler(store, pools, system, ADA, lambda: [*map(own_pool, DEFINITIONS)])


def pools_of(store: Store) -> PoolStore:
    """Return the pools of a store, which must have some."""
    assert store.pools is not None
    return store.pools


def own_pool(name: str) -> OwnPool:
    """Describe a pool as its file would."""
    return OwnPool(
        name,
        DEFINITIONS[name],
        digest(name),
        (),
        lambda token: f"# {token}",
        lambda token: f"/nowhere/{token}",
    )


def digest(name: str) -> str:
    """Hash the file that a pool would have."""
    return hashlib.sha256(name.encode()).hexdigest()


def token_of(job: SimulatedJob) -> str:
    """Return the token in the name of a batch job."""
    return job.name.rpartition(".")[2]


def is_useless(job: SimulatedJob, state: BatchState, now_ms: int) -> bool:
    """Whether an end may be a strike."""
    if job.joined_ms is None:
        return state in {
            BatchState.COMPLETED,
            BatchState.FAILED,
            BatchState.TIMEOUT,
            BatchState.OUT_OF_MEMORY,
        }
    return state is BatchState.FAILED and now_ms - job.joined_ms < 1_000 * LEASE_S


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ShiftedRedis]:
    """A Redis whose clock can be put forward."""
    folder = tmp_path / "redis"
    folder.mkdir()
    started = ShiftedRedis(folder)
    yield started
    started.close()


@pytest.mark.timeout(600)
def test_an_autoscaler_loses_and_doubles_no_allocation(
    server: ShiftedRedis, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whenever autoscalers are killed, frozen, cut off or two at once, and whatever the batch system does: each
    batch job has one record with its number; nothing is requested beyond the limits, during a back-off, or
    while an earlier request is unanswered; and in the end work has an allocation.
    """
    live_often(range(HISTORIES), server, home, monkeypatch)


@pytest.mark.long
def test_an_autoscaler_loses_and_doubles_none_in_many_histories(
    server: ShiftedRedis, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The same in other histories each time.
    """
    seeds = [SystemRandom().randrange(HISTORIES, 1_000_000_000) for _ in range(MANY_HISTORIES)]
    live_often(seeds, server, home, monkeypatch)


def live_often(
    seeds: Iterable[int], server: ShiftedRedis, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let each of these histories happen, and name the steps of one in which something does not hold."""
    clock, dead = Clocks(server), set[str]()
    monkeypatch.setattr(autoscaler, "time", clock)
    monkeypatch.setattr(lease, "time", clock)
    monkeypatch.setattr(lease, "_is_dead", dead.__contains__)  # they are of this process, which lives
    for seed in seeds:
        settings = StoreSettings(redis_url=server.url, prefix=f"m{seed}:", home=home)
        chance, done = Random(seed), [f"seed {seed}"]
        with closing(Machine(partial(open_store, settings), clock, dead, chance)) as machine:
            try:
                for name, words in chosen(chance):
                    done.append(f"{name} {words}")
                    getattr(machine, name)(**words)
                    machine.nothing_is_recorded_twice()
                machine.calm_down()
                machine.compare()
            except BaseException as error:
                error.add_note("\n".join(done))
                raise


def chosen(chance: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Choose what happens in a history."""
    weights = [weight for weight, _, _ in STEPS]
    for _, name, parts in chance.choices(STEPS, weights, k=LENGTH):
        yield name, {word: chance.choice(choices) for word, choices in parts.items()}
