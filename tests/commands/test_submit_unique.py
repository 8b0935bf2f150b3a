"""`nox submit --unique`: only what is new."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import failed, run_to_end
from tests.support.terminal import Terminal
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

WATER = str(Path(__file__).parents[2] / "examples/water.xyz")
ECHO = ("submit", "--kind", "echo", "--no-start")


def test_a_line_of_cron_run_twice_submits_once(any_nox: Nox, any_store: Store, tmp_path: Path) -> None:
    """
    The second time it prints the same ids, says that they exist, and ends with 0; a new file is a new job.
    """
    line = ["submit", "--no-start", "--unique", "--json", WATER]
    first, again = (json.loads(any_nox(*line, check=True).stdout)["jobs"] for _ in range(2))
    (tmp_path / "copy.xyz").write_text(Path(WATER).read_text())
    (tmp_path / "longer.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.8\n")
    both = json.loads(any_nox(*line, str(tmp_path / "copy.xyz"), str(tmp_path / "longer.xyz")).stdout)["jobs"]

    assert [(False, 1)] == [(one["existing"], one["number"]) for one in first]
    assert [(first[0]["job_id"], True)] == [(one["job_id"], one["existing"]) for one in again]
    assert [(True, 1), (True, 1), (False, 2)] == [(one["existing"], one["number"]) for one in both]
    assert {JobState.QUEUED: 2} == dict(any_store.counts())


@pytest.mark.parametrize(
    "words",
    [["--opt"], ["-c", "2"], ["-c", "2", "-u", "2"], ["--gfn", "1"], ["--acc", "0.1"], ["--etemp", "500"]],
)
def test_submit_unique_another_calculation_is_another_job(nox: Nox, store: Store, words: list[str]) -> None:
    """
    Charge, spin, method and options are part of what is computed; name, tags and priority are not.
    """
    line = ["submit", "--no-start", "--unique", WATER]
    nox(*line, check=True)
    nox(*line, *words, check=True)
    nox(*line, *words, "--name", "b", "--tag", "a=b", "--priority", "3", check=True)

    assert {JobState.QUEUED: 2} == dict(store.counts())


def test_a_key_of_ones_own(any_nox: Nox, any_store: Store) -> None:
    """
    --unique=KEY goes by the key alone; --if-exists says what then.
    """
    ids = [any_nox(*ECHO, "--unique=night", "--payload", n, check=True).stdout for n in ("1", "2")]
    refused = any_nox(*ECHO, "--unique=night", "--if-exists", "error")
    new = any_nox(*ECHO, "--unique=night", "--if-exists", "new", check=True).stdout

    assert ids[0] == ids[1]
    assert 5 == refused.returncode
    assert f"job {ids[0].strip()} is the same" in refused.stderr
    assert new == any_nox(*ECHO, "--unique=night", check=True).stdout != ids[0]
    assert {JobState.QUEUED: 2} == dict(any_store.counts())


def test_submit_unique_what_failed_runs_again(any_nox: Nox, any_store: Store) -> None:
    """
    Of the jobs that are there those that failed are retried, others left alone; the ids are theirs.
    """
    words = (*ECHO, "--unique", "--if-exists", "retry-failed")
    (job_id,) = any_nox(*words, check=True).stdout.split()
    run_to_end(any_store, job_id, failed())
    assert job_id == any_nox(*ECHO, "--unique", check=True).stdout.strip()
    assert JobState.FAILED is any_store.get(job_id).state
    assert job_id == any_nox(*words, check=True).stdout.strip()
    assert (JobState.QUEUED, 2) == (any_store.get(job_id).state, any_store.get(job_id).round)
    run_to_end(any_store, job_id)
    any_nox(*words, check=True)
    assert JobState.DONE is any_store.get(job_id).state


@pytest.mark.parametrize("words", [["--if-exists", "new"], ["--unique", "--if-exists", "maybe"]])
def test_submit_unique_what_makes_no_sense(nox: Nox, store: Store, words: list[str]) -> None:
    """
    A usage error, and nothing is stored.
    """
    assert 2 == nox(*ECHO, *words).returncode
    assert 2 == nox("submit", "--no-start", "--unique=one", WATER, WATER).returncode
    assert {} == dict(store.counts())


def test_submit_unique_several_processes_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    Of several nox processes that submit the same at once one stores it, and all print its id.
    """
    with ThreadPoolExecutor(4) as threads:
        printed = list(threads.map(lambda _: any_nox(*ECHO, "--unique", check=True).stdout, range(4)))

    assert {JobState.QUEUED: 1} == dict(any_store.counts())
    assert 1 == len(set(printed))


def test_a_person_is_told(nox: Nox) -> None:
    """
    On a terminal a submit says how many of its jobs were there already.
    """
    nox(*ECHO, "--unique", check=True)
    with Terminal(nox, *ECHO, "--unique") as terminal:
        terminal.wait_for("1 of them was there already")
        assert 0 == terminal.end()


@pytest.mark.parametrize("key", ["a\x1b[2J", "a\nb", "\t", "a\u202eb", "x" * 256, "o" + "\u0301" * 9])
def test_a_key_that_cannot_be_printed_is_refused(any_nox: Nox, key: str) -> None:
    """
    Control characters, marks of direction and a text without end are no key, as they are no name.
    """
    refused = any_nox(*ECHO, f"--unique={key}")

    assert (5, "") == (refused.returncode, refused.stdout)
    assert "error: the key of --unique " in refused.stderr
    assert "\x1b" not in refused.stderr
