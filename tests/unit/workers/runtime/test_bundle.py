"""Bundles: several short jobs of one slot, from their claims to their ends, once each, whatever happens."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import GIB, beat, claimant, history, outcome, submit_named
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from tests.support.workshop import WORKER, StandIn, Workshop, all_good, ended, good, without_run
from workers.batch.environment import Deadline
from workers.job import Job, JobState, Reason
from workers.keeper.keeper import Ended, Run, Stop
from workers.result import Failure
from workers.runtime import worker
from workers.runtime.capacity import Room
from workers.runtime.slot import Slot
from workers.store.losses import NOT_BEGUN
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from workers.store.values import Claim

QUEUED, RUNNING, DONE = JobState.QUEUED, JobState.RUNNING, JobState.DONE
SP = {"kind": "sp", "engine": "xtb", "atoms": 3}
LONG_AWAY = 1_000_000
Ends = Ended | dict[Run, Ended]


def name_of(run: Run) -> str:
    """Read the name of the job that a keeper was handed."""
    return str(json.loads(run.task.spec)["payload"])


class Bench:
    """A slot whose jobs are known to be short, and what its keeper ran."""

    def __init__(self, shop: Workshop, steps: Sequence[Callable[[StandIn], Ends]]) -> None:
        self.shop = shop
        self.ran: Counter[str] = Counter()
        self._steps = list(steps)
        self.slot = Slot(shop.worker, 0)

    def does(self, keeper: StandIn, how: dict[str, Any]) -> Ends:
        """End jobs as the next step does; after the last one, end all well."""
        ends = self._steps.pop(0)(keeper) if self._steps else all_good(keeper, how)
        several = ends if isinstance(ends, dict) else {keeper.run: ends}
        self.ran.update(name_of(run) for run, end in several.items() if not end.is_withdrawn)
        return ends

    def claim(self) -> Claim:
        """Claim a job that must be there."""
        claim = self.slot.claim()
        assert claim is not None
        return claim

    def run(self) -> Claim | None:
        """Claim a job, and run it with those like it; return the one that follows, and has to run alone."""
        return self.slot.run(self.claim())

    def run_all(self) -> None:
        """Run until nothing is left."""
        claim = self.slot.claim()
        while claim is not None:
            claim = self.slot.run(claim) or self.slot.claim()

    @property
    def calls(self) -> list[str]:
        """The calls of the store that claim and end jobs."""
        return [
            name for name in self.shop.store.calls if name.startswith(("claim", "finish", "give", "begin"))
        ]

    def states(self, ids: Sequence[str]) -> list[JobState]:
        """Read the states of jobs."""
        return [self.shop.real.get(job_id).state for job_id in ids]

    def attempts(self, job_id: str) -> list[tuple[str, str, bool]]:
        """Read how the earlier attempts of a job ended: as what, why, and whether they had begun."""
        return [(one.ended_as, one.message, one.ran) for one in self.shop.real.attempts(job_id)]

    def is_free(self) -> bool:
        """Whether the slot holds nothing: no room, no lease."""
        room = self.shop.room
        is_whole = (room.cores, room.memory_bytes) == (room.all_cores, room.all_memory_bytes)
        return is_whole and room.busy == 0 and not self.shop.leases._held


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A workshop that knows its jobs to be short, and calls an unreachable store again soon."""
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.001)
    built = Workshop(home)
    for job in (stored("echo", "echo", 0), stored("sp", "xtb", 3)):
        for _ in range(32):
            built.worker.durations.note(job, 0.001)
    yield built
    built.close()


def stored(kind: str, engine: str, atoms: int) -> Job:
    """Make a job like those that a slot may hold."""
    return Job("a" * 32, 1, RUNNING, "ada", kind, 0, engine=engine, atoms=atoms, attempt=1)


