"""A power cut takes from the local store whatever was not synced."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.disk import Spoiler, spoiler
from tests.support.power import Entry, after_power_cut, unsynced
from tests.support.sound import Seen, go_on, look
from tests.support.stores import new_job, submit
from workers.job import JobState
from workers.store.sqlite.store import FILE, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOG = f"{FILE}-wal"
SAMPLED = 25
GROUPED, GROUP_CUTS = 60, 100


class Recording:
    """A store in use, with every call of the disk."""

    def __init__(self, base: dict[str, bytes], entries: list[Entry]) -> None:
        self.base = base
        self.entries = entries

    def cut(self, at: int, home: Path) -> None:
        """Make up the store as a disk holds it if the power goes after so many calls."""
        home.mkdir(mode=0o700)
        for name, content in after_power_cut(self.entries[:at], self.base, random.Random(at)).items():
            (home / name).write_bytes(content)
        (home / FILE).chmod(0o600)

    def check(self, at: int, home: Path) -> Seen:
        """Hold a store after a power cut to what was promised before it."""
        self.cut(at, home)
        seen = look(home)
        for entry in self.entries[:at]:
            if entry.kind == "n":
                check_promise(seen, *entry.name.split())
        go_on(home)
        shutil.rmtree(home)
        return seen


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoiler]:
    """A process whose disk is watched."""
    with spoiler(tmp_path_factory.mktemp("shim")) as process:
        yield process


@pytest.fixture(scope="module")
def recording(disk: Spoiler, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A store that is used until its log was written back to the file and begun anew."""
    return recorded(disk, "record", tmp_path_factory.mktemp("recorded") / "state", jobs=1)


def recorded(disk: Spoiler, act: str, home: Path, *, jobs: int) -> Recording:
    """Record what is done to a store with some jobs."""
    home.mkdir(mode=0o700)
    store = SqliteStore.open(home)
    submit(store, *(new_job() for _ in range(jobs)))
    store.close()
    base = {FILE: (home / FILE).read_bytes(), LOG: b""}
    return Recording(base, disk.record(act, home, home.with_name("calls")))


def check_promise(seen: Seen, kind: str, job_id: str, fence: str = "0") -> None:
    """What was said before the power went is so after it."""
    job = seen.jobs[job_id]
    if kind == "claimed":
        assert int(fence) == job.attempt
        assert job.state in {JobState.RUNNING, JobState.DONE}
    if kind == "finished":
        assert JobState.DONE is job.state
        assert ["opt.xyz"] == [artifact.name for artifact in seen.artifacts[job_id]]


def cuts_around_syncs(entries: Sequence[Entry]) -> list[int]:
    """Name the moments before and after each sync."""
    return [n + after for n, entry in enumerate(entries) if entry.kind == "s" for after in (0, 1)]


def test_the_recording_sees_all_there_is(recording: Recording, tmp_path: Path) -> None:
    """
    The calls that were written down lead to the very files; the log was written back once and begun anew.
    """
    at = len(recording.entries)
    recording.entries.append(Entry("s", LOG, 0, b""))
    recording.entries.append(Entry("s", FILE, 0, b""))
    recording.cut(at + 2, tmp_path / "made up")
    del recording.entries[at:]
    kept = next(Path(entry.name).parent for entry in recording.entries if entry.kind == "w")

    assert (kept / FILE).read_bytes() == (tmp_path / "made up" / FILE).read_bytes()
    assert (kept / LOG).read_bytes() == (tmp_path / "made up" / LOG).read_bytes()
    assert 2 <= sum(
        entry.kind == "w" and entry.name.endswith("-wal") and entry.offset == 0 for entry in recording.entries
    )


def test_promises_survive_a_power_cut(recording: Recording, tmp_path: Path) -> None:
    """
    Around syncs and between them: every accepted job, each fence and each end is there, and all is sound.
    """
    chance = random.Random(49)
    around = cuts_around_syncs(recording.entries)
    cuts = chance.sample(around, min(SAMPLED, len(around)))
    cuts += chance.sample(range(len(recording.entries)), SAMPLED)
    seen = [recording.check(at, tmp_path / str(at)) for at in sorted({*cuts, len(recording.entries)})]

    assert len(seen[0].jobs) < len(seen[-1].jobs)


def test_groups_survive_a_power_cut(disk: Spoiler, tmp_path: Path) -> None:
    """
    At 100 moments of a run in groups, those around each sync among them: no job is lost that was reported as
    finished, none runs again, and each is there once; the rest can be run.
    """
    recording = recorded(disk, "record_groups", tmp_path / "state", jobs=GROUPED)
    entries = recording.entries
    promised = {entry.name for entry in entries if entry.kind == "n" and entry.name.startswith("finished")}
    around = cuts_around_syncs(entries)
    others = sorted(set(range(len(entries))) - set(around))
    cuts = sorted([*around, *random.Random(64).sample(others, GROUP_CUTS - len(around))])
    seen = [recording.check(at, tmp_path / str(at)) for at in cuts]

    assert (GROUPED, GROUP_CUTS) == (len(promised), len(seen))
    assert {GROUPED} == {len(found.jobs) for found in seen}
    assert JobState.DONE not in seen[0].states().values()


@pytest.mark.long
def test_promises_survive_a_power_cut_at_any_moment(recording: Recording, tmp_path: Path) -> None:
    """
    The same after each single call of the disk.
    """
    for at in range(len(recording.entries) + 1):
        recording.check(at, tmp_path / str(at))


def test_a_file_gets_its_name_when_it_is_on_the_disk(disk: Spoiler, home: Path, tmp_path: Path) -> None:
    """
    A new store is synced before it is renamed, and its directory after that, before anything is promised.
    """
    entries = disk.record("record_making", home, tmp_path / "calls")
    (renamed,) = [n for n, entry in enumerate(entries) if entry.kind == "r"]

    assert str(home / FILE) == entries[renamed].data.decode()
    assert not unsynced(entries[:renamed], entries[renamed].name)
    assert ("s", str(home)) in [entry[:2] for entry in entries[renamed:]]


def test_an_end_names_only_files_that_are_on_the_disk(disk: Spoiler, home: Path, tmp_path: Path) -> None:
    """
    A published file is synced before it is renamed, and each directory that changed after that, before the
    end of its job is recorded.
    """
    store = SqliteStore.open(home)
    (job_id,) = submit(store, new_job())
    store.close()
    entries = disk.record("record_publishing", home, tmp_path / "calls")
    (renamed,) = [n for n, entry in enumerate(entries) if entry.kind == "r"]
    recorded = next(n for n, entry in enumerate(entries) if entry.kind == "w" and entry.name.endswith(LOG))
    folder = home / "artifacts" / job_id / "attempt-1"

    assert b"trajectory.xyz" == entries[renamed].data
    assert entries[renamed].name in [entry.name for entry in entries[:renamed] if entry.kind == "w"]
    assert not unsynced(entries[:renamed], entries[renamed].name)
    synced = [Path(entry.name) for entry in entries[renamed:recorded] if entry.kind == "s"]
    assert [folder, folder.parent, home / "artifacts"] == synced
