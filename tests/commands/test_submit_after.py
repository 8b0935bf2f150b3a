"""`nox submit --after`, `--after-any` and `--after-fail`: jobs that wait for others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.stores import failed, run_to_end, submit_named
from workers.job import Condition, JobState, Parent

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

ECHO = ("submit", "--kind", "echo", "--no-start")


def test_a_pipeline_runs_in_order(any_nox: Nox, any_store: Store) -> None:
    """
    Jobs after jobs, by number and by @last, start as the ones before have ended; two slots run what may run.
    """
    any_nox(*ECHO, "--name", "first", check=True)
    any_nox(*ECHO, "--after", "@last", "--name", "second", check=True)
    any_nox(*ECHO, "--after", "1", "--name", "beside", check=True)
    any_nox(*ECHO, "--after", "2,3", "--name", "last", check=True)
    any_nox.worker("--slots", "2")
    assert 0 == any_nox("wait", "1-4", "--timeout", "60").returncode
    first, second, beside, last = any_store.get_many(any_store.with_numbers(1, 4))

    assert (first.ended_ms or 0) <= min(second.started_ms or 0, beside.started_ms or 0)
    assert max(second.ended_ms or 0, beside.ended_ms or 0) <= (last.started_ms or 0)


def test_every_option(any_nox: Nox, any_store: Store) -> None:
    """
    Each takes selectors, and may be repeated; the store keeps the condition of each parent.
    """
    a, b, c, d = submit_named(any_store, "a b c d")
    words = ["--after", "1", "--after", "name:b", "--after-any", c, "--after-fail", "4"]
    child = any_nox(*ECHO, *words, check=True).stdout.strip()
    done, ended, failing = Condition.DONE, Condition.ENDED, Condition.FAILED

    assert JobState.BLOCKED is any_store.get(child).state
    assert {Parent(a, done), Parent(b, done), Parent(c, ended), Parent(d, failing)} == set(
        any_store.parents(child)
    )


def test_a_failure_ends_what_waits_and_a_retry_brings_it_back(any_nox: Nox, any_store: Store) -> None:
    """
    Status names the parent, before and after; `nox wait` tells the end by its code; retry undoes it.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    (parent,) = submit_named(any_store, "parent")
    any_nox(*ECHO, "--after", "1", check=True)
    shown = any_nox("status", "2", check=True).stdout
    assert "waits for 1 job (" in shown
    assert "after 1 parent (queued)" in shown
    assert [parent] == json.loads(any_nox("status", "2", "--raw").stdout)["parents"]

    run_to_end(any_store, parent, failed())
    assert 6 == any_nox("wait", "2").returncode
    assert "after 1 parent (failed)" in any_nox("status", "2", check=True).stdout
    any_nox("retry", "1", check=True)
    assert "pending" == json.loads(any_nox("status", "2", "--json").stdout)["state"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--after", "9"], 3),
        (["--after", "@batch:none"], 3),
        (["--after", "0" * 32], 5),
        (["--after", "water.xyz"], 2),
        (["--after", "1", "--after-any", "1"], 2),
    ],
)
def test_submit_after_what_cannot_be_waited_for(
    any_nox: Nox, any_store: Store, words: list[str], code: int
) -> None:
    """
    No such job, no selector, or two ways at once: nothing is stored.
    """
    submit_named(any_store, "a")

    assert code == any_nox(*ECHO, *words).returncode
    assert {JobState.QUEUED: 1} == dict(any_store.counts())
