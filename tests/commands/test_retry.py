"""`nox retry`: ended jobs run again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import ENERGY_HARTREE, POSITIONS, complete, fail, run_again, run_badly, water, xyz
from tests.support.examples import EXAMPLES
from tests.support.stores import claim, failed, run_to_end, submit_named
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import JobState, Lease, Progress, Reason

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def test_failed_and_cancelled_jobs_run_again(any_nox: Nox, any_store: Store) -> None:
    """
    They are queued again; completed ones and those that have not ended are left alone, and counted.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    ids = submit_named(any_store, "done failed cancelled running")
    run_to_end(any_store, ids[0])
    run_to_end(any_store, ids[1], failed(Reason.SCF))
    any_store.cancel([ids[2]], owner=None)
    claim(any_store)
    ended = any_nox("retry", "1-4", check=True)

    assert ["done", "queued", "queued", "running"] == [job.state for job in any_store.get_many(ids)]
    assert [1, 2, 2, 1] == [job.round for job in any_store.get_many(ids)]
    assert (
        "2 jobs queued again; 1 done · 1 running left alone (--done includes done ones) "
        f"({any_store.kind}: {any_store.where})\n"
    ) == ended.stdout


@pytest.mark.parametrize("selector", ["1", "@all", "@batch:b"])
def test_retry_nothing_to_retry(any_nox: Nox, any_store: Store, selector: str) -> None:
    """
    Of completed jobs none runs again, however they are named: exit 3; what waits or runs already is success.
    """
    job_id = complete(any_store, water(batch="b"))
    before = any_store.get(job_id), any_store.outcomes([job_id]), any_store.artifacts(job_id)
    plain, json_form = any_nox("retry", selector), any_nox("retry", selector, "--json")

    assert [3, 3] == [plain.returncode, json_form.returncode]
    told = f"({any_store.kind}: {any_store.where})"
    assert f"nothing was queued again; 1 done left alone (--done includes done ones) {told}\n" == plain.stdout
    (one,) = json.loads(json_form.stdout)["jobs"]
    assert (False, "completed") == (one["changed"], one["state"])
    assert before == (any_store.get(job_id), any_store.outcomes([job_id]), any_store.artifacts(job_id))
    submit_named(any_store, "waits", batch="b")
    assert 0 == any_nox("retry", "@batch:b").returncode


def test_completed_jobs_need_a_word(any_nox: Nox, any_store: Store) -> None:
    """
    Without a terminal `--done` needs --yes, and says how many jobs of which store; failed ones alone do not.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    ids = [complete(any_store), complete(any_store), fail(any_store)]
    refused = any_nox("retry", "@all", "--done")
    assert (2, "") == (refused.returncode, refused.stdout)
    where = f"{any_store.kind} store {any_store.where}"
    assert f"this would run 2 completed jobs again in the {where}; nothing was queued" in refused.stderr
    assert "add --yes" in refused.stderr
    assert ["done", "done", "failed"] == [job.state for job in any_store.get_many(ids)]
    assert "1 job queued again (" in any_nox("retry", "3", "--done", check=True).stdout
    told = any_nox("retry", "@all", "--done", "--yes", check=True).stdout
    assert told.startswith("2 jobs queued again; 1 waiting left alone (")
    assert ["queued"] * 3 == [job.state for job in any_store.get_many(ids)]


def test_a_person_is_asked(nox: Nox, store: Store) -> None:
    """
    On a terminal `--done` asks, with the count and the store; anything but yes changes nothing.
    """
    nox.environ["NOX_AUTOSTART"] = "never"
    ids = [complete(store), complete(store)]
    for answer, said, state in (
        ("n", "nothing was queued again", JobState.DONE),
        ("y", "2 jobs queued again", JobState.QUEUED),
    ):
        with Terminal(nox, "retry", "1-2", "--done", columns=200) as terminal:
            terminal.wait_for(f"run 2 completed jobs again in the local store {store.where}?")
            terminal.wait_for("their 2 results are kept until a new attempt has completed [y/N]")
            terminal.write(f"{answer}\n")
            terminal.wait_for(said)
            assert 0 == terminal.end()
        assert {state} == {job.state for job in store.get_many(ids)}


def test_a_result_stays_until_another_is_there(any_nox: Nox, any_store: Store) -> None:
    """
    While its job waits, runs, has failed and was cancelled, every command shows the last good result, and
    says whose it is; the next that completes takes its place.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    job_id = complete(any_store)

    def queue() -> None:
        any_nox("retry", "1", "--done", "--yes", check=True)

    def run() -> None:
        any_store.progress(claim(any_store).lease, Progress(phase="opt", step=3, energy_hartree=-1.0))

    def lose() -> None:
        give_back(any_store, job_id)

    def crash() -> None:
        run_badly(any_store, job_id)

    def requeue_and_cancel() -> None:
        any_nox("retry", "1", check=True)
        any_nox("cancel", "1", check=True)

    for step, now in (
        (queue, "the next is queued"),
        (run, "attempt 2 is running"),
        (lose, "the next is queued"),
        (crash, "attempt 3 failed"),
        (requeue_and_cancel, "the job was cancelled"),
    ):
        step()
        note = f"result of attempt 1; {now}"
        status = any_nox("status", "1", check=True).stdout
        raw = json.loads(any_nox("status", "1", "--raw", check=True).stdout)
        listed = json.loads(any_nox("list", "--json", check=True).stdout)["items"][0]
        (row,) = json.loads(any_nox("results", "1", "--json", check=True).stdout)["items"]
        fetched = any_nox("fetch", "1", "--force", check=True)

        assert (note, True) == (note, f"  {note}\n  energy {ENERGY_HARTREE:.8f} Eh" in status)
        assert (1, ENERGY_HARTREE) == (raw["outcome"]["attempt"], raw["outcome"]["result"]["energy_hartree"])
        assert {"opt.xyz", "engine.log"} == {made["name"] for made in raw["artifacts"]}
        explained = json.loads(any_nox("explain", "1", "--json", check=True).stdout)
        for found in (raw, listed, explained):
            assert (1, ENERGY_HARTREE) == (found["result_attempt"], found["energy_hartree"])
        assert (1, ENERGY_HARTREE) == (row["attempt"], row["energy_hartree"])
        assert f"{ENERGY_HARTREE:.8f}" in any_nox("list", check=True).stdout
        assert "E of attempt 1" in any_nox("list", check=True).stdout
        assert any_nox("results", "1", check=True).stdout.splitlines()[-1].endswith(note)
        assert f"! {note}" in any_nox("results", "1", "-o", "si", check=True).stdout
        assert f"job 1: {note}\n" == fetched.stderr
        assert (any_nox.cwd / "water-opt.xyz").read_text().startswith("3\nwater\n")
        assert "GFN2-xTB" in any_nox("cite", "1", check=True).stdout
        assert note in explained["facts"]
        assert " attempt=1 " in any_nox("results", "1", "-o", "extxyz", check=True).stdout
        for active in json.loads(any_nox("status", "--json", check=True).stdout)["active"]:
            assert (1, ENERGY_HARTREE) == (active["result_attempt"], active["energy_hartree"])

    run_again(any_store, job_id, xyz("new"), energy_hartree=-5.5)
    (row,) = json.loads(any_nox("results", "1", "--json", check=True).stdout)["items"]
    any_nox("fetch", "1", "--force", check=True)
    assert (4, -5.5, "completed") == (row["attempt"], row["energy_hartree"], row["state"])
    assert (any_nox.cwd / "water-opt.xyz").read_text().startswith("3\nnew\n")
    assert "result of attempt" not in any_nox("status", "1", check=True).stdout


