"""`nox clean`: ended jobs and their files, by age and state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import complete, run_again, xyz
from tests.support.stores import BOB, artifact, claim, failed, outcome, run_to_end, submit, submit_named
from tests.support.stores import new_job as job
from tests.support.terminal import Terminal
from workers.job import JobState, Parent
from workers.runtime.artifacts import attempt_directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

CLEAN = ("clean", "--older", "0", "--json")


def cleaned(nox: Nox, *words: str) -> dict[str, Any]:
    """Clean, and read what was done."""
    found: dict[str, Any] = json.loads(nox(*CLEAN, *words, check=True).stdout)
    return found


def ended(store: Store, home: Path) -> tuple[str, str]:
    """Store a job that is done and one that failed; the first has a file in the store, and one outside."""
    done, bad = submit_named(store, "done bad")
    place = attempt_directory(home / "artifacts", done, 1)
    place.mkdir(parents=True)
    (place / "trajectory.xyz").write_text("3\n")
    big = artifact("trajectory.xyz")._replace(content=None, host="here", path=str(place / "trajectory.xyz"))
    far = artifact("far.xyz")._replace(content=None, host="node07", path="/scratch/far.xyz")
    run_to_end(store, done, outcome(artifacts=(artifact("opt.xyz"), big, far)))
    run_to_end(store, bad, failed())
    return done, bad


def test_jobs_go_with_their_files(any_nox: Nox, any_store: Store) -> None:
    """
    Those on this machine; what lies elsewhere is named.  Of others' jobs and of younger ones none goes.
    """
    ended(any_store, any_nox.home)
    (theirs,) = submit(any_store, job("theirs", owner=BOB))
    run_to_end(any_store, theirs)
    assert (0, 0) == tuple(
        json.loads(any_nox("clean", "--yes", "--json", check=True).stdout)[key]
        for key in ("found", "removed")
    )
    found = cleaned(any_nox, "--yes")
    assert (2, 2, 1, ["node07:/scratch/far.xyz"]) == tuple(
        found[key] for key in ("found", "removed", "files_removed", "files_left")
    )
    assert {JobState.DONE: 1} == dict(any_store.counts())
    assert [] == list((any_nox.home / "artifacts").glob("*/*"))
    assert 1 == cleaned(any_nox, "--yes", "--any-user")["removed"]


def test_clean_what_it_would_do_is_said_first(any_nox: Nox, any_store: Store) -> None:
    """
    A dry run changes nothing; without a terminal nothing goes without --yes, and the store is named.
    """
    ended(any_store, any_nox.home)
    told = any_nox("clean", "--older", "0", "--dry-run", check=True).stdout
    assert f"would remove 2 jobs (1 done · 1 failed) ({any_store.kind}: {any_store.where})\n" == told
    refused = any_nox("clean", "--older", "0")
    assert 2 == refused.returncode
    assert (
        f"this would remove 2 ended jobs from the {any_store.kind} store {any_store.where}" in refused.stderr
    )
    assert 2 == sum(any_store.counts().values())


def test_clean_by_state_and_files_alone(any_nox: Nox, any_store: Store) -> None:
    """
    The numbers of a job whose files went are there; a state narrows what goes.
    """
    done, bad = ended(any_store, any_nox.home)
    assert 1 == cleaned(any_nox, "--yes", "--state", "completed", "--files-only")["removed"]
    assert ([], {done}) == (any_store.artifacts(done), set(any_store.outcomes([done])))
    assert 1 == cleaned(any_nox, "--yes", "--state", "failed,cancelled")["removed"]
    assert [done] == [one.id for one in any_store.get_many([done, bad])]


@pytest.mark.parametrize("words", [["--state", "running"], ["--state", "pending"], ["--state", "none"]])
def test_clean_what_has_not_ended_cannot_be_named(nox: Nox, store: Store, words: list[str]) -> None:
    """
    That is refused, and nothing is removed.
    """
    submit_named(store, "a")

    assert 2 == nox(*CLEAN, "--yes", *words).returncode


def test_clean_what_a_waiting_job_needs_stays(any_nox: Nox, any_store: Store) -> None:
    """
    It is counted apart, and said.
    """
    done, _ = ended(any_store, any_nox.home)
    submit_named(any_store, "child", parents=(Parent(done),))
    told = any_nox("clean", "--older", "0", "--yes", check=True).stdout

    assert "removed 1 job and 0 files" in told
    assert "1 job kept: others that have not ended wait for what they left" in told
    assert done == any_store.get(done).id


def test_clean_no_link_is_followed(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    Neither one in the place of a job's directory nor one in it, nor a path that the store tells.
    """
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious").write_text("x")
    first, second = submit_named(store, "a b")
    told = artifact("t.xyz")._replace(content=None, host="", path=str(mine / "precious"))
    run_to_end(store, first, outcome(artifacts=(told,)))
    run_to_end(store, second)
    artifacts = nox.home / "artifacts"
    artifacts.mkdir(exist_ok=True)
    (artifacts / first).symlink_to(mine)
    (artifacts / second).mkdir()
    (artifacts / second / "attempt-1").symlink_to(mine)

    assert 2 == cleaned(nox, "--yes")["removed"]
    assert "x" == (mine / "precious").read_text()
    assert not (artifacts / second).exists()