@pytest.fixture
def bench(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Makes a slot whose keeper ends jobs by the given steps."""

    def make(*steps: Callable[[StandIn], Ends]) -> Bench:
        busy = Bench(shop, steps)
        monkeypatch.setattr("workers.runtime.slot.Keeper", lambda: StandIn(busy.does))
        busy.slot.replace_keeper()
        return busy

    return make


MakeBench = Any


def first(keeper: StandIn) -> Ends:
    """End the first job well."""
    return good(keeper, {})


def everything(keeper: StandIn) -> Ends:
    """End all jobs well at once."""
    return all_good(keeper, {})


def withdraw_those_behind(keeper: StandIn) -> Ends:
    """Withdraw all jobs but the first, as behind one that takes long."""
    return {run: without_run(run) for run in list(keeper.runs)[1:]}


def out_of_room(_keeper: StandIn) -> Ends:
    """End the first job for want of room."""
    failure = Failure(reason=Reason.CRASHED, message="full")
    return ended(result=None, failure=failure, is_out_of_room=True)


def fail_unexpectedly(_keeper: StandIn) -> Ends:
    """Fail as no keeper should."""
    raise RuntimeError("unexpected")


# -- claims --------------------------------------------------------------------------------------


def test_a_bundle_records_what_ended_together_in_one_call(shop: Workshop, bench: MakeBench) -> None:
    """
    It holds twice as many jobs each time; all that ended are recorded, and others claimed, in one step.
    """
    ids = submit_named(shop.real, " ".join(f"n{number}" for number in range(31)))
    busy = bench()
    assert busy.run() is None

    doubled = ["claim_several", "finish_several"]
    assert ["claim", "finish", *doubled * 4] == busy.calls[:10]
    assert len(busy.calls) <= 16
    assert [DONE] * 31 == busy.states(ids)
    assert [1] * 31 == list(busy.ran.values())
    assert [[QUEUED, RUNNING, DONE]] * 31 == [history(shop.real, job_id) for job_id in ids]
    assert (31, True) == (shop.ends, busy.is_free())


def test_a_bundle_records_how_long_each_job_ran(shop: Workshop, bench: MakeBench) -> None:
    """
    Not how long it waited after its claim.
    """
    ids = submit_named(shop.real, "a b c d e f g h")

    def in_2_ms(keeper: StandIn) -> Ends:
        begin = monotonic()
        wait_until(lambda: monotonic() > begin + 0.05, 30, "time passes")
        return {run: ended(seconds=0.002) for run in keeper.runs}

    bench(*[in_2_ms] * 8).run()
    spans = [(job.started_ms, job.ended_ms) for job in shop.real.get_many(ids)]
    assert [2] * 8 == [end - start for start, end in spans if start and end]


def test_a_bundle_asks_for_nothing_ahead_of_the_end_of_a_lone_job(shop: Workshop, bench: MakeBench) -> None:
    """
    Its end brings no other job, and that was all.
    """
    (job_id,) = submit_named(shop.real, "lone")
    busy = bench()

    assert busy.run() is None
    assert ["claim", "finish"] == busy.calls
    assert DONE is shop.real.get(job_id).state


def test_a_bundle_claims_no_more_once_it_was_refused_some(shop: Workshop, bench: MakeBench) -> None:
    """
    A claim that brought fewer jobs than it might have is not repeated until one brings all again.
    """
    ids = submit_named(shop.real, "a b c d e")
    busy = bench(everything, everything, first, first, first)
    busy.run()

    assert [DONE] * 5 == busy.states(ids)
    asked = busy.calls.index("claim_several")
    assert 1 == busy.calls[asked + 2 :].count("claim_several")


def test_a_bundle_leaves_jobs_to_other_workers_while_they_are_scarce(
    shop: Workshop, bench: MakeBench
) -> None:
    """
    Jobs that other slots could begin now are not claimed ahead.
    """
    for number in range(4):
        shop.real.tick(beat(f"host-{number}-cd"))
    submit_named(shop.real, "a b c d e")
    held: list[int] = []

    def count(keeper: StandIn) -> Ends:
        held.append(len(keeper.runs))
        return first(keeper)

    busy = bench(*[count] * 5)
    busy.run()
    assert [1, 1, 1, 1, 1] == held


def test_a_bundle_holds_no_more_than_it_computes_in_its_time(
    shop: Workshop, bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Of jobs that take 24 ms it holds four, however many wait.
    """
    for _ in range(32):
        shop.worker.durations.note(stored("sp", "xtb", 3), 0.024)
    monkeypatch.setattr(shop.worker.durations, "note", lambda *_: None)
    submit_named(shop.real, " ".join(map(str, range(24))), **SP)
    held: list[int] = []

    def one(keeper: StandIn) -> Ends:
        held.append(len(keeper.runs))
        return first(keeper)

    busy = bench(*[one] * 16)
    busy.run_all()

    assert max(held) == 4


@pytest.mark.parametrize("ends", [first, everything])
def test_a_bundle_returns_the_next_job_if_it_has_to_run_alone(
    shop: Workshop, bench: MakeBench, ends: Callable[[StandIn], Ends]
) -> None:
    """
    Of another kind, which nothing is known of, it keeps its share of the room and runs after the others.
    """
    ids = submit_named(shop.real, "a b c")
    (other,) = submit_named(shop.real, "other", **SP | {"kind": "opt"})
    busy = bench(*[ends] * 4)
    following = busy.run()

    assert following is not None
    assert other == following.job.id
    assert [DONE, DONE, DONE, RUNNING] == busy.states([*ids, other])
    assert (1, 1) == (shop.room.busy, shop.room.cores)
    assert busy.slot.run(following) is None
    assert DONE is shop.real.get(other).state
    assert busy.is_free()


def test_a_bundle_of_jobs_that_became_slow_ends(shop: Workshop, bench: MakeBench) -> None:
    """
    Nothing more is claimed ahead, and what follows runs alone.
    """
    ids = submit_named(shop.real, "a b c d e")
    busy = bench(everything)

    def slowly(keeper: StandIn) -> Ends:
        for _ in range(32):
            shop.worker.durations.note(stored("echo", "echo", 0), 0.03)
        return everything(keeper)

    busy._steps.append(slowly)
    following = busy.run()
    assert following is not None
    assert [ids[3], [DONE, DONE, DONE, RUNNING, QUEUED]] == [following.job.id, busy.states(ids)]
    busy._steps += [first, first]
    assert busy.calls[-1] == "claim"
    busy.slot.run(following)
    assert 1 == busy.calls.count("claim_several")


@pytest.mark.parametrize("why", ["stopping", "deadline"])
@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_bundle_of_a_worker_that_is_to_end_claims_no_more(
    shop: Workshop, bench: MakeBench, why: str, when: int
) -> None:
    """
    The jobs that it holds run to their ends, which are recorded.
    """
    ids = submit_named(shop.real, " ".join(f"n{number}" for number in range(9)))

    def last(keeper: StandIn) -> Ends:
        if why == "stopping":
            shop.worker.stopping.set()
        else:
            assert shop.worker.deadline is not None
            shop.worker.deadline.move(0.0)
        return everything(keeper)

    shop.worker = replace(shop.worker, deadline=Deadline(1_000.0, 0.0))
    busy = bench(*[everything] * (when - 1), last)
    busy.run()

    held = 2**when - 1
    assert [DONE] * held + [QUEUED] * (9 - held) == busy.states(ids)
    assert busy.is_free()


def test_a_bundle_claims_nothing_ahead_if_its_worker_is_to_end_meanwhile(
    shop: Workshop, bench: MakeBench
) -> None:
    """
    The order may come between the end of a job and the claim of others.
    """
    ids = submit_named(shop.real, "a b c d")
    shop.worker = replace(shop.worker, ended=shop.worker.stopping.set)
    busy = bench()

    assert busy.run() is None
    assert ["claim", "finish", "finish"] == busy.calls
    assert [DONE, DONE, QUEUED, QUEUED] == busy.states(ids)
    assert busy.is_free()


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6])
def test_a_bundle_takes_no_more_jobs_than_its_worker_may(shop: Workshop, bench: MakeBench, most: int) -> None:
    """
    Neither in the places of those that ended, nor to hold more of them.
    """
    ids = submit_named(shop.real, " ".join(f"n{number}" for number in range(9)))
    shop.room = Room(2, 64 * GIB, jobs=most)
    shop.worker = replace(shop.worker, room=shop.room)
    busy = bench()
    busy.run_all()

    assert [DONE] * most + [QUEUED] * (9 - most) == busy.states(ids)
    assert most == shop.ends
    assert busy.is_free()