def by_name(artifacts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort artifacts, which stores list in any order."""
    return sorted(artifacts, key=lambda made: str(made["name"]))


def give_back(store: Store, job_id: str) -> None:
    """Let the running attempt of a job be given back."""
    job = store.get(job_id)
    store.give_back(Lease(job_id, job.attempt, job.worker), "drained")


def test_a_retry_that_was_cancelled_ran_nothing(any_nox: Nox) -> None:
    """
    A real job, retried and cancelled before it began, has one attempt, its times, its result and its log.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    any_nox("submit", "--no-start", str(EXAMPLES / "water.xyz"), "--opt", check=True)
    any_nox("worker", "--burst", check=True)
    before = json.loads(any_nox("status", "1", "--raw", check=True).stdout)
    log = any_nox("logs", "1", check=True).stdout
    any_nox("retry", "1", "--done", "--yes", check=True)
    any_nox("cancel", "1", check=True)
    raw = json.loads(any_nox("status", "1", "--raw", check=True).stdout)
    status = any_nox("status", "1", check=True).stdout.splitlines()

    assert ("cancelled", 1, None, None) == tuple(raw[k] for k in ("state", "attempt", "started_at", "wall_s"))
    assert before["outcome"] == raw["outcome"]
    assert by_name(before["artifacts"]) == by_name(raw["artifacts"])
    assert before["attempts"] == raw["attempts"]
    assert (1, "done") == (raw["attempts"][0]["attempt"], raw["attempts"][0]["ended_as"])
    assert log == any_nox("logs", "1", check=True).stdout != ""
    assert re.fullmatch(r"cancelled: by request \(ended [0-9:]+\)", status[1])
    assert 1 == sum(line.startswith("attempt ") for line in status)


@pytest.mark.parametrize("has_completed", [False, True])
def test_a_cancelled_retry_is_not_said_to_have_failed(
    any_nox: Nox, any_store: Store, *, has_completed: bool
) -> None:
    """
    A job that failed, was retried and cancelled before it began is shown as cancelled, not as failed again.
    """
    job_id, *_ = submit_named(any_store, "job")
    if has_completed:
        run_to_end(any_store, job_id)
        any_store.retry([job_id], owner=None, done=True)
    words = json.dumps({"failure": {"message": "the time limit of 2 s was reached", "hint": "ask for more"}})
    run_to_end(any_store, job_id, failed(Reason.TIMEOUT, outcome_json=words))
    assert "failed: the time limit of 2 s was reached" in any_nox("status", "1", check=True).stdout
    any_store.retry([job_id], owner=None)
    any_store.cancel([job_id], owner=None)
    status = any_nox("status", "1", check=True).stdout

    assert re.search(r"^cancelled: by request \(ended [0-9:]+\)$", status, re.MULTILINE), status
    assert "ask for more" not in status
    raw = json.loads(any_nox("status", "1", "--raw", check=True).stdout)
    assert "cancelled: by request" == raw["message"]
    assert "the time limit" not in any_nox("explain", "1", check=True).stdout


def test_a_worker_runs_them_at_once(any_nox: Nox, any_store: Store) -> None:
    """
    A worker that waits hears of a retried job, and its record says what both attempts were.
    """
    any_nox.worker("--slots", "1").wait_log("1 slot")
    any_nox("submit", "--kind", "echo", "--payload", "1", "--wait", check=True)
    (job_id,) = any_store.with_numbers(1, 1)
    any_nox("retry", "1", "--done", "--yes", check=True)
    wait_until(lambda: any_store.get(job_id).attempt == 2, 60, "the second attempt")
    wait_until(lambda: any_store.get(job_id).state is JobState.DONE, 60, "the second end")
    record = json.loads(any_nox("status", "1", "--raw", check=True).stdout)

    assert (2, 2) == (record["attempt"], record["round"])
    assert [(1, "done"), (2, "done")] == [(one["attempt"], one["ended_as"]) for one in record["attempts"]]


def test_failed_ones_by_reason(nox: Nox, store: Store) -> None:
    """
    Selectors name what failed, and why.
    """
    nox.environ["NOX_AUTOSTART"] = "never"
    ids = submit_named(store, "scf crashed")
    run_to_end(store, ids[0], failed(Reason.SCF))
    run_to_end(store, ids[1], failed(Reason.CRASHED))
    nox("retry", "@failed:scf", check=True)

    assert ["queued", "failed"] == [job.state for job in store.get_many(ids)]
    assert 3 == nox("retry", "@failed:timeout").returncode


def test_going_on_from_the_last_geometry(any_nox: Nox, any_store: Store) -> None:
    """
    A new job, the same but for where it starts; it names the one it goes on from, and there is one only.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    first = fail(any_store, water("prod2", batch="x", tags={"k": "v"}, priority=3, spec={"charge": 1}))
    shown = any_nox("status", "1", check=True).stdout
    assert "try:  nox retry 1 --from-last-geometry" in shown
    told = any_nox("retry", "1", "--from-last-geometry", "--json", check=True).stdout
    (one,) = json.loads(told)["jobs"]
    assert (first, False, 2) == (one["retry_of"], one["existing"], one["number"])
    spec, before = json.loads(any_store.spec(one["job_id"])), json.loads(any_store.spec(first))
    assert (first, first, POSITIONS) == (
        spec.pop("retry_of"),
        spec["source"].pop("job"),
        spec["structure"]["positions_angstrom"],
    )
    assert before == {name: value for name, value in spec.items() if name in before}
    old, new = any_store.get_many([first, one["job_id"]])
    assert (old.name, old.batch, old.tags, old.priority) == (new.name, new.batch, new.tags, new.priority)
    assert JobState.FAILED is old.state
    again = any_nox("retry", "@failed:not_converged", "--from-last-geometry", check=True).stdout
    assert again.startswith("1 job on from the last geometry (1 of them there already): 2 (")
    assert f"on from the last geometry of job {first}" in any_nox("status", "2", check=True).stdout


def test_retry_what_has_no_last_geometry(any_nox: Nox, any_store: Store) -> None:
    """
    Of some jobs one of which has none nothing is submitted.
    """
    fail(any_store)
    complete(any_store)
    run_to_end(any_store, submit_named(any_store, "echo")[0], failed(Reason.CRASHED))
    for number, why in ((2, "it is done"), (3, "it left no geometry")):
        ended = any_nox("retry", f"1,{number}", "--from-last-geometry")
        assert (5, True) == (
            ended.returncode,
            f"job {number} has no last geometry to go on from: {why}" in ended.stderr,
        )
    assert 3 == sum(any_store.counts().values())


def test_the_last_geometry_is_that_of_the_attempt_that_failed(any_nox: Nox, any_store: Store) -> None:
    """
    Not of the result that is shown; --done, which is about completed jobs, is refused with it.
    """
    any_nox.environ["NOX_AUTOSTART"] = "never"
    job_id = complete(any_store)
    any_store.retry([job_id], owner=None, done=True)
    moved = [[x, y, z + 0.5] for x, y, z in POSITIONS]
    run_badly(any_store, job_id, positions_angstrom=moved)
    refused = any_nox("retry", "1", "--from-last-geometry", "--done", "--yes")
    told = any_nox("retry", "1", "--from-last-geometry", "--json", check=True).stdout
    (one,) = json.loads(told)["jobs"]

    assert (2, True) == (refused.returncode, "--done is about completed ones" in refused.stderr)
    assert moved == json.loads(any_store.spec(one["job_id"]))["structure"]["positions_angstrom"]
