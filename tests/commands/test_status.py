"""`nox status`: one job, several, or everything at a glance."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from nox_cli.watch.pace import LEAST_S
from tests.support.ended import ENERGY_HARTREE, complete, fail, run_badly, water
from tests.support.stores import WORKER, beat, claim, failed, new_job, run_to_end, submit, submit_named
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import Progress, Reason

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store


def test_the_public_form(any_nox: Nox, any_store: Store) -> None:
    """
    `--json` of one job is schema, job_id, state, progress and message; states are public ones.
    """
    done = complete(any_store)
    failed = fail(any_store)
    (running,) = submit(any_store, water())
    any_store.progress(claim(any_store).lease, Progress(0.25, "opt", 7, -5.07))
    (queued,) = submit(any_store, water())
    forms = [json.loads(any_nox("status", job, "--json").stdout) for job in (done, failed, running, queued)]

    assert [["schema", "job_id", "state", "progress", "message"]] * 4 == [list(form) for form in forms]
    assert [done, failed, running, queued] == [form["job_id"] for form in forms]
    assert ["completed", "failed", "running", "pending"] == [form["state"] for form in forms]
    assert [1.0, None, 0.25, 0.0] == [form["progress"] for form in forms]
    assert "not converged after 4 steps" == forms[1]["message"]
    gone = "its worker is gone or cut off, and no other lives"
    assert f"opt step 7, -5.07000000 Eh on node07; {gone}" == forms[2]["message"]
    assert "queued; no worker has been seen" == forms[3]["message"]


def test_the_whole_record(any_nox: Nox, any_store: Store) -> None:
    """
    `--raw` has the raw state, what was asked, the outcome, attempts and files.
    """
    complete(any_store)
    raw = json.loads(any_nox("status", "1", "--raw").stdout)

    assert ("done", "completed") == (raw["state"], raw["public_state"])
    assert "normal" == raw["spec"]["opt_level"]
    assert 14.0 == raw["outcome"]["result"]["gap_ev"]
    (only,) = raw["attempts"]
    assert (1, "done", "node07-4711-a1b2c3") == (only["attempt"], only["ended_as"], only["worker"])
    assert only["ended_at"] == raw["finished_at"]
    assert {"opt.xyz", "engine.log"} == {made["name"] for made in raw["artifacts"]}


def test_status_several_jobs(any_nox: Nox, any_store: Store) -> None:
    """
    Several jobs are a list; as JSON items and a cursor, each in the public form or whole.
    """
    submit_named(any_store, "cat int1")
    plain = any_nox("status", "1-2").stdout.splitlines()
    items = json.loads(any_nox("status", "2", "1", "--json").stdout)
    raw = json.loads(any_nox("status", "1", "2", "--raw").stdout)

    assert ["cat", "int1"] == [line.split()[1] for line in plain[1:]]
    assert ["schema", "items", "cursor"] == list(items)
    assert [["schema", "job_id", "state", "progress", "message"]] * 2 == [list(i) for i in items["items"]]
    assert [1, 2] == [item["number"] for item in raw["items"]]


def test_the_exit_status(any_nox: Nox, any_store: Store) -> None:
    """
    `--exit-status` tells how jobs stand; without it looking is a success.
    """
    done, failed = complete(any_store), fail(any_store)
    (cancelled, queued) = submit_named(any_store, "cancelled queued")
    any_store.cancel([cancelled], owner=None)
    codes = [
        any_nox("status", *jobs, "--exit-status").returncode
        for jobs in ([done], [done, failed], [done, cancelled], [done, queued])
    ]

    assert [0, 1, 6, 8] == codes
    assert 0 == any_nox("status", failed).returncode


def test_a_failed_optimisation(nox: Nox, store: Store) -> None:
    """
    A failed optimisation shows what was needed beside what was reached, evidence, files and what to do.
    """
    fail(store)
    shown = nox("status", "1").stdout

    assert "1 prod2  H2O (3 atoms)  charge 0, unpaired 0 (default)\n" in shown
    assert "failed: not converged after 4 steps (" in shown
    assert "opt normal · GFN2-xTB · gas phase · xtb 22.1\n" in shown
    assert "lowest E -5.07000000 at step 3\n" in shown
    assert "  need  5.0e-06   1.0e-03\n" in shown
    assert "  last  1.3e-05   6.1e-03             last 3 steps: energy rose in 1\n" in shown
    assert "gap 0.21 eV: small, two electronic states may compete\n" in shown
    assert "  | a line of evidence\n" in shown
    assert "kept: opt.xyz       nox fetch 1 -d .\n" in shown
    assert "nox retry 1 --from-last-geometry" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_a_completed_job(nox: Nox, store: Store) -> None:
    """
    A completed optimisation shows its numbers with their units.
    """
    complete(store)
    shown = nox("status", "1").stdout

    assert "done (" in shown
    assert (
        "  energy -5.07054412 Eh   gap 14.000 eV   dipole 2.200 D   |g| 3.0e-04 Eh/bohr\n"
        "  converged in 4 steps\n"
    ) in shown


def test_a_queued_job_without_a_worker(any_nox: Nox, any_store: Store) -> None:
    """
    A queued job that no worker can take says so, and what to do about it.
    """
    submit(any_store, new_job("cat", cores=16))
    unseen = any_nox("status", "1").stdout
    any_store.tick(beat())
    unable = any_nox("status", "1").stdout
    any_store.tick(beat("node08-1-aaaaaa", cores=16))
    able = any_nox("status", "1").stdout

    assert "queued; no worker has been seen" in unseen
    assert "try:  nox worker" in unseen
    assert "no living worker can run it (engine echo, 16 cores, jobs of ada)" in unable
    assert "queued; 1 worker can run it" in able


def test_a_running_job_without_a_worker(any_nox: Nox, any_store: Store) -> None:
    """
    A job whose worker is gone says so, and what to do, as long as none lives that would take it up.
    """
    submit(any_store, new_job("cat"))
    any_store.tick(beat())
    claim(any_store)
    served = any_nox("status", "1").stdout
    any_store.leave(beat().worker)
    alone = any_nox("status", "1").stdout
    explained = any_nox("explain", "1").stdout

    told = "its worker is gone or cut off, and no other lives"
    assert [False, True, True] == [told in shown for shown in (served, alone, explained)]
    assert [False, True, True] == ["try:  nox worker" in shown for shown in (served, alone, explained)]


def test_a_job_that_waits_for_its_retry_without_a_worker(any_nox: Nox, any_store: Store) -> None:
    """
    A job to be tried again says when, and what to do if no worker lives to try it; else no hint is there.
    """
    submit(any_store, new_job("cat", retries=1, retry_on=frozenset({Reason.CRASHED})))
    any_store.finish(claim(any_store).lease, failed(Reason.CRASHED))
    alone = any_nox("status", "1").stdout
    any_store.tick(beat())
    served = any_nox("status", "1").stdout

    starts = [shown.splitlines()[1] for shown in (alone, served)]
    assert all(start.startswith("scheduled: retries at ") for start in starts)
    assert ["try:  nox worker" in shown for shown in (alone, served)] == [True, False]


def test_the_overview(any_nox: Nox, any_store: Store) -> None:
    """
    Without a selector: the store, the living workers, counts, and one's active jobs.
    """
    run_to_end(any_store, submit_named(any_store, "old")[0])
    submit_named(any_store, "cat")
    submit_named(any_store, "his", owner="bob")
    any_store.tick(beat(busy=1))
    shown = any_nox("status").stdout
    document = json.loads(any_nox("status", "--json").stdout)

    assert "workers  1 alive, 1 of 2 slots busy\n" in shown
    assert "jobs     1 done · 1 waiting  (ada)\n" in shown
    assert ["cat"] == [line.split()[1] for line in shown.splitlines() if "queued" in line]
    assert any_store.kind == document["store"]["kind"]
    assert {"pending": 1, "running": 0, "completed": 1, "failed": 0, "cancelled": 0} == document["counts"]
    assert [WORKER] == [worker["worker"] for worker in document["workers"]]
    assert ["cat"] == [job["name"] for job in document["active"]]
    assert (2, document["counts"]) == (document["progress"]["total"], document["progress"]["counts"])


def test_the_overview_counts_failures_by_reason(any_nox: Nox, any_store: Store) -> None:
    """
    Failed jobs are counted by reason, also below the list of several, and in JSON with their names.
    """
    ids = submit_named(any_store, "a b c d")
    for job_id, reason in zip(ids, (Reason.SCF, Reason.TIMEOUT, Reason.SCF), strict=False):
        run_to_end(any_store, job_id, failed(reason))
    shown = any_nox("status").stdout
    progress = json.loads(any_nox("status", "--json").stdout)["progress"]
    with Terminal(any_nox, "status", "1-4") as terminal:
        assert 0 == terminal.end()

    assert "failed   2 scf not converged · 1 timeout\n" in shown
    assert "0/4 done · 3 failed · 1 waiting\n" in terminal.plain
    assert "\nfailed by reason: 2 scf not converged · 1 timeout\n" in terminal.plain
    assert [("scf", ["c", "a"]), ("timeout", ["b"])] == [
        (group["reason"], [named["name"] for named in group["sample"]]) for group in progress["failures"]
    ]


def test_the_overview_fits_the_terminal(nox: Nox, store: Store) -> None:
    """
    On a terminal no more jobs are listed than it has lines for, and none is wider than it; a pipe gets 20.
    """
    submit(store, *(water(f"a_name_that_needs_more_than_half_of_a_line_{index}") for index in range(30)))
    with Terminal(nox, "status", columns=60, lines=16) as terminal:
        assert 0 == terminal.end()
        lines = terminal.plain.splitlines()

    assert 15 >= len(lines)
    assert 60 >= max(map(len, lines[lines.index("") :]))
    assert "and 21 more: nox list --state running,waiting" == lines[-1]
    assert 20 == nox("status").stdout.count("a_name_that_needs_more_than_half_of_a_line_")


def test_status_what_cannot_be_shown(any_nox: Nox, any_store: Store) -> None:
    """
    A job that is not there is 3, a word that is no selector 2, and nothing is printed on stdout.
    """
    assert "local" in {any_store.kind, "local"}
    ended = [any_nox("status", *words) for words in (["9"], ["0" * 32], ["foo"], ["--exit-status"])]

    assert [3, 3, 2, 2] == [one.returncode for one in ended]
    assert {""} == {one.stdout for one in ended}


def test_status_nothing_steers_the_terminal(nox: Nox, store: Store) -> None:
    """
    Escape sequences in names are shown, in every form.
    """
    submit(store, new_job("a\x1b[31m\rb"))
    forms = [nox("status", *words).stdout for words in (["1"], ["1", "--raw"], [])]

    assert all("\x1b" not in text and "\r" not in text for text in forms)
    assert r"a\x1b[31m\rb" in forms[0]


def test_status_several_are_counted(any_nox: Nox, any_store: Store, tmp_path: Path) -> None:
    """
    A person is told below the list how many are in which state, and how long the rest may take.
    """
    ids = submit_named(any_store, "a b c d e f g h i j", batch="x")
    for job_id in ids[:4]:
        run_to_end(any_store, job_id)
    any_store.cancel(ids[8:9], owner=None)
    claim(any_store)
    began = time.monotonic()
    # Run by Python at its start: the jobs began just now, however long that took.
    (tmp_path / "sitecustomize.py").write_text("from nox_cli.watch import pace\npace.LEAST_S = 3600.0\n")
    with Terminal(any_nox, "status", "@batch:x", env={"PYTHONPATH": str(tmp_path)}) as terminal:
        terminal.wait_for("4/10 done · 1 cancelled · 1 running · 4 waiting")
        assert 0 == terminal.end()
        early = terminal.plain
    run_to_end(any_store, ids[5])
    wait_until(lambda: time.monotonic() - began > LEAST_S, 60, "the time an estimate needs")
    with Terminal(any_nox, "status", "@batch:x") as terminal:
        terminal.wait_for("5/10 done · 1 cancelled · 1 running · 3 waiting, about ")
        assert 0 == terminal.end()

    assert "about" not in early


def test_status_one_attempt_of_several(any_nox: Nox, any_store: Store) -> None:
    """
    All attempts are listed; `--attempt` shows how one ended and what it left, as JSON in the whole record.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    job_id = complete(any_store)
    any_store.retry([job_id], owner=None, done=True)
    any_store.give_back(claim(any_store).lease, "drained")
    run_badly(any_store, job_id, energy_hartree=-4.0)
    any_store.retry([job_id], owner=None)
    claim(any_store)
    plain = any_nox("status", "1", check=True).stdout
    first, third = (any_nox("status", "1", "--attempt", n, check=True).stdout for n in "13")
    forms = [
        json.loads(any_nox("status", "1", "--attempt", "3", form, check=True).stdout)
        for form in ("--json", "--raw")
    ]

    ends = ["done after", "requeued after", "not converged after", "running for"]
    lines = [line for line in plain.splitlines() if line.startswith("attempt ")]
    assert [f"attempt {n}: {end} " for n, end in enumerate(ends, 1)] == [
        line[: len(f"attempt {n}: {end} ")] for n, (line, end) in enumerate(zip(lines, ends, strict=True), 1)
    ]
    assert "\nattempt 1: done (" in first
    assert f"energy {ENERGY_HARTREE:.8f} Eh" in first
    assert "nox fetch 1 --attempt 1 -d ." in first
    assert "\nattempt 3: failed: not converged after 4 steps (" in third
    assert "  | a line of evidence" in third
    assert forms[0] | {"wall_s": 0} == forms[1] | {"wall_s": 0}
    assert ("running", 3, -4.0, ["opt.xyz"]) == (
        forms[0]["state"],
        forms[0]["outcome"]["attempt"],
        forms[0]["outcome"]["result"]["energy_hartree"],
        [made["name"] for made in forms[0]["artifacts"]],
    )
    ended = ["done", "given_back", "not_converged", None]
    assert ended == [tried["ended_as"] for tried in forms[0]["attempts"]]
    assert forms[0]["attempts"][3]["ended_at"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("status", "1", "--attempt", "2"), 3, "no outcome is kept of attempt 2 of job 1 (requeued)"),
        (("status", "1", "--attempt", "3"), 3, "no outcome is kept of attempt 3 of job 1 (running)"),
        (("status", "1", "--attempt", "4"), 3, "job 1 has no attempt 4"),
        (("results", "1", "--attempt", "2"), 3, "no outcome is kept of attempt 2 of job 1 (requeued)"),
        (("results", "1", "--attempt", "4"), 3, "job 1 has no attempt 4"),
        (("fetch", "1", "--attempt", "2"), 3, "no outcome is kept of attempt 2 of job 1 (requeued)"),
        (("fetch", "1", "--attempt", "4", "--ls"), 3, "job 1 has no attempt 4"),
        (("logs", "1", "--attempt", "4"), 3, "job 1 has no attempt 4"),
        (("status", "2", "--attempt", "1"), 3, "job 2 has not started"),
        (("status", "1-2", "--attempt", "1"), 2, "--attempt is about one job"),
        (("status", "--attempt", "1"), 2, "--attempt needs jobs to look at"),
    ],
)
def test_attempts_that_left_nothing(
    nox: Nox, store: Store, words: tuple[str, ...], code: int, said: str
) -> None:
    """
    An attempt that was lost, runs, or never was: exit 3, why, and which there are.
    """
    job_id = complete(store)
    store.retry([job_id], owner=None, done=True)
    store.give_back(claim(store).lease, "drained")
    claim(store)
    submit_named(store, "waiting")
    ended = nox(*words)

    assert (code, "") == (ended.returncode, ended.stdout)
    assert said in ended.stderr
    if code == 3 and "1" in words[1]:
        assert "its attempts: 1 (done), 2 (requeued), 3 (running)" in ended.stderr


def test_why_a_retried_job_failed(any_nox: Nox, any_store: Store) -> None:
    """
    The failure of its newest attempt is told beside the result of an earlier one.
    """
    job_id = complete(any_store)
    any_store.retry([job_id], owner=None, done=True)
    run_badly(any_store, job_id)
    shown = any_nox("status", "1", check=True).stdout
    public = json.loads(any_nox("status", "1", "--json", check=True).stdout)

    assert "failed: not converged after 4 steps (" in shown
    assert "  result of attempt 1; attempt 2 failed" in shown
    assert "  | a line of evidence" in shown
    assert "see:  nox status 1 --attempt 2" in shown
    assert ("failed", "not converged after 4 steps") == (public["state"], public["message"])
    assert "not converged after 4 steps" in any_nox("explain", "1", check=True).stdout