# -- ends ----------------------------------------------------------------------------------------


def test_a_lost_lease_in_a_bundle_concerns_no_other_job(shop: Workshop, bench: MakeBench) -> None:
    """
    The result of that attempt is discarded; those that ended with it are recorded.
    """
    ids = submit_named(shop.real, "a b c d e f g")

    def lose_one(keeper: StandIn) -> Ends:
        lease = next(lease for lease in shop.leases._held if lease.job_id == ids[2])
        shop.real.give_back(lease, "lost")
        other = shop.real.claim(claimant("other-1-a"))
        assert other is not None
        shop.real.finish(other.lease, outcome())
        return everything(keeper)

    busy = bench(everything, lose_one)
    busy.run_all()

    assert [DONE] * 7 == busy.states(ids)
    assert 1 == shop.log.count("lease lost, discarded")
    assert [1, 1, 2, 1, 1, 1, 1] == [shop.real.get(job_id).attempt for job_id in ids]
    assert (6, True) == (shop.ends, busy.is_free())


def test_a_cancelled_job_of_a_bundle_ends_as_it_ran(shop: Workshop, bench: MakeBench) -> None:
    """
    One that waits behind another is cancelled, one that has ended is done, and its folder serves no other.
    """
    ids = submit_named(shop.real, "a b c d e f g", **SP)
    folders: list[Path | None] = []

    def cancel(job_id: str) -> None:
        shop.real.cancel([job_id], owner=None)
        next(stop for lease, stop in shop.leases._held.items() if lease.job_id == job_id)(Stop.CANCEL)

    def cancel_waiting(keeper: StandIn) -> Ends:
        cancel(ids[2])
        (stopped,) = [run for run in keeper.runs if run.stopped]
        folders.append(stopped.task.scratch)
        return {stopped: without_run(stopped)}

    def cancel_ended(keeper: StandIn) -> Ends:
        folders.extend(run.task.scratch for run in keeper.runs)
        cancel(ids[1])
        keeper_ends = {run: ended(stopped=run.stopped) for run in keeper.runs}
        assert Stop.CANCEL in {end.stopped for end in keeper_ends.values()}
        return keeper_ends

    busy = bench(everything, cancel_waiting, cancel_ended)
    busy.run_all()

    assert [DONE, DONE, JobState.CANCELLED, *[DONE] * 4] == busy.states(ids)
    assert Reason.USER is shop.real.get(ids[2]).reason
    assert folders.count(folders[0]) == 1
    assert folders[0] is not None
    assert not folders[0].exists()
    assert busy.is_free()


