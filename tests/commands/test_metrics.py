"""`nox metrics` and `nox worker --metrics`: read as Prometheus reads them."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.redis_server import free_port
from tests.support.stores import beat, claim, failed, new_job, run_to_end, submit, submit_named
from tests.support.waiting import wait_until
from workers.metrics.metrics import WorkerMetrics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store


def values(text: str) -> dict[str, float]:
    """Read an exposition: `name{label}` -> value, of all samples; each metric is described."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            name = f"{sample.name}{{{labels}}}"
            assert name not in found
            found[name] = sample.value
    return found


def test_the_store_is_told(any_nox: Nox, any_store: Store) -> None:
    """
    Jobs by state, workers and slots, and of those that ended the times, attempts and losses by calculation.
    """
    ids = submit(any_store, new_job("done"), new_job("failed", kind="opt"), new_job("odd", kind="rm -rf"))
    run_to_end(any_store, ids[0])
    any_store.give_back(claim(any_store).lease, "drained")
    run_to_end(any_store, ids[1], failed())
    run_to_end(any_store, ids[2])
    submit_named(any_store, "waits")
    submit_named(any_store, "held", held=True)
    any_store.tick(beat(busy=1))
    told = values(any_nox("metrics", check=True).stdout)

    states = {"done": 2, "failed": 1, "queued": 1, "held": 1, "running": 0, "cancelled": 0, "blocked": 0}
    assert states.items() <= {s: told[f"nox_jobs{{{s}}}"] for s in states}.items()
    assert (1, 2, 1, 1) == tuple(
        told[f"{name}{{}}"] for name in ("nox_workers", "nox_slots", "nox_slots_busy", "nox_store_up")
    )
    assert 0 < told["nox_store_latency_seconds{}"] < 60
    for kind in ("echo", "opt", "other"):
        assert 1 == told[f"nox_recent_run_seconds_bucket{{{kind},+Inf}}"]
        assert 1 == told[f"nox_recent_wait_seconds_bucket{{{kind},86400}}"]
    assert (1, 2) == (told["nox_recent_attempts{echo}"], told["nox_recent_attempts{opt}"])
    assert 0 == told["nox_recent_losses{opt}"]


def test_a_store_without_jobs_is_told(any_nox: Nox) -> None:
    """
    Every state is there, at 0.
    """
    told = values(any_nox("metrics", check=True).stdout)

    assert {0.0} == {value for name, value in told.items() if name.startswith("nox_jobs")}


def test_a_worker_serves_them(any_nox: Nox) -> None:
    """
    A port is on the loopback address; what the worker did is counted by calculation and end.
    """
    port = free_port()
    worker = any_nox.worker("--slots", "2", "--metrics", str(port))
    worker.wait_log(f"metrics at http://127.0.0.1:{port}/metrics")
    worker.wait_log("2 slots")
    any_nox("submit", "--kind", "echo", "--wait", check=True)

    def told() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return values(answer.read().decode())

    def is_counted() -> bool:
        seen = told()
        is_free = not seen["nox_worker_slots_busy{}"]  # a moment after the end
        return is_free and 1 == seen.get("nox_worker_attempts_total{echo,done}") == seen["nox_jobs{done}"]

    wait_until(is_counted, 60, "the job to be counted")
    seen = told()
    assert (2, 0) == (seen["nox_worker_slots{}"], seen["nox_worker_slots_busy{}"])
    assert 1 == seen["nox_worker_run_seconds_count{echo}"] == seen["nox_worker_wait_seconds_count{echo}"]
    assert 0 == seen["nox_worker_taken_back_total{}"]
    assert "are for all who reach it" not in worker.log


def test_a_file_is_written_whole(nox: Nox, tmp_path: Path) -> None:
    """
    A file holds the last count once the worker has ended; nothing lies beside it.
    """
    folder = tmp_path / "textfile"
    folder.mkdir()
    path = folder / "nox.prom"
    nox("submit", "--kind", "echo", "--no-start", check=True)
    worker = nox.worker("--burst", "--metrics", str(path))

    assert 0 == worker.wait()
    assert 1 == values(path.read_text())["nox_worker_attempts_total{echo,done}"]
    assert [path] == list(folder.iterdir())


def test_metrics_other_addresses_are_warned_of(nox: Nox) -> None:
    """
    An address that others reach is served, and the log says so.
    """
    worker = nox.worker("--metrics", f"0.0.0.0:{free_port()}")

    worker.wait_log("are for all who reach it")


def test_metrics_what_cannot_be_is_refused(nox: Nox, tmp_path: Path) -> None:
    """
    A port in use, what is none though it looks like one, and a file that cannot be written end the worker
    before it begins; no file is written.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = {
            str(taken.getsockname()[1]): "address already in use",
            "127.0.0.1:70000": "there is no port 70000",
            str(tmp_path / "none/nox.prom"): "no such file or directory",
            "99999999": "there is no port 99999999",
            "0": "there is no port 0",
            "[::1]:99999": "there is no port 99999",
            "9" * 5_000: "there is no port 9999",
            "-1": "neither a port nor a file",
            "0x2F": "neither a port nor a file",
            "localhost:http": "neither a port nor a file",
            "metrics": "neither a port nor a file",
            "": "neither a port nor a file",
        }
        for place, why in words.items():
            ended = nox("worker", "--burst", f"--metrics={place}")

            assert (2, True) == (ended.returncode, why in ended.stderr), ended.stderr
            assert [] == [path for path in nox.cwd.iterdir() if path.is_file()]


def test_losses_are_counted(nox: Nox) -> None:
    """
    Attempts that were lost or given back, and jobs taken back from others, are told apart.
    """
    with nox.store() as store:
        metrics = WorkerMetrics(store, "w", 1)
        (job,) = store.get_many(submit_named(store, "x"))
        metrics.ended(job, "lost", 1.0)
        metrics.ended(job, "given_back", 1.0)
        metrics.took_back(3)
        told = values(generate_latest(metrics.registry).decode())

    assert 3 == told["nox_worker_taken_back_total{}"]
    for how in ("lost", "given_back"):
        assert 1 == told[f"nox_worker_attempts_total{{echo,{how}}}"]


def test_a_store_that_is_away_is_told(nox: Nox) -> None:
    """
    Then a worker tells that, and of itself.
    """
    with nox.store() as store:
        metrics = WorkerMetrics(store, "w", 3)
    told = values(generate_latest(metrics.registry).decode())

    assert (0, 3) == (told["nox_store_up{}"], told["nox_worker_slots{}"])
    assert "nox_jobs{done}" not in told
