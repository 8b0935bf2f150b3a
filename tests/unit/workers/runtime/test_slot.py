"""From claim to finish: once each, whatever the store and the engine do."""

from __future__ import annotations

import json
import random
import threading
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.ended import POSITIONS, record, water
from tests.support.stores import beat, claimant, ended_at, new_job, outcome, submit, submit_named
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from tests.support.workshop import WORKER, StandIn, Workshop, ended, good, until_stopped
from workers.engine.checkpoint_file import FILE, MAX_BYTES
from workers.job import LEAST_TRY_S, Condition, JobState, Parent, Progress, Reason
from workers.keeper.keeper import Ended, Stop
from workers.result import ChemistryResult, Failure, OutcomeRecord
from workers.runtime import worker
from workers.runtime.artifacts import STORE_LIMIT_BYTES, attempt_directory, live_log
from workers.runtime.slot import Slot
from workers.store.settings import StoreSettings
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.job import Lease
    from workers.store.sqlite.store import SqliteStore
    from workers.store.values import Claim

XTB = {"kind": "opt", "engine": "xtb", "spec_json": '{"kind":"opt"}'}
RESULT = ChemistryResult(
    kind="opt",
    method="gfn2",
    engine="xtb",
    engine_version="22.1",
    charge=0,
    unpaired=0,
    symbols=("H",),
    positions_angstrom=((0.0, 0.0, 0.0),),
    energy_hartree=-5.07,
)


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A workshop in which a store that is away is asked again soon."""
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.001)
    built = Workshop(home)
    yield built
    built.close()


@pytest.fixture
def slot(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Slot]:
    """Makes a slot whose keeper ends jobs as told."""

    def make(does: Any) -> Slot:
        monkeypatch.setattr("workers.runtime.slot.Keeper", lambda: StandIn(does))
        return Slot(shop.worker, 0)

    return make


MakeSlot = Any
# Does not compress, and is more than the store takes.
NOISE = random.Random(1).randbytes(2 * STORE_LIMIT_BYTES)


def keeper_of(slot: Slot) -> StandIn:
    """The stand-in a slot runs jobs with."""
    keeper: Any = slot._keeper
    assert isinstance(keeper, StandIn)
    return keeper


def begin(slot: Slot) -> Claim:
    """Claim a job that must be there."""
    claim = slot.claim()
    assert claim is not None
    return claim


def in_thread(slot: Slot, claim: Claim) -> threading.Thread:
    """Run a job beside the test; it computes when this returns."""
    thread = threading.Thread(target=slot.run, args=(claim,))
    thread.start()

    def computes() -> bool:
        return any(attempt._run is not None for attempt in slot._attempts())

    wait_until(computes, 30, "a job that computes")
    return thread


def test_jobs_follow_each_other_in_one_step_each(shop: Workshop, slot: MakeSlot) -> None:
    """
    After the first claim each finish brings the next job, until none is left.
    """
    ids = submit_named(shop.real, "one two three")
    busy = slot(good)
    claim = begin(busy)
    while claim is not None:
        claim = busy.run(claim)

    assert [JobState.DONE] * 3 == [shop.real.get(job_id).state for job_id in ids]
    assert ["claim", "finish", "finish", "finish"] == shop.store.calls
    assert (3, 0, 2) == (shop.ends, shop.room.busy, shop.room.cores)


def handed_on(shop: Workshop, count: int) -> list[str]:
    """Store a job that is done, and others that start from its geometry; all of their ids."""
    (parent,) = submit(shop.real, water())
    link = (Parent(parent, Condition.RESULT),)
    asked = {"awaits_geometry": True, "source": {"job": parent}}
    ids = submit(shop.real, *(water(spec=asked, parents=link, engine="xtb") for _ in range(count)))
    claim = shop.real.claim(claimant())
    assert claim is not None
    shop.real.finish(claim.lease, outcome(outcome_json=record(claim.lease)))
    return [parent, *ids]


def test_a_geometry_is_taken_over_as_the_job_starts(shop: Workshop, slot: MakeSlot) -> None:
    """
    It is what the parent ended with, though the store is away at first; without one the job fails.
    """
    parent, *ids = handed_on(shop, 2)
    heard: list[Any] = []

    def hear(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        heard.append(json.loads(how["spec_json"]))
        return ended()

    busy = slot(hear)
    shop.store.before["outcome"] = 2
    following = busy.run(begin(busy))
    assert following is not None
    shop.store.store = Forgetful(shop.real, parent)  # type: ignore[assignment]
    busy.run(following)

    assert [(False, POSITIONS)] == [
        (spec["awaits_geometry"], spec["structure"]["positions_angstrom"]) for spec in heard
    ]
    assert [JobState.DONE, JobState.FAILED] == [shop.real.get(job_id).state for job_id in ids]
    assert Reason.DEPENDENCY is shop.real.get(ids[1]).reason
    assert "has no final geometry now" in shop.real.outcomes(ids[1:])[ids[1]]


class Forgetful:
    """A store in which one job's outcome cannot be found."""

    def __init__(self, store: SqliteStore, job_id: str) -> None:
        self.store, self.job_id = store, job_id

    def outcome(self, job_id: str, attempt: int) -> str | None:
        """Read all but that one."""
        return None if job_id == self.job_id else self.store.outcome(job_id, attempt)

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


