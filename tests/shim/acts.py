"""Does things to local stores while their disk is in trouble; tests/support/disk.py starts it with disk.so.

Each line of stdin asks for one act.  It is done in a fork, which says on stdout what it was promised, line by
line, so that what it said before it was killed counts; the last line tells how the fork ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.stores import (
    OTHER_WORKER,
    artifact,
    beat,
    claim,
    claimant,
    ended_at,
    new_job,
    outcome,
    submit,
)
from workers.errors import LeaseLost, StoreError
from workers.job import JobState
from workers.runtime.artifacts import ArtifactStore
from workers.store.sqlite.store import SqliteStore
from workers.store.values import Ahead, AttemptEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workers.store.values import Claim, Claimant

    Step = Callable[[], None]

SHIM = ctypes.CDLL(None)
FILE_BYTES = 200_000  # more than goes into the store
ROUNDS = 40
GROUP = 8
FULL, FULL_AT_CLOSE = 2, 5


def tell(**said: Any) -> None:
    """Say something that counts even if this process is killed right after it."""
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def submitting(store: SqliteStore) -> Step:
    """Hand over three jobs."""
    jobs = [new_job(f"new {n}", batch="new") for n in range(3)]
    tell(asked=[job.id for job in jobs])
    return lambda: tell(accepted=submit(store, *jobs))


def claiming(store: SqliteStore) -> Step:
    """Claim a job."""
    return lambda: _tell_claim(store.claim(claimant()))


def finishing(store: SqliteStore) -> Step:
    """End a job, with what it left, and claim the next."""
    lease = claim(store).lease
    left = (artifact("opt.xyz"), artifact("engine.log", "log"))

    def step() -> None:
        following = store.finish(
            lease,
            outcome(artifacts=left, progress=ended_at(-1.0)),
            claimant(),
        )
        tell(finished=lease.job_id, artifacts=2)
        _tell_claim(following)

    return step


def publishing(store: SqliteStore) -> Step:
    """Publish a file of an attempt, and end it."""
    lease = claim(store).lease
    home = Path(store.where).parent
    scratch = home / "scratch"
    scratch.mkdir(mode=0o700)
    (scratch / "trajectory.xyz").write_bytes(os.urandom(FILE_BYTES))
    artifact_store = ArtifactStore(home / "artifacts", "here")
    artifact_store.prepare()

    def step() -> None:
        kept = artifact_store.keep(lease.job_id, lease.fence, scratch, b"log\n")
        store.finish(lease, outcome(artifacts=kept.artifacts))
        tell(finished=lease.job_id, artifacts=len(kept.artifacts), warnings=list(kept.warnings))

    return step


def returning(store: SqliteStore) -> Step:
    """Give a job back."""
    lease = claim(store).lease

    def step() -> None:
        store.give_back(lease, "drained")
        tell(returned=lease.job_id)

    return step


def cancelling(store: SqliteStore) -> Step:
    """Cancel all that waits or runs."""
    wanted = store.with_numbers(1, 1_000)

    def step() -> None:
        answers = store.cancel(wanted, owner=None)
        tell(cancelled=[answer.job_id for answer in answers if answer.after is JobState.CANCELLED])

    return step


def reaping(store: SqliteStore) -> Step:
    """Take back the job of a dead worker."""
    return lambda: tell(reaped=list(store.tick(beat(OTHER_WORKER)).reaped))


def making(home: Path) -> None:
    """Make a store, and hand over three jobs."""
    jobs = [new_job(f"new {n}", batch="new") for n in range(3)]
    tell(asked=[job.id for job in jobs])
    store = SqliteStore.open(home)
    try:
        tell(accepted=submit(store, *jobs))
    finally:
        store.close()


ACTS: dict[str, Callable[[SqliteStore], Step]] = {
    "submit": submitting,
    "claim": claiming,
    "finish": finishing,
    "publish": publishing,
    "give_back": returning,
    "cancel": cancelling,
    "tick": reaping,
}


def spoil(home: Path, act: str, at: int, how: int) -> None:
    """Do an act whose `at`-th call of the disk goes wrong, and close the store; say what an error said.

    Once the disk works again the same store is used again; or it is closed while the disk is still full.
    """
    store = None if act == "make" else SqliteStore.open(home)
    step = ACTS[act](store) if store else lambda: making(home)
    tell(events=len(store.events("0").items) if store else 0)
    SHIM.disk_arm(at, FULL if how == FULL_AT_CLOSE else how)
    told = _try(step)
    if store is not None and how != FULL_AT_CLOSE and told is not None:
        tell(calls=SHIM.disk_disarm())
        tell(accepted=submit(store, new_job("after")))
    elif store is not None:
        store.close()
    tell(calls=SHIM.disk_disarm())


def record(home: Path, to: Path) -> None:
    """Use a store for a while; every call of the disk is written down, with what was promised between."""
    store = SqliteStore.open(home)
    SHIM.disk_record(os.fsencode(to))
    for n in range(ROUNDS):
        for job_id in submit(store, *(new_job(f"{n}") for _ in range(1 + n % 3))):
            SHIM.disk_note(f"accepted {job_id}".encode())
        store.tick(beat())
        found = claim(store)
        SHIM.disk_note(f"claimed {found.job.id} {found.lease.fence}".encode())
        store.renew([found.lease])
        if n % 3 != 2:
            store.finish(found.lease, outcome(outcome_json="x" * 3_000, artifacts=(artifact("opt.xyz"),)))
            SHIM.disk_note(f"finished {found.job.id}".encode())


def record_groups(home: Path, to: Path) -> None:
    """Run jobs in groups, each with one lease that is lost, with every call of the disk written down."""
    store = SqliteStore.open(home)
    SHIM.disk_record(os.fsencode(to))
    store.tick(beat())
    left = outcome(outcome_json="x" * 300, artifacts=(artifact("opt.xyz"),))
    held = _note_claims(store.claim_several([_place(slot) for slot in range(GROUP)]))
    while held:
        size = max(1, len(held) - 1)
        ended, running = held[:size], held[size:]
        endings = [AttemptEnd(found.lease, left, _place(slot)) for slot, found in enumerate(ended)]
        endings.insert(1, AttemptEnd(ended[0].lease._replace(fence=99), left, _place(GROUP)))
        answers = store.finish_several(endings, running[0].lease if running else None)
        assert isinstance(answers.pop(1), LeaseLost)
        for found in ended:
            SHIM.disk_note(f"finished {found.job.id}".encode())
        held = [*running, *_note_claims(answers)]


def _place(slot: int) -> Claimant:
    ahead = Ahead(held=1, engine="echo", kind="echo", atoms=0) if slot else None
    return claimant(slot=slot, ahead=ahead)


def _note_claims(answers: Sequence[Claim | LeaseLost | None]) -> list[Claim]:
    claims = [answer for answer in answers if answer is not None and not isinstance(answer, LeaseLost)]
    for found in claims:
        SHIM.disk_note(f"claimed {found.job.id} {found.lease.fence}".encode())
    return claims


def record_making(home: Path, to: Path) -> None:
    """Make a store with every call of the disk written down."""
    SHIM.disk_record(os.fsencode(to))
    SqliteStore.open(home)


def record_publishing(home: Path, to: Path) -> None:
    """Publish a file of an attempt, and end it, with every call of the disk written down."""
    step = publishing(SqliteStore.open(home))
    SHIM.disk_record(os.fsencode(to))
    step()


def _try(step: Step) -> StoreError | None:
    try:
        step()
    except StoreError as error:
        tell(told=[type(error).__name__, error.what], is_open=error.is_open)
        return error
    return None


def _tell_claim(found: Claim | None) -> None:
    assert found is not None, "nothing to claim"
    tell(claimed=[found.job.id, found.lease.fence])


def _in_a_fork(asked: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            if "to" in asked:
                globals()[asked["act"]](Path(asked["home"]), Path(asked["to"]))
            else:
                spoil(Path(asked["home"]), asked["act"], asked["at"], asked["how"])
        except BaseException as error:  # noqa: BLE001 - the test is told
            tell(traceback=repr(error))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        tell(ended=_in_a_fork(json.loads(line)))


if __name__ == "__main__":
    main()
