"""`nox cancel`: waiting jobs at once, running ones through their worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import BOB, claim, run_to_end, submit_named
from tests.support.terminal import Terminal
from workers.job import Condition, JobState, Parent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

# Run by Python at its start: Ctrl-C after two jobs.
CUT = """
import os, signal
from nox_cli import progress
from nox_cli.changes import selection
selection.CHUNK = 1
def cut(self, count):
    if (self._words, count) == ("cancelling", 2):
        os.kill(os.getpid(), signal.SIGINT)
progress.Progress.__call__ = cut
"""


def states(store: Store, ids: list[str]) -> list[str]:
    """Read the states of jobs."""
    return [job.state.value for job in store.get_many(ids)]


def test_waiting_running_and_ended(any_nox: Nox, any_store: Store) -> None:
    """
    Waiting jobs are cancelled at once, running ones told to stop, ended ones stay; one line says so.
    """
    ids = submit_named(any_store, "ended running waiting")
    run_to_end(any_store, ids[0])
    claim(any_store)
    ended = any_nox("cancel", "1-3", check=True)

    assert ["done", "running", "cancelled"] == states(any_store, ids)
    assert any_store.get(ids[1]).cancel_requested
    assert (
        f"cancelled 1 waiting job, told 1 running job to stop, 1 had ended already "
        f"({any_store.kind}: {any_store.where})\n"
    ) == ended.stdout


def test_cancel_as_json(nox: Nox, store: Store) -> None:
    """
    --json tells what became of each job.
    """
    (job_id,) = submit_named(store, "cat")
    document = json.loads(nox("cancel", "1", "--json").stdout)

    assert [{"job_id": job_id, "before": "pending", "state": "cancelled", "refused": False}] == document[
        "jobs"
    ]
    assert {"kind": "local", "where": store.where} == document["store"]


def test_cancel_nothing_to_cancel(nox: Nox, store: Store) -> None:
    """
    Nothing matched is 3; no selector at all is a usage error.
    """
    assert "local" == store.kind
    assert [3, 3, 2] == [nox("cancel", *words).returncode for words in (["9"], ["@running"], [])]


@pytest.mark.parametrize("words", [["--all"], ["@all"], ["@all", "--yes"]])
def test_cancel_all_have_ended(nox: Nox, store: Store, words: list[str]) -> None:
    """
    Where all jobs have ended nobody is asked for --yes: nothing matched, and that is said.
    """
    for job_id in submit_named(store, "cat int1"):
        run_to_end(store, job_id)
    ended = nox("cancel", *words)

    assert (3, "") == (ended.returncode, ended.stdout)
    assert "--yes" not in ended.stderr
    assert words[0] == "--all" or "there is nothing to cancel: 2 jobs ended already\n" in ended.stderr


def test_cancel_other_peoples_jobs(any_nox: Nox, any_store: Store) -> None:
    """
    A job of somebody else's needs --any-user; without it nothing at all is cancelled.
    """
    ids = [*submit_named(any_store, "mine"), *submit_named(any_store, "his", owner=BOB)]
    ended = any_nox("cancel", "1-2")

    assert 2 == ended.returncode
    assert "belong to bob; nothing was cancelled\nhint: add --any-user" in ended.stderr
    assert ["queued", "queued"] == states(any_store, ids)

    any_nox("cancel", "1-2", "--any-user", check=True)

    assert ["cancelled", "cancelled"] == states(any_store, ids)


def test_cancel_all_of_them_in_a_script(nox: Nox, store: Store) -> None:
    """
    Off a terminal, all one's jobs are cancelled only with --yes; the refusal names store and number.
    """
    ids = submit_named(store, "cat int1")
    refused = [nox("cancel", *words) for words in (["--all"], ["@all"])]

    assert [2, 2] == [one.returncode for one in refused]
    assert f"this would cancel 2 jobs in the local store {store.where}" in refused[0].stderr
    assert ["queued", "queued"] == states(store, ids)

    nox("cancel", "--all", "--yes", check=True)

    assert ["cancelled", "cancelled"] == states(store, ids)


def test_a_person_is_asked(nox: Nox, store: Store) -> None:
    """
    On a terminal more than one job is cancelled only after a yes; one job is what was named.
    """
    ids = submit_named(store, "cat int1 ts")
    with Terminal(nox, "cancel", "1-2") as terminal:
        terminal.wait_for(f"cancel 2 jobs in the local store {store.where}? [y/N]")
        terminal.write("n\n")
        assert (0, "nothing was cancelled") == (terminal.end(), terminal.has("nothing was cancelled"))
    assert ["queued"] * 3 == states(store, ids)

    with Terminal(nox, "cancel", "1-2") as terminal:
        terminal.wait_for("[y/N]")
        terminal.write("y\n")
        assert 0 == terminal.end()
    with Terminal(nox, "cancel", "3") as terminal:
        assert 0 == terminal.end()
    assert ["cancelled"] * 3 == states(store, ids)


def test_cancel_what_waits_for_the_end_of_a_job_starts(nox: Nox, store: Store) -> None:
    """
    However that ended: of the local store a worker is called, or started, when the cancel lets others go on;
    a cancel that lets none go on starts none.
    """
    always: dict[str, str | None] = {"NOX_AUTOSTART": "always"}
    parent, other, third = submit_named(store, "parent other third", held=True)
    (child,) = submit_named(store, "child", parents=(Parent(parent, Condition.ENDED),))
    nox("cancel", other, check=True, env=always)
    assert set() == nox.background()
    nox("cancel", parent, check=True, env=always)
    nox.wait(child, "completed")
    assert JobState.HELD is store.get(third).state


def test_ctrl_c_states_how_many_were_cancelled(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    A cancel that is broken off does not claim that all jobs go on.
    """
    ids = submit_named(store, "a b c")
    (tmp_path / "sitecustomize.py").write_text(CUT)
    ended = nox("cancel", "1-3", env={"PYTHONPATH": str(tmp_path)})

    assert 130 == ended.returncode
    assert "interrupted; at least 2 of 3 jobs were cancelled, others go on\n" == ended.stderr
    assert ["cancelled", "cancelled", "queued"] == states(store, ids)