def test_a_parent_that_runs_again_at_that_moment_is_waited_for(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The job that was handed out goes back, says why, and starts from the new geometry.
    """
    monkeypatch.setattr("workers.runtime.attempt.RUNS_AGAIN_PAUSE_S", 0.0)
    parent, child = handed_on(shop, 1)
    busy = slot(good)
    claim = begin(busy)
    shop.real.retry([parent], owner=None, done=True)

    assert busy.run(claim) is None
    assert JobState.BLOCKED is shop.real.get(child).state
    again = shop.real.claim(claimant())
    assert again is not None
    shop.real.finish(again.lease, outcome(outcome_json=record(again.lease)))
    busy.run(begin(busy))
    assert JobState.DONE is shop.real.get(child).state
    told = [(tried.message, tried.ran) for tried in shop.real.attempts(child)]
    assert [("job 1 runs again, whose result it needs", False)] == told


class PutBack:
    """A store that was put back to before each claim, as by a power cut."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim

    def claim(self, _claimant: Any) -> Claim:
        """Hand the same out again, under the same fence."""
        return self._claim


def test_a_claim_that_the_store_forgot_is_not_run_beside_itself(shop: Workshop, slot: MakeSlot) -> None:
    """
    Where the store hands out anew what runs here, that goes on alone; it has one share of the room, and gives
    it back.
    """
    (job_id,) = submit(shop.real, new_job())
    busy, idle = slot(good), slot(good)
    claim = begin(busy)
    shop.store.store = PutBack(claim)  # type: ignore[assignment]
    assert idle.claim() is None
    assert (1, 1) == (shop.room.busy, shop.room.cores)

    shop.store.store = shop.real
    busy.run(claim)
    assert JobState.DONE is shop.real.get(job_id).state
    assert (0, 2) == (shop.room.busy, shop.room.cores)


def test_the_record_is_a_valid_one(shop: Workshop, slot: MakeSlot) -> None:
    """
    What is kept beside the job reads as an OutcomeRecord, the result as the engine gave it.
    """
    (job_id,) = submit(shop.real, new_job())
    busy = slot(lambda *_: ended(warnings=("careful",)))

    busy.run(begin(busy))

    text = shop.real.outcomes([job_id])[job_id]
    record = msgspec.json.decode(text, type=OutcomeRecord)
    assert (1, WORKER, "1.2.3", ("careful",)) == (
        record.attempt,
        record.worker,
        record.nox_version,
        record.warnings,
    )
    assert {"kind": "echo", "payload": 1} == json.loads(text)["result"]


def test_a_failure_keeps_what_was_reached(shop: Workshop, slot: MakeSlot) -> None:
    """
    An optimisation that did not converge has its reason, its evidence, and its last energy and geometry.
    """

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        (how["scratch"] / "opt.xyz").write_text("1\n\nH 0 0 0\n")
        failure = Failure(reason=Reason.NOT_CONVERGED, message="not converged", evidence=("step 200",))
        return ended(
            result=RESULT,
            failure=failure,
            log=b"step 200\n",
            progress=ended_at(-5.07),
        )

    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(does)
    busy.run(begin(busy))

    job = shop.real.get(job_id)
    assert (JobState.FAILED, Reason.NOT_CONVERGED) == (job.state, job.reason)
    assert -5.07 == job.progress.energy_hartree
    assert ["engine.log", "opt.xyz"] == sorted(made.name for made in shop.real.artifacts(job_id))
    content = shop.real.artifact(job_id, "opt.xyz").content
    assert b"1\n\nH 0 0 0\n" == zlib.decompress(content or b"")
    assert [] == list(shop.scratch.path.iterdir())


def test_echo_touches_no_disk(shop: Workshop, slot: MakeSlot) -> None:
    """
    The smallest job has no folder.
    """
    submit(shop.real, new_job())
    seen: list[Any] = []

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        seen.append(how["scratch"])
        return ended()

    busy = slot(does)
    busy.run(begin(busy))

    assert [None] == seen


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_claim_is_repeated_until_it_is_answered(shop: Workshop, slot: MakeSlot, lost: str) -> None:
    """
    Whether the call or its reply was lost, the slot gets one attempt, its first.
    """
    ids = submit_named(shop.real, "one two")
    getattr(shop.store, lost)["claim"] = 3

    claim = begin(slot(good))

    assert (ids[0], 1) == (claim.job.id, claim.lease.fence)
    assert JobState.QUEUED is shop.real.get(ids[1]).state
    assert 1 == shop.room.cores


def test_a_refused_claim_holds_no_running_job_up(shop: Workshop, slot: MakeSlot) -> None:
    """
    A store that refuses claims is left alone until the next bell, so that others can record their ends; the
    log says why, once.
    """
    (job_id,) = submit_named(shop.real, "one")
    busy, idle = slot(good), slot(good)
    claim = begin(busy)
    shop.store.refuses = {"claim"}

    assert [None, None] == [idle.claim(), idle.claim()]
    assert busy.run(claim) is None
    assert JobState.DONE is shop.real.get(job_id).state
    assert 1 == shop.text.getvalue().count("no job can be taken: claim is refused")


@pytest.mark.parametrize("lost", ["before", "after"])
def test_an_end_is_recorded_once(shop: Workshop, slot: MakeSlot, lost: str) -> None:
    """
    Whether the call or its reply was lost, the end is recorded and the next job claimed, once each.
    """
    ids = submit_named(shop.real, "one two three")
    busy = slot(good)
    claim = begin(busy)
    getattr(shop.store, lost)["finish"] = 2

    following = busy.run(claim)

    assert following is not None
    assert (ids[1], 1) == (following.job.id, following.lease.fence)
    states = [shop.real.get(job_id).state for job_id in ids]
    assert [JobState.DONE, JobState.RUNNING, JobState.QUEUED] == states


def test_a_stopping_worker_does_not_wait_for_a_store(shop: Workshop, slot: MakeSlot) -> None:
    """
    A claim is no reason to stay.
    """
    idle = slot(good)
    shop.store.before["claim"] = 1_000_000
    found: list[Claim | None] = []
    thread = threading.Thread(target=lambda: found.append(idle.claim()))
    thread.start()
    wait_until(lambda: len(shop.store.calls) > 2, 30, "a claim that is repeated")

    shop.worker.stopping.set()
    thread.join(30)

    assert [None] == found


def test_an_end_nobody_hears_is_given_up_when_time_is_over(shop: Workshop, slot: MakeSlot) -> None:
    """
    A worker that may wait no longer leaves its job to others, and says so.
    """
    (job_id,) = submit(shop.real, new_job())

    def does(keeper: StandIn, how: dict[str, Any]) -> Ended:
        shop.worker.stopping.set()
        shop.worker.abandoning.set()
        return good(keeper, how)

    busy = slot(does)
    shop.store.before["finish"] = 1_000_000

    assert busy.run(begin(busy)) is None
    assert JobState.RUNNING is shop.real.get(job_id).state
    assert "it may run again" in shop.log


def test_an_end_that_the_store_refuses_is_told_once(shop: Workshop, slot: MakeSlot) -> None:
    """
    It is tried again until the store takes it, and whoever reads the log can see what it waits for.
    """
    (job_id,) = submit(shop.real, new_job())
    busy = slot(good)
    claim = begin(busy)
    shop.store.refuses.add("finish")
    thread = threading.Thread(target=busy.run, args=(claim,))
    thread.start()
    wait_until(lambda: shop.store.calls.count("finish") > 3, 30, "some more tries")
    assert 1 == shop.log.count("finish is refused; trying again")
    shop.store.refuses.clear()
    thread.join(30)

    assert JobState.DONE is shop.real.get(job_id).state


def test_the_files_of_an_end_whose_answer_was_lost_stay(shop: Workshop, slot: MakeSlot) -> None:
    """
    The end was recorded, and the worker had to stop before it heard: the record names files that are there.
    """

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        (how["scratch"] / "trajectory.xyz").write_bytes(NOISE)
        shop.worker.stopping.set()
        shop.worker.abandoning.set()
        return ended(result=RESULT)

    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(does)
    shop.store.after["finish"] = 1_000_000

    assert busy.run(begin(busy)) is None
    assert JobState.DONE is shop.real.get(job_id).state
    assert NOISE == Path(shop.real.artifact(job_id, "trajectory.xyz").path).read_bytes()


class Late:
    """A store whose answer to a finish comes after the job has begun to run again elsewhere."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    def finish(self, lease: Lease, *words: Any) -> Claim | None:
        """Record the end, let the job run again, and hear the same once more."""
        self.store.finish(lease, *words[:1])
        self.store.retry([lease.job_id], owner=None, done=True)
        assert self.store.claim(claimant("other-1-a")) is not None
        return self.store.finish(lease, *words)

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


def test_a_late_answer_costs_no_files_of_a_recorded_end(shop: Workshop, slot: MakeSlot) -> None:
    """
    The lease is lost, for another attempt runs; what the store has recorded of this one stays.
    """

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        (how["scratch"] / "trajectory.xyz").write_bytes(NOISE)
        return ended(result=RESULT)

    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(does)
    claim = begin(busy)
    shop.store.store = Late(shop.real)  # type: ignore[assignment]
    busy.run(claim)

    assert "lease lost, discarded" in shop.log
    assert NOISE == Path(shop.real.artifact(job_id, "trajectory.xyz").path).read_bytes()


def test_the_files_of_each_attempt_are_kept(shop: Workshop, slot: MakeSlot, home: Path) -> None:
    """
    One that is tried again records its log and files, and the next leaves them alone; what an attempt left
    without recording it is removed, but for its log.
    """

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        (how["scratch"] / "trajectory.xyz").write_bytes(NOISE)
        result, failure, log = ends.pop(0)
        return ended(result=result, failure=failure, log=log)

    (job_id,) = submit(shop.real, new_job(**XTB, retries=1, retry_on=frozenset({Reason.CRASHED})))
    crash = Failure(reason=Reason.CRASHED, message="killed")
    ends = [(None, crash, b"the first\n"), (RESULT, None, b"the second\n")]
    busy = slot(does)
    busy.run(begin(busy))
    litter = attempt_directory(shop.artifact_store.root, job_id, 1) / "opt.xyz"
    litter.write_bytes(b"half")
    vandal_of(StoreSettings(redis_url=None, prefix="nox:", home=home)).fall_due(job_id)
    shop.real.tick(beat())
    busy.run(begin(busy))

    assert JobState.DONE is shop.real.get(job_id).state
    assert not litter.exists()
    for number, log in ((1, b"the first\n"), (2, b"the second\n")):
        content = shop.real.artifact(job_id, "engine.log", number).content
        assert log == zlib.decompress(content or b"")
        path = shop.real.artifact(job_id, "trajectory.xyz", number).path
        assert NOISE == Path(path).read_bytes()


def lose(shop: Workshop, claim: Claim) -> None:
    """Make a lease stale: the job is given back and another worker ends it."""
    shop.real.give_back(claim.lease, "lost")
    other = shop.real.claim(claimant("other-1-a"))
    assert other is not None
    shop.real.finish(other.lease, outcome())


def test_a_stale_end_changes_nothing_and_leaves_nothing(shop: Workshop, slot: MakeSlot) -> None:
    """
    An attempt whose job passed to another discards its files and the slot goes on with the next job.
    """

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        (how["scratch"] / "trajectory.xyz").write_bytes(NOISE)
        lose(shop, claim)
        return ended(result=RESULT)

    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(does)
    claim = begin(busy)
    (later,) = submit(shop.real, new_job())

    following = busy.run(claim)

    assert following is not None
    assert later == following.job.id
    assert 2 == shop.real.get(job_id).attempt
    assert not attempt_directory(shop.artifact_store.root, job_id, 1).exists()
    assert "lease lost, discarded" in shop.log


def test_a_stop_that_comes_late_reaches_no_later_job(shop: Workshop, slot: MakeSlot) -> None:
    """
    The thread that renews leases may stop a job that has just ended: the slot's next one goes on.
    """
    stops: list[Callable[[Stop], None]] = []

    def does(keeper: StandIn, how: dict[str, Any]) -> Ended:
        stops.extend(shop.leases._held.values())
        return ended() if len(stops) == 1 else until_stopped(keeper, how)

    submit_named(shop.real, "a b")
    busy = slot(does)
    following = busy.run(begin(busy))
    assert following is not None
    thread = in_thread(busy, following)

    stops[0](Stop.LOST)
    assert not keeper_of(busy).asked.is_set()
    wait_until(lambda: len(stops) == 2, 30, "the next job")
    stops[1](Stop.GIVE_BACK)
    thread.join(30)
    assert Stop.GIVE_BACK is keeper_of(busy).stopped


def test_a_cancelled_job_ends_as_cancelled(shop: Workshop, slot: MakeSlot) -> None:
    """
    Told to cancel, the slot stops the engine and records that.
    """
    (job_id,) = submit(shop.real, new_job())
    busy = slot(until_stopped)
    thread = in_thread(busy, begin(busy))
    shop.real.cancel([job_id], owner=None)

    (attempt,) = shop.leases._held.values()
    attempt(Stop.CANCEL)
    thread.join(30)

    job = shop.real.get(job_id)
    assert (JobState.CANCELLED, Reason.USER) == (job.state, job.reason)


def test_a_job_that_ended_first_is_done(shop: Workshop, slot: MakeSlot) -> None:
    """
    A result that came before the stop counts.
    """
    first, second = submit_named(shop.real, "one two")
    busy = slot(lambda *_: ended(stopped=Stop.CANCEL))
    following = busy.run(begin(busy))
    keeper_of(busy).does = lambda *_: ended(stopped=Stop.GIVE_BACK)
    assert following is not None
    busy.run(following)

    assert [JobState.DONE] * 2 == [shop.real.get(job_id).state for job_id in (first, second)]


@pytest.mark.parametrize("least_s", [0.0, LEAST_TRY_S])
def test_a_job_is_given_back(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch, least_s: float
) -> None:
    """
    At a drain's end the job waits again, and only a try of a minute counts; a slot that runs nothing has
    nothing to give back.
    """
    monkeypatch.setattr("workers.runtime.recorder.LEAST_TRY_S", least_s)
    (job_id,) = submit(shop.real, new_job())
    busy = slot(until_stopped)
    busy.give_back()
    thread = in_thread(busy, begin(busy))
    shop.worker.stopping.set()

    busy.give_back()
    thread.join(30)

    job = shop.real.get(job_id)
    assert (JobState.QUEUED, 0, int(least_s == 0)) == (job.state, job.losses, job.releases)
    assert 0 == shop.room.busy


def reach(text: bytes, *, reports: bool) -> Callable[..., Ended]:
    """Make a computation that notes what it found in its folder, writes what it reached, and is stopped."""

    def does(keeper: StandIn, how: dict[str, Any]) -> Ended:
        file = how["scratch"] / FILE
        FOUND.append(file.read_bytes() if file.exists() else None)
        file.write_bytes(text)
        if reports:
            how["on_progress"](Progress(step=1))
        return until_stopped(keeper, how)

    return does


FOUND: list[bytes | None] = []
NEAR = b'{"gradients": 1}\n'
FAR = NEAR + b"a row\nanother\nhalf of"


def has_begun(count: int) -> bool:
    """Whether so many attempts have looked into their folders."""
    return len(FOUND) == count


def test_slot_what_was_reached_is_kept_as_a_job_runs(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A worker that is killed has left it in the store.
    """
    monkeypatch.setattr("workers.runtime.attempt.EVERY_S", 0.0)
    monkeypatch.setattr("workers.runtime.attempt.PROGRESS_EVERY_S", 0.0)
    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(reach(FAR, reports=True))
    thread = in_thread(busy, begin(busy))
    wait_until(lambda: shop.real.checkpoint(job_id) is not None, 30, "a checkpoint")
    keeper_of(busy).stop(Stop.LOST)
    thread.join(30)

    assert FAR == zlib.decompress(shop.real.checkpoint(job_id) or b"")


@pytest.mark.parametrize("content", [b"", b"rubbish", zlib.compress(bytes(MAX_BYTES + 1))])
def test_slot_what_cannot_be_unpacked_is_left_aside(shop: Workshop, slot: MakeSlot, content: bytes) -> None:
    """
    The job starts again, and the log says why.
    """
    FOUND.clear()
    (job_id,) = submit(shop.real, new_job(**XTB))
    first = shop.real.claim(claimant(WORKER, engines=frozenset({"xtb"})))
    assert first is not None
    shop.real.keep_checkpoint(first.lease, content, 1)
    shop.real.give_back(first.lease, "drained")
    busy = slot(reach(NEAR, reports=False))
    thread = in_thread(busy, begin(busy))
    wait_until(partial(has_begun, 1), 30, "an attempt")
    keeper_of(busy).stop(Stop.GIVE_BACK)
    thread.join(30)

    assert "of no use, starting again" in shop.log
    assert FOUND[0] in {None, b""}
    assert NEAR == zlib.decompress(shop.real.checkpoint(job_id) or b"")


@pytest.mark.parametrize("how", ["is_keeper_lost", "is_out_of_room"])
def test_slot_what_a_lost_engine_has_reached_is_gone_on_from(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """
    It is in the next engine's folder, and in the store before that; a store that is away changes nothing.
    """
    monkeypatch.setattr("workers.runtime.attempt.NO_ROOM_PAUSE_S", 0.01)
    (job_id,) = submit(shop.real, new_job(**XTB))
    failure = Failure(reason=Reason.CRASHED, message="lost")
    found: list[tuple[bytes | None, bytes | None]] = []

    def lost(_keeper: StandIn, asked: dict[str, Any]) -> Ended:
        path = Path(asked["scratch"]) / FILE
        kept = shop.real.checkpoint(job_id)
        found.append((path.read_bytes() if path.exists() else None, kept and zlib.decompress(kept)))
        path.write_bytes((NEAR, FAR)[min(len(found), 2) - 1])
        shop.store.before["keep_checkpoint"] = len(found) - 1
        return ended() if len(found) == 3 else ended(result=None, failure=failure, **{how: True})

    busy = slot(lost)
    busy.run(begin(busy))

    assert [(None, None), (NEAR, NEAR), (FAR, NEAR)] == found


def test_a_store_that_is_away_has_what_was_reached_once_it_is_back(shop: Workshop, slot: MakeSlot) -> None:
    """
    The job is not given back without it.
    """
    FOUND.clear()
    (job_id,) = submit(shop.real, new_job(**XTB))
    busy = slot(reach(FAR, reports=False))
    thread = in_thread(busy, begin(busy))
    wait_until(partial(has_begun, 1), 30, "an attempt")
    shop.store.before["keep_checkpoint"] = 2
    shop.worker.stopping.set()
    busy.give_back()
    thread.join(30)

    assert FAR == zlib.decompress(shop.real.checkpoint(job_id) or b"")


def test_a_stopping_worker_starts_no_engine(shop: Workshop, slot: MakeSlot) -> None:
    """
    A job that was claimed just before, or whose keeper or engine is killed then, is given back, no loss.
    """
    started: list[bool] = []
    failure = Failure(reason=Reason.CRASHED, message="killed")

    def lost(_keeper: StandIn, _how: dict[str, Any]) -> Ended:
        started.append(shop.worker.stopping.is_set())
        shop.worker.stopping.set()
        return ended(result=None, failure=failure, is_keeper_lost=len(started) == 1, killed_by=15)

    (job_id,) = submit(shop.real, new_job(**XTB))
    for _ in range(2):
        shop.worker.stopping.clear()
        busy = slot(lost)
        busy.run(begin(busy))
    shop.worker.stopping.clear()
    claim = begin(busy)
    shop.worker.stopping.set()
    busy.run(claim)

    assert [False, False] == started
    job = shop.real.get(job_id)
    assert (JobState.QUEUED, 3, 0, 0) == (job.state, job.attempt, job.losses, job.releases)


def test_slot_what_goes_wrong_around_a_job_fails_the_job(shop: Workshop, slot: MakeSlot) -> None:
    """
    A worker that cannot run a job says so and lives.
    """

    def does(*_: Any) -> Ended:
        raise OSError("no space")

    (job_id,) = submit(shop.real, new_job())
    busy = slot(does)
    busy.run(begin(busy))

    job = shop.real.get(job_id)
    assert (JobState.FAILED, Reason.INTERNAL) == (job.state, job.reason)
    assert "no space" in shop.real.outcomes([job_id])[job_id]


def test_an_unexpected_error_of_the_store_leaves_the_room_free(shop: Workshop, slot: MakeSlot) -> None:
    """
    Whatever is raised, cores and leases are not lost with it.
    """
    submit(shop.real, new_job())
    busy = slot(good)
    claim = begin(busy)
    shop.store.store = None  # type: ignore[assignment]

    with pytest.raises(AttributeError):
        busy.run(claim)

    assert (2, 0, {}) == (shop.room.cores, shop.room.busy, shop.leases._held)
    shop.store.store = shop.real


def test_progress_reaches_the_store_a_few_times_a_second(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The first quarter of a second is silent, then one word a quarter; a store that is away is left alone.
    """
    now = [100.0]
    monkeypatch.setattr("workers.runtime.attempt.monotonic", lambda: now[0])

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        for number in range(100):  # one second, 100 steps
            now[0] += 0.01
            how["on_progress"](Progress(step=number))
        shop.store.before["progress"] = 1
        now[0] += 1
        for number in range(100, 110):  # ten seconds: one fails, then five are silent
            now[0] += 1
            how["on_progress"](Progress(step=number))
        return ended()

    (job_id,) = submit(shop.real, new_job())
    busy = slot(does)
    busy.run(begin(busy))

    assert 4 + 1 + 5 == shop.store.calls.count("progress")
    assert 109 == shop.real.get(job_id).progress.step


def test_points_between_two_reports_reach_the_store(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    None is lost, also while the store is away; gradients of frequencies are no points.
    """
    now = [100.0]
    monkeypatch.setattr("workers.runtime.attempt.monotonic", lambda: now[0])
    kept: list[Any] = []

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        for number in range(1, 101):  # 4 reports in a second, of which the second fails, then six are silent
            now[0] += 0.1
            shop.store.before["progress"] = int(number == 5)
            how["on_progress"](Progress(None, "opt", number, -number, None, 1 / number))
        for number in range(1, 21):
            now[0] += 0.1
            how["on_progress"](Progress(None, "freq", number, -100.0, None, 0.01))
        kept.extend(shop.real.points([job_id])[job_id])
        return ended()

    (job_id,) = submit(shop.real, new_job())
    busy = slot(does)
    busy.run(begin(busy))

    assert [Point(number, -number, 1 / number) for number in range(1, 101)] == kept


def test_points_of_an_engine_that_starts_over_replace_the_later_ones(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    They are those of one course, though the engine was killed between two reports.
    """
    now = [100.0]
    monkeypatch.setattr("workers.runtime.attempt.monotonic", lambda: now[0])
    kept: list[Any] = []

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        for number in (1, 2, 3, 4, 2, 3, 3):
            how["on_progress"](Progress(None, "opt", number, -number, None, 0.1))
        now[0] += 1
        how["on_progress"](Progress(None, "opt", 4, -4.0, None, 0.1))
        kept.extend(shop.real.points([job_id])[job_id])
        return ended()

    (job_id,) = submit(shop.real, new_job())
    busy = slot(does)
    busy.run(begin(busy))

    assert [1, 2, 3, 4] == [point.step for point in kept]


def test_steps_do_not_pile_up_before_a_slow_store(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The quarter of a second begins with the store's answer: what was reported while it took its time is past.
    """
    now = [100.0]
    monkeypatch.setattr("workers.runtime.attempt.monotonic", lambda: now[0])
    progress = shop.real.progress

    def slowly(lease: Lease, reached: Progress, passed: tuple[Point, ...]) -> None:
        now[0] += 0.4
        progress(lease, reached, passed)

    monkeypatch.setattr(shop.real, "progress", slowly)

    def does(_keeper: StandIn, how: dict[str, Any]) -> Ended:
        now[0] += 1
        for number in range(20):
            how["on_progress"](Progress(step=number))
        return ended()

    submit(shop.real, new_job())
    busy = slot(does)
    busy.run(begin(busy))

    assert 1 == shop.store.calls.count("progress")


def test_progress_of_a_lost_job_stops_it(
    shop: Workshop, slot: MakeSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A word the store refuses ends the engine at once.
    """
    monkeypatch.setattr("workers.runtime.attempt.PROGRESS_EVERY_S", 0.0)

    def does(keeper: StandIn, how: dict[str, Any]) -> Ended:
        lose(shop, claim)
        how["on_progress"](Progress(step=1))
        return ended(result=None, stopped=keeper.stopped)

    submit(shop.real, new_job())
    busy = slot(does)
    claim = begin(busy)
    busy.run(claim)

    assert "lease lost, discarded" in shop.log


def test_slot_what_the_engine_prints_can_be_read_meanwhile(shop: Workshop, slot: MakeSlot) -> None:
    """
    The live log grows while the job runs and makes way for the artifact.
    """
    seen: list[bytes] = []

    def does(keeper: StandIn, _how: dict[str, Any]) -> Ended:
        assert keeper.run.task.on_output is not None
        busy.save_log()
        for text in (b"one\n", b"two\n"):
            keeper.run.task.on_output(text)
            busy.save_log()
            seen.append(live_log(shop.artifact_store.root, claim.job.id, 1).read_bytes())
        return ended(log=b"one\ntwo\n")

    submit(shop.real, new_job())
    busy = slot(does)
    claim = begin(busy)
    busy.run(claim)
    keeper_of(busy).run.task.on_output(b"late")  # type: ignore[misc]
    busy.save_log()

    assert [b"one\n", b"one\ntwo\n"] == seen
    assert [] == list(shop.artifact_store.root.iterdir())
    (made,) = shop.real.artifacts(claim.job.id)
    assert (8, "engine.log") == (made.size, made.name)


def test_slots_never_overcommit(shop: Workshop, slot: MakeSlot) -> None:
    """
    What one slot's job has is not offered to another's, until it has ended.
    """
    wide, narrow = submit(shop.real, new_job(cores=2), new_job(cores=1))
    busy, other = slot(good), Slot(shop.worker, 1)
    claim = begin(busy)
    refused = other.claim()

    following = busy.run(claim)

    assert (wide, None, narrow) == (claim.job.id, refused, following and following.job.id)
    assert 1 == shop.room.cores


def test_a_keeper_is_replaced(shop: Workshop, slot: MakeSlot) -> None:
    """
    After something unexpected a slot starts over with another keeper; at the end the last one is closed.
    """
    busy = slot(good)
    first = keeper_of(busy)
    busy.replace_keeper()
    second = keeper_of(busy)
    busy.close()

    assert (True, True) == (first.is_closed, second.is_closed)
    assert first is not second
    assert 0 == shop.ends