def test_jobs_behind_one_that_takes_long_are_released(shop: Workshop, bench: MakeBench) -> None:
    """
    Without a loss, a release that counts or a run; the long one is noted as begun, and they run alone later.
    """
    ids = submit_named(shop.real, "a b c d e f g h i")
    busy = bench(everything, everything, withdraw_those_behind)
    busy.run_all()

    assert [DONE] * 9 == busy.states(ids)
    why = [("given_back", "the job before it took longer than expected", False)]
    assert [*[[]] * 4, why, why, why, [], []] == [busy.attempts(job_id) for job_id in ids]
    jobs = [shop.real.get(job_id) for job_id in ids]
    assert {(0, 0)} == {(job.losses, job.releases) for job in jobs}
    assert [1] * 9 == list(busy.ran.values())
    assert busy.is_free()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("name", ["claim_several", "finish_several"])
def test_a_lost_answer_to_a_bundle_loses_and_doubles_nothing(
    shop: Workshop, bench: MakeBench, name: str, lost: str, times: int
) -> None:
    """
    Whether the call or its reply was lost, once or for a while: each job runs once and ends once.
    """
    ids = submit_named(shop.real, " ".join(f"n{number}" for number in range(31)))
    busy = bench()
    getattr(shop.store, lost)[name] = times
    busy.run_all()

    assert [[QUEUED, RUNNING, DONE]] * 31 == [history(shop.real, job_id) for job_id in ids]
    assert [1] * 31 == list(busy.ran.values())
    assert (31, True) == (shop.ends, busy.is_free())
    assert 0 == getattr(shop.store, lost)[name]


def test_a_claim_ahead_that_was_lost_for_good_costs_no_job(
    shop: Workshop, bench: MakeBench, home: Path
) -> None:
    """
    A job that was claimed without the slot hearing of it runs once its lease has expired, without a loss.
    """
    ids = submit_named(shop.real, "a b c")
    busy = bench()
    shop.store.after["claim_several"] = LONG_AWAY
    busy.run()
    lost = [job_id for job_id in ids if shop.real.get(job_id).state is RUNNING]
    assert 1 == len(lost)

    vandal_of(StoreSettings(redis_url=None, prefix="nox:", home=home)).run_out(lost[0])
    assert tuple(lost) == shop.real.tick(beat("other-1-a")).reaped
    shop.store.after.clear()
    submit_named(shop.real, "d e f g h")
    busy.run_all()
    assert {DONE: 8} == {state: count for state, count in shop.real.counts().items() if count}
    assert [("given_back", NOT_BEGUN, False)] == busy.attempts(lost[0])
    assert [1] * 8 == list(busy.ran.values())


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_bundle_that_nobody_hears_is_given_up_when_time_is_over(
    shop: Workshop, bench: MakeBench, lost: str
) -> None:
    """
    A worker that may wait no longer leaves its jobs to others, logs that for each, and renews no lease.
    """
    ids = submit_named(shop.real, "a b c d e f g")

    def over(keeper: StandIn) -> Ends:
        shop.worker.stopping.set()
        shop.worker.abandoning.set()
        return everything(keeper)

    busy = bench(everything, over)
    getattr(shop.store, lost)["finish_several"] = LONG_AWAY

    assert busy.run() is None
    assert [DONE, *[RUNNING if lost == "before" else DONE] * 2, *[QUEUED] * 4] == busy.states(ids)
    assert 2 == shop.log.count("it may run again")
    assert busy.is_free()


