"""`nox explain`: why a job waits, or why it failed."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli import times
from tests.support.stores import GIB, beat, claim, failed, new_job, run_to_end, served, submit, submit_named
from tests.support.terminal import Terminal
from workers.job import Condition, Parent, Reason

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def explained(nox: Nox, *words: str) -> tuple[str, str]:
    """Ask why; the text, and what to try."""
    text = nox("explain", *words, check=True).stdout
    return text, " ".join(
        line.removeprefix("try:  ") for line in text.splitlines() if line.startswith("try:")
    )


def test_explain_what_keeps_a_job_waiting(any_nox: Nox, any_store: Store) -> None:
    """
    A hold, a time, a parent: each is named, with the command that ends it.
    """
    (held,) = submit_named(any_store, "held", held=True)
    submit_named(any_store, "later", begin_ms=time.time_ns() // 1_000_000 + 86_400_000)
    submit_named(any_store, "child", parents=(Parent(held),))

    assert "it is held" in explained(any_nox, "1")[0]
    assert "nox release 1" == explained(any_nox, "1")[1]
    assert "waits for its time, " in explained(any_nox, "2")[0]
    assert "waits for 1 job to end\n  after 1 held (held)" in explained(any_nox, "3")[0]


@pytest.mark.parametrize(
    ("asked", "told", "command"),
    [
        ({"cores": 16}, "no worker has 16 cores (the most a worker has: 8)", "nox set 2 --cores 8"),
        ({"memory_bytes": 64 * GIB}, "no worker has 64.0 GiB of memory", "nox set 2 --memory 16384M"),
        (
            {"time_limit_s": 7_200},
            "no worker has 2 h left (the most a worker has: 1 h)",
            "nox set 2 --time 3420",
        ),
        ({"engine": "tblite@0.9"}, "no worker has engine tblite@0.9", "nox worker"),
        ({"priority": -3}, "1 ready job before it (priority -3)", "nox set 2 --priority 1"),
    ],
)
def test_why_a_ready_job_has_not_started(
    any_nox: Nox, any_store: Store, asked: dict[str, Any], told: str, command: str
) -> None:
    """
    What no living worker has, or how many come before it; the command that is named is one that nox takes.
    """
    submit_named(any_store, "first")
    submit_named(any_store, "second", **asked)
    assert "none lives\ntry:  nox worker" in explained(any_nox, "2")[0]
    any_store.tick(beat(time_s=3_600))
    text, tried = explained(any_nox, "2")

    assert told in text
    assert command in tried
    if command.startswith("nox set"):
        any_nox(*command.split()[1:], check=True)
        assert "no worker has" not in explained(any_nox, "2")[0]


def test_explain_recommends_no_worker_with_more_cores_than_there_are(any_nox: Nox, any_store: Store) -> None:
    """
    For a job that needs more cores than this machine has, only fewer cores are suggested.
    """
    submit_named(any_store, "wide", cores=4_096)
    any_store.tick(beat())
    text, tried = explained(any_nox, "1")

    assert "no worker has 4096 cores (the most a worker has: 8)" in text
    assert "nox set 1 --cores 8" == tried
    assert "nox worker --cores" not in text


def test_explain_recommends_no_less_memory_than_a_job_can_have(any_nox: Nox, any_store: Store) -> None:
    """
    Where the largest worker has less than the least memory of a job, another worker helps, and no `nox set`.
    """
    submit_named(any_store, "small", memory_bytes=GIB // 4)
    any_store.tick(beat(memory_bytes=GIB // 8))
    text, tried = explained(any_nox, "1")

    assert "no worker has 256 MiB of memory (the most a worker has: 128 MiB)" in text
    assert "nox worker --cores 1 --memory 256M" == tried


@pytest.mark.parametrize(
    ("held", "wanted", "told", "resources", "command"),
    [
        (
            {"memory_bytes": 14 * GIB},
            {"memory_bytes": 4 * GIB},
            "4.0 GiB of memory (node07 has 2.0 GiB free)",
            ["memory"],
            "nox set 2 --memory 2048M",
        ),
        ({"cores": 6}, {"cores": 4}, "4 cores (node07 has 2 free)", ["cores"], "nox set 2 --cores 2"),
        (
            {"cores": 7, "memory_bytes": 14 * GIB},
            {"cores": 2, "memory_bytes": 4 * GIB},
            "2 cores (node07 has 1 free) and 4.0 GiB of memory (node07 has 2.0 GiB free)",
            ["cores", "memory"],
            "nox set 2 --cores 1 --memory 2048M",
        ),
    ],
)
def test_explain_what_a_job_waits_for_that_a_worker_can_run(
    any_nox: Nox,
    any_store: Store,
    held: dict[str, Any],
    wanted: dict[str, Any],
    told: str,
    resources: list[str],
    command: str,
) -> None:
    """
    The resource that is short, the jobs that hold it, and the command that lets it start with what is left;
    watch and status report the same.
    """
    submit_named(any_store, "big", **held)
    submit_named(any_store, "next", **wanted)
    with served(any_store):
        claim(any_store)
        text, tried = explained(any_nox, "2")
        status = any_nox("status", "2", check=True).stdout
        document = json.loads(any_nox("explain", "2", "--json", check=True).stdout)
        drawn = []
        for words in ("2", "1-2"):
            with Terminal(any_nox, "watch", words, columns=160) as terminal:
                terminal.wait_for(f"waits for {told}")
                drawn.append(terminal.plain)
                terminal.signal(signal.SIGINT)
                terminal.end()
        any_nox(*command.split()[1:], check=True)
        after = explained(any_nox, "2")[0]

    assert f"2 next  waits for {told}\n" in text
    assert "; held by 1 big\n" in text
    assert "free slot" not in "".join((text, *drawn))
    assert f"waits for {told}" in status
    assert resources == document["short_of"]
    assert command in tried
    assert "is about to start: a worker has room for it" in after


def test_a_slot_is_named_only_where_none_is_free(any_nox: Nox, any_store: Store) -> None:
    """
    With every slot busy and room for more: a slot, and another worker helps.
    """
    submit_named(any_store, "a b c")
    with served(any_store):
        claim(any_store)
        before = explained(any_nox, "3")[0]
        claim(any_store)
        text, tried = explained(any_nox, "3")
        document = json.loads(any_nox("explain", "3", "--json", check=True).stdout)

    assert "waits for its turn" in before
    assert "waits for a free slot\n  node07: 0 of 2 slots, 6 of 8 cores, " in text
    assert "; held by 1 a, 2 b\n" in text
    assert "nox worker" == tried
    assert ["slot"] == document["short_of"]


def test_explain_what_will_keep_a_job_waiting_is_told_ahead(any_nox: Nox, any_store: Store) -> None:
    """
    A job that waits for its time, and that no worker could run then either.
    """
    submit_named(any_store, "later", begin_ms=time.time_ns() // 1_000_000 + 86_400_000, cores=16)
    any_store.tick(beat())

    assert "then too: no worker has 16 cores (the most a worker has: 8)" in explained(any_nox, "1")[0]


def test_explain_how_a_job_ended(any_nox: Nox, any_store: Store) -> None:
    """
    A failure's message, evidence and hint; of a job that was cancelled for another's sake, that job.
    """
    (parent,) = submit_named(any_store, "parent")
    submit_named(any_store, "child", parents=(Parent(parent),))
    failure = {"message": "SCF did not converge", "evidence": ["cycle 250"], "hint": "try -u 2"}
    run_to_end(any_store, parent, failed(outcome_json=json.dumps({"failure": failure})))
    text, tried = explained(any_nox, "1")

    assert "failed: SCF did not converge\n  cycle 250\n  try -u 2\n" in text
    assert "nox retry 1" == tried
    assert "after 1 parent (failed)" in explained(any_nox, "2")[0]
    assert "nox retry 1" == explained(any_nox, "2")[1]


def test_a_parent_that_is_done_is_retried_with_done(any_nox: Nox, any_store: Store) -> None:
    """
    A job that was to follow a failure of a job that is done names the command that runs that one again.
    """
    (parent,) = submit_named(any_store, "parent")
    run_to_end(any_store, parent)
    submit(any_store, new_job("child", parents=(Parent(parent, Condition.FAILED),)))

    assert "try:  nox retry 1 --done\n" in any_nox("explain", "2", check=True).stdout


def test_explain_several_are_grouped(any_nox: Nox, any_store: Store) -> None:
    """
    How many for which reason, the most first, each with the first names and a command.
    """
    ids = submit_named(any_store, "a b c d")
    for job_id, reason in zip(ids, [Reason.SCF, Reason.CRASHED, Reason.SCF], strict=False):
        run_to_end(any_store, job_id, failed(reason))
    claim(any_store)
    text = any_nox("explain", "@failed", check=True).stdout
    document = json.loads(any_nox("explain", "@all", "--json", check=True).stdout)

    assert [["2", "failed:", "scf", "a", "c"], ["1", "failed:", "crashed", "b"]] == [
        line.partition("->")[0].split() for line in text.splitlines()
    ]
    assert "nox retry @failed:scf" in text
    assert [("failed", "scf", 2), ("failed", "crashed", 1), ("running", None, 1)] == [
        (one["state"], one["reason"], one["count"]) for one in document["groups"]
    ]


def test_a_retry_of_a_group_is_of_no_other_jobs(any_nox: Nox, any_store: Store) -> None:
    """
    Of a batch its failed jobs are named, not all that failed; optimisations go on from where they stopped.
    """
    ids = (
        submit_named(any_store, "a b c", batch="x")
        + submit_named(any_store, "d")
        + submit_named(any_store, "e")
    )
    for job_id in ids:
        reason = Reason.NOT_CONVERGED if job_id == ids[2] else Reason.SCF
        run_to_end(any_store, job_id, failed(reason))
    text = any_nox("explain", "@batch:x", check=True).stdout

    assert "-> nox retry 1-2\n" in text
    assert "-> nox retry 3 --from-last-geometry\n" in text


def test_the_priority_that_is_recommended_is_enough(any_nox: Nox, any_store: Store) -> None:
    """
    It is above that of every job before this one; jobs that no worker can run are not counted, and nothing is
    above the highest priority.
    """
    submit_named(any_store, "urgent", priority=40)
    submit_named(any_store, "large", cores=999, priority=90)
    submit_named(any_store, "low", priority=-50)
    any_store.tick(beat())
    text, tried = explained(any_nox, "3")

    assert "1 ready job before it (priority -50)" in text
    assert "nox set 3 --priority 41" == tried
    any_nox(*tried.split()[1:], check=True)
    assert "0 ready jobs before it (priority 41)" in explained(any_nox, "3")[0]

    any_nox("set", "1", "--priority", "100", check=True)
    assert "--priority" not in explained(any_nox, "3")[1]


def test_hardly_any_time_is_recommended_to_no_job(any_nox: Nox, any_store: Store) -> None:
    """
    A worker that ends within a minute leads to no `nox set --time`, which would be late once it is typed.
    """
    submit_named(any_store, "long", time_limit_s=7_200)
    any_store.tick(beat(time_s=45))

    assert "nox worker" == explained(any_nox, "1")[1]


def test_explain_when_a_job_is_expected_to_start(any_nox: Nox, any_store: Store) -> None:
    """
    At its time; or, where all slots are busy, once those before it took as long as the newest that are done.
    """
    later = time.time_ns() // 1_000_000 + 86_400_000
    submit_named(any_store, "later", begin_ms=later)
    for number in range(6):
        run_to_end(any_store, submit_named(any_store, f"{number}")[0])
    submit_named(any_store, "before")
    submit_named(any_store, "ready")
    submit_named(any_store, "last")
    with served(any_store):
        claim(any_store)
        early = json.loads(any_nox("explain", "10", "--json", check=True).stdout)
        claim(any_store)
        document = json.loads(any_nox("explain", "10", "--json", check=True).stdout)

    assert early["expected_start_at"] is None

    assert re.match(r"starts in about .*, if others take as long as the newest did", document["facts"][-1])
    assert document["expected_start_at"].startswith("20")
    assert times.iso(later) == json.loads(any_nox("explain", "1", "--json").stdout)["expected_start_at"]


def test_a_job_of_another_owner_needs_a_worker_for_all(any_nox: Nox, any_store: Store) -> None:
    """
    Where the workers that live serve others only, the command that is named starts one for every owner.
    """
    submit_named(any_store, "theirs", owner="bob")
    any_store.tick(beat())

    text, tried = explained(any_nox, "1")
    assert "there is no worker for jobs of bob" in text
    assert "nox worker --for all" == tried
