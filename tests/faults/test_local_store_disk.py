"""At the n-th write to the local store the disk fails or is full, or the process is killed."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.disk import How, Said, Spoiler, spoiler
from tests.support.sound import Seen, go_on, look
from tests.support.stores import beat, claim, outcome, submit_named
from workers.job import JobState
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACTS = ("make", "submit", "claim", "finish", "publish", "give_back", "cancel", "tick")
DEAD = "node09-77-dead"
SAMPLED = 4  # calls of each act that go wrong in the short suite
MOST = 400


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoiler]:
    """A process whose disk gets into trouble on demand."""
    with spoiler(tmp_path_factory.mktemp("shim")) as process:
        yield process


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with jobs in several states, as a killed process leaves it: part of it in the log."""
    home = tmp_path_factory.mktemp("template") / "state"
    home.mkdir(mode=0o700)
    left = home.with_name("left")
    store = SqliteStore.open(home)
    submit_named(store, "a b c d e f", batch="old")
    store.tick(beat(DEAD))
    for _ in range(2):
        store.finish(claim(store, DEAD).lease, outcome())
    claim(store, DEAD)
    left.mkdir(mode=0o700)
    shutil.copytree(home / "workers", left / "workers")
    for name in (FILE, f"{FILE}-wal"):
        shutil.copy2(home / name, left / name)
    store.close()
    return left


def spoil(disk: Spoiler, template: Path, folder: Path, act: str, at: int, how: How) -> bool:
    """Let the n-th call of an act go wrong and judge what is left; whether anything went wrong."""
    home = folder / f"{act}-{how.name}-{at}"
    if act == "make":
        home.mkdir(mode=0o700)
    else:
        shutil.copytree(template, home)
    said = disk.spoil(home, act, at, how)
    is_killed = said.ended == -signal.SIGKILL
    went_wrong = is_killed or said.calls >= at

    assert said.ended == 0 or (is_killed and how in {How.KILL, How.TORN})
    seen = look(home)
    judge(said, seen)
    if not went_wrong:
        assert said.told is None
        assert (
            said.accepted or said.claimed or said.finished or said.returned or said.cancelled or said.reaped
        )
    go_on(home)
    shutil.rmtree(home)
    return went_wrong


def judge(said: Said, seen: Seen) -> None:
    """Whatever was promised is kept; what was not is there as a whole or not at all."""
    states = seen.states()
    stored = [job_id in states for job_id in said.asked]
    assert all(stored) or not any(stored)
    assert set(said.accepted) <= set(states)
    assert all(seen.jobs[job_id].attempt == fence for job_id, fence in said.claimed.items())
    assert {JobState.RUNNING} >= {states[job_id] for job_id in said.claimed}
    assert {JobState.DONE} >= {states[job_id] for job_id in said.finished}
    assert said.finished == {job_id: len(seen.artifacts[job_id]) for job_id in said.finished}
    assert {JobState.QUEUED} >= {states[job_id] for job_id in [*said.returned, *said.reaped]}
    assert {JobState.CANCELLED} >= {states[job_id] for job_id in said.cancelled}
    if said.told is not None and not said.is_open:
        assert said.events + len(said.accepted) == seen.events


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("act", ACTS)
def test_local_store_disk_any_call_may_go_wrong(
    disk: Spoiler, template: Path, tmp_path: Path, act: str, how: How
) -> None:
    """
    Wherever the disk fails, fills up or the process is killed: what was promised is there, and all is sound.
    """
    shutil.copytree(template, tmp_path / "whole")
    (tmp_path / "empty").mkdir(mode=0o700)
    total = disk.spoil(tmp_path / ("empty" if act == "make" else "whole"), act, 0, how).calls
    step = max(1, total // SAMPLED)
    wrong = [spoil(disk, template, tmp_path, act, at, how) for at in range(1, total + 1, step)]

    assert sum(wrong) >= min(total, SAMPLED)


@pytest.mark.long
@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("act", ACTS)
def test_every_call_may_go_wrong(disk: Spoiler, template: Path, tmp_path: Path, act: str, how: How) -> None:
    """
    The same for every call from the first to the last, until none is left that could go wrong.
    """
    at = 1
    while spoil(disk, template, tmp_path, act, at, how):
        at += 1
        assert at < MOST

    assert at > SAMPLED