# -- what fails in place of a job ----------------------------------------------------------------


def test_a_job_of_a_bundle_without_a_scratch_folder_is_released(
    shop: Workshop, bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With the reason; its next attempt runs alone, where it waits for the disk, and others are not concerned.
    """
    ids = submit_named(shop.real, "a b c d e f g", **SP)
    make, made = shop.scratch.attempt, Counter[str]()

    def fail_twice() -> Path:
        made["folders"] += 1
        if made["folders"] in {1, 3}:
            raise OSError(28, "No space left on device", "/scratch")
        return make()

    monkeypatch.setattr(shop.scratch, "attempt", fail_twice)
    busy = bench()
    busy.run_all()

    assert [DONE] * 7 == busy.states(ids)
    why = ("given_back", "cannot write /scratch: No space left on device", False)
    told = [busy.attempts(job_id) for job_id in ids]
    assert [[why], [why]] == [one for one in told if one]
    assert [1] * 7 == list(busy.ran.values())
    assert busy.is_free()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_keeper_lost": True}, "the keeper of the engine was killed"),
        ({"is_out_of_room": True}, "the disk is full, no room in "),
    ],
)
def test_a_job_of_a_bundle_that_the_machine_ended_is_released(
    shop: Workshop, bench: MakeBench, changes: dict[str, Any], why: str
) -> None:
    """
    It had begun, and has not failed; the next one has, and is noted as begun though nothing else ended.
    """
    ids = submit_named(shop.real, "a b c")
    failure = Failure(reason=Reason.CRASHED, message="killed")
    busy = bench(everything, lambda _: ended(result=None, failure=failure, **changes), fail_unexpectedly)
    with pytest.raises(RuntimeError):
        busy.run()

    ((ended_as, message, ran),) = busy.attempts(ids[1])
    assert ("given_back", True) == (ended_as, ran)
    assert message.startswith(why)
    assert 1 == busy.calls.count("begin")


class Broken(RuntimeError):
    """An error that nothing expects."""


def breaks(*_: Any, **__: Any) -> Any:
    """Fail with it."""
    raise Broken


@pytest.mark.parametrize(
    "broken",
    ["keeper", "artifact_store.keep", "durations.note", "leases.hold", "store.finish_several"],
)
def test_an_unexpected_error_in_a_bundle_releases_all_of_its_jobs(
    shop: Workshop, bench: MakeBench, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """
    The slot holds nothing afterwards, and continues with a new keeper.
    """
    ids = submit_named(shop.real, "a b c d e f g h i j k l")

    def fail(keeper: StandIn) -> Ends:
        if broken == "keeper":
            breaks()
        part, _, name = broken.partition(".")
        monkeypatch.setattr(getattr(shop.worker, part), name, breaks, raising=False)
        return first(keeper)

    busy = bench(everything, everything, fail)
    with pytest.raises(Broken):
        busy.run()
    done = 4 if broken == "leases.hold" else 3
    assert [DONE] * done + [QUEUED] * (12 - done) == busy.states(ids)
    assert busy.is_free()

    monkeypatch.undo()
    monkeypatch.setattr("workers.runtime.slot.Keeper", lambda: StandIn(busy.does))
    busy.slot.replace_keeper()
    busy.run_all()
    assert [DONE] * 12 == busy.states(ids)
    assert {0} == {shop.real.get(job_id).losses for job_id in ids}


# -- deaths of the worker ------------------------------------------------------------------------


def died(shop: Workshop, home: Path, ids: Sequence[str]) -> dict[str, int]:
    """Lose the running jobs with their worker; return the losses of all."""
    vandal = vandal_of(StoreSettings(redis_url=None, prefix="nox:", home=home))
    running = [job_id for job_id in ids if shop.real.get(job_id).state is RUNNING]
    for job_id in running:
        vandal.run_out(job_id)
    assert set(running) == set(shop.real.tick(beat("other-1-a")).reaped)
    return {job_id: shop.real.get(job_id).losses for job_id in ids}


class Killed(BaseException):
    """The end of the worker while a job runs."""


def killed(_keeper: StandIn) -> Ends:
    """Die."""
    raise Killed


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([everything, first], id="behind one that ended"),
        pytest.param([everything, everything, first, first], id="behind two that ended"),
        pytest.param([everything, everything, withdraw_those_behind], id="before those that were released"),
        pytest.param([everything, out_of_room], id="behind one that was released"),
    ],
)
def test_a_worker_that_dies_costs_the_job_that_ran_a_loss(
    shop: Workshop,
    bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    steps: Sequence[Callable[[StandIn], Ends]],
) -> None:
    """
    It was noted as begun when the ends before it were recorded; those behind it count no loss.
    """
    ids = submit_named(shop.real, "a b c d e f g h i")
    monkeypatch.setattr("workers.runtime.bundle.Bundle._abandon", lambda _: None)
    running: list[str] = []

    def die(keeper: StandIn) -> Ends:
        running.append(name_of(keeper.run))
        return killed(keeper)

    busy = bench(*steps, die)
    with pytest.raises(Killed):
        busy.run()

    losses = died(shop, home, ids)
    lost = [shop.real.get(job_id).name for job_id, count in losses.items() if count]
    assert lost == running


def test_a_job_that_no_other_follows_is_noted_as_begun(
    shop: Workshop, bench: MakeBench, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """
    Though it was claimed with the ends of those before it: the worker's death is its loss.
    """
    ids = submit_named(shop.real, "a b c d")
    monkeypatch.setattr("workers.runtime.bundle.Bundle._abandon", lambda _: None)
    busy = bench(everything, everything, killed)
    with pytest.raises(Killed):
        busy.run()

    assert [0, 0, 0, 1] == list(died(shop, home, ids).values())


# -- room ----------------------------------------------------------------------------------------


def test_a_bundle_takes_the_share_of_its_largest_job(shop: Workshop, bench: MakeBench) -> None:
    """
    Its jobs run one after the other; what they leave is another slot's, and all is put back at the end.
    """
    for number in range(12):
        submit_named(shop.real, f"n{number}", memory_bytes=(1 + number % 3) * GIB)
    left: list[tuple[int, int]] = []
    found: list[Claim | None] = []

    def look(keeper: StandIn) -> Ends:
        left.append((shop.room.cores, shop.room.memory_bytes // GIB))
        return everything(keeper)

    def share(keeper: StandIn) -> Ends:
        (wide,) = submit_named(shop.real, "wide", memory_bytes=61 * GIB, priority=9)
        found.append(other.claim())
        assert found[0] is not None
        assert wide == found[0].job.id
        assert (0, 0) == (shop.room.cores, shop.room.memory_bytes)
        return everything(keeper)

    busy = bench(look, look, share)
    other = Slot(shop.worker, 1)
    busy.run()

    assert [(1, 63), (1, 61)] == left
    assert (1, 1, 3) == (shop.room.busy, shop.room.cores, shop.room.memory_bytes // GIB)
    assert [WORKER] == [lease.worker for lease in shop.room._slots]
    assert {DONE: 12, RUNNING: 1} == {state: count for state, count in shop.real.counts().items() if count}


def test_a_bundle_stops_all_that_it_holds(shop: Workshop, bench: MakeBench) -> None:
    """
    A worker that releases its jobs reaches each of them and says so; those that had not begun count nothing.
    """
    ids = submit_named(shop.real, "a b c d e f g h i")

    def release(keeper: StandIn) -> Ends:
        shop.worker.stopping.set()
        busy.slot.give_back()
        busy.slot.save_log()
        assert {Stop.GIVE_BACK} == {run.stopped for run in keeper.runs}
        return withdraw_those_behind(keeper)

    busy = bench(everything, everything, release, lambda _: ended(result=None, stopped=Stop.GIVE_BACK))
    busy.run()

    assert [*[DONE] * 3, *[QUEUED] * 6] == busy.states(ids)
    why = ("given_back", "the worker was stopped")
    assert [[(*why, ran)] for ran in (True, False, False, False)] == list(map(busy.attempts, ids[3:7]))
    assert busy.is_free()
