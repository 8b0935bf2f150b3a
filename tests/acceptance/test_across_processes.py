"""One job, many processes: handed over here, run there, watched and fetched from elsewhere."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

ORDER = ["queued", "running", "done"]


def places(tmp_path: Path) -> list[Path]:
    """Make directories for commands to run in, none of which another command sees."""
    made = [tmp_path / name for name in ("here", "there", "elsewhere", "results")]
    for place in made:
        place.mkdir()
    return made


def test_a_job_is_seen_run_watched_and_fetched_by_different_processes(any_nox: Nox, tmp_path: Path) -> None:
    """
    Every command is a process of its own in a directory of its own; all of them speak of the same job.
    """
    nox, (here, there, elsewhere, target) = any_nox, places(tmp_path)
    worker = nox.worker("--slots", "1")
    worker.wait_log("1 slot")
    worker.freeze()
    (job_id,) = nox.submit(str(EXAMPLES / "water.xyz"), "--opt", "--no-start", cwd=here)
    assert "pending" == nox.status(job_id, cwd=there)["state"]

    watching = nox.popen("watch", job_id, "--json", cwd=elsewhere)
    worker.thaw()
    told, complaints = watching.communicate(timeout=60)
    assert (0, "") == (watching.returncode, complaints)
    states = [json.loads(line)["state"] for line in told.splitlines()]
    assert sorted(set(states), key=states.index) == states
    assert "completed" == states[-1]

    seen = nox.status(job_id, cwd=there)
    assert (job_id, "completed", 1) == (seen["job_id"], seen["state"], seen["schema"])
    nox("fetch", job_id, "-d", str(target), cwd=there, check=True)
    (geometry,) = target.iterdir()
    assert "water-opt.xyz" == geometry.name
    assert "3" == geometry.read_text().splitlines()[0].strip()
    (row,) = csv.DictReader(
        nox("results", job_id, "-o", "csv", cwd=elsewhere, check=True).stdout.splitlines()
    )
    assert (job_id, "water") == (row["job_id"], row["name"])
    assert -5.08 < float(row["energy_hartree"]) < -5.06


def test_states_come_in_order(any_nox: Nox) -> None:
    """
    The change stream tells queued, running, done, each once; status never goes back.
    """
    nox = any_nox
    (job_id,) = nox.submit(str(EXAMPLES / "ethanol.xyz"), "--opt", "--no-start")
    nox.worker()
    seen: list[str] = []
    while not seen or "completed" != seen[-1]:
        seen.append(nox.status(job_id)["state"])
        assert seen[-1] in {"pending", "running", "completed"}

    assert sorted(seen, key=["pending", "running", "completed"].index) == seen
    assert ORDER == nox.history(job_id)


def test_the_record_survives_every_process(any_nox: Nox, tmp_path: Path) -> None:
    """
    When no process of nox is left, the next one still finds the job, its numbers and its geometry.
    """
    nox = any_nox
    (job_id,) = nox.submit(str(EXAMPLES / "water.xyz"), "--opt", "--no-start")
    worker = nox.worker("--idle-timeout", "1")
    assert 0 == worker.wait(60)
    wait_until(lambda: not nox.processes(), 60, "the end of all that it had started")

    assert "completed" == nox.status(job_id)["state"]
    assert job_id in nox("results", job_id, "-o", "csv", check=True).stdout
    nox("fetch", job_id, "-d", str(tmp_path / "got"), check=True)
    assert ["water-opt.xyz"] == [path.name for path in (tmp_path / "got").iterdir()]


def test_ids_are_printed_one_a_line_and_found_again(any_nox: Nox) -> None:
    """
    What submit prints in a pipe is what every other command takes.
    """
    nox = any_nox
    ids = nox.submit(*(str(EXAMPLES / name) for name in ("water.xyz", "methanol.xyz")), "--no-start")

    assert 2 == len(ids)
    assert all(32 == len(job_id) and set(job_id) <= set("0123456789abcdef") for job_id in ids)
    listed = nox("list", "-q", check=True).stdout.split()
    assert ids == listed[::-1]