def test_a_person_is_asked(nox: Nox, store: Store) -> None:
    """
    On a terminal, with the number of jobs and the store; anything but yes removes nothing.
    """
    ended(store, nox.home)
    with Terminal(nox, "clean", "--older", "0") as terminal:
        terminal.wait_for(f"remove 2 ended jobs from the local store {store.where}? [y/N]")
        terminal.write("n\n")
        terminal.wait_for("nothing was removed")
        assert 0 == terminal.end()
    assert 2 == sum(store.counts().values())

    with Terminal(nox, "clean", "--older", "0") as terminal:
        terminal.wait_for("[y/N]")
        terminal.write("y\n")
        terminal.wait_for("removed 2 jobs and 1 file")
        assert 0 == terminal.end()
    assert {} == dict(store.counts())


def test_clean_what_earlier_attempts_left(any_nox: Nox, any_store: Store) -> None:
    """
    `--attempts` removes their outcomes, files and logs, of jobs that are named or old; not what is shown.
    """
    done, running = complete(any_store), complete(any_store)
    run_again(any_store, done, xyz("second"))
    any_store.retry([running], owner=None, done=True)
    any_store.give_back(claim(any_store).lease, "drained")
    claim(any_store)
    artifacts = any_nox.home / "artifacts"
    for job_id in (done, running):
        for attempt in (1, 2, 3):
            place = attempt_directory(artifacts, job_id, attempt)
            place.mkdir(parents=True)
            (place / "engine.log").write_text("printed")
    where = f"{any_store.kind} store {any_store.where}"
    assert 0 == json.loads(any_nox("clean", "--attempts", "--yes", "--json", check=True).stdout)["found"]
    dry = any_nox("clean", "--attempts", "@all", "--dry-run", check=True).stdout
    refused = any_nox("clean", "--attempts", "--older", "0")
    assert dry.startswith("would remove what earlier attempts of 2 jobs left (")
    assert 2 == refused.returncode
    assert f"this would remove what earlier attempts of 1 job left from the {where}" in refused.stderr
    assert any_store.outcome(done, 1) is not None

    told = any_nox("clean", "--attempts", "@all", "--yes", check=True).stdout
    assert told.startswith("removed what earlier attempts of 2 jobs left: 2 files beside those in the store")
    assert any_store.outcome(done, 1) is None
    assert any_store.artifacts(done, 1) == []
    assert {"attempt-2", "attempt-3"} == {path.name for path in (artifacts / done).iterdir()}
    assert {"attempt-1", "attempt-3"} == {path.name for path in (artifacts / running).iterdir()}
    assert [1, 2] == [json.loads(any_store.outcomes([job])[job])["attempt"] for job in (running, done)]
    assert [1] == [tried.number for tried in any_store.attempts(done)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1",), "some of these jobs belong to bob"),
        (("2",), "only ended jobs can be removed"),
        (("@all", "--state", "running"), "only ended jobs can be removed"),
        (("--attempts", "--files-only"), "--attempts and --files-only contradict each other"),
        (("--attempts", "1"), "some of these jobs belong to bob"),
    ],
)
def test_names_that_are_refused(nox: Nox, store: Store, words: tuple[str, ...], said: str) -> None:
    """
    Of others' jobs, and of those that have not ended, none is removed.
    """
    (theirs,) = submit(store, job("theirs", owner=BOB))
    run_to_end(store, theirs)
    submit_named(store, "mine")
    ended = nox("clean", "--yes", *words)
    assert (2, True) == (ended.returncode, said in ended.stderr)
    assert 2 == sum(store.counts().values())


def test_clean_named_jobs(any_nox: Nox, any_store: Store) -> None:
    """
    Jobs that are named go whatever their age, unless `--older` or `--state` keeps them; unended ones stay.
    """
    done, bad = ended(any_store, any_nox.home)
    (waits,) = submit_named(any_store, "waits", batch="old")
    assert 2 == any_nox("clean", "@all").returncode
    told = any_nox("clean", "@all", "--older", "1h", "--yes", check=True).stdout
    assert told.startswith("nothing was removed")
    assert "1 job kept: has not ended (nox cancel ends jobs)" in told
    found = json.loads(any_nox("clean", "@all", "--state", "failed", "--yes", "--json", check=True).stdout)
    assert (1, 1, 1) == (found["found"], found["removed"], found["unended"])
    assert [done] == [one.id for one in any_store.get_many([done, bad])]
    assert 1 == json.loads(any_nox("clean", "done", "--yes", "--json", check=True).stdout)["removed"]
    any_store.cancel([waits], owner=None)
    assert 1 == json.loads(any_nox("clean", "@batch:old", "--yes", "--json", check=True).stdout)["removed"]
    assert 3 == any_nox("clean", "@batch:old", "--yes").returncode


def test_a_whole_job_goes_with_its_attempts(any_nox: Nox, any_store: Store) -> None:
    """
    Plain `clean` removes what its earlier attempts left too.
    """
    done = complete(any_store)
    run_again(any_store, done)
    cleaned(any_nox, "--yes")
    assert (0, None) == (any_store.kept_attempts().attempts, any_store.outcome(done, 1))
