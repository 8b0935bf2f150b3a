"""What an engine process gets from its keeper, and what it never sees."""

from __future__ import annotations

import json
import os
import resource
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import molecules
from tests.standin.keepers import ROOT, Driver, calculation
from workers.engine.registry import available
from workers.job import Progress, Reason
from workers.keeper.keeper import ENTRY, Keeper, Limits, Task
from workers.result import EchoResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1024**2
ENGINE = max(available())


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A keeper of the stand-in, in a worker whose environment holds a secret."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("REDIS_URL", "redis://:canary@localhost")
    monkeypatch.setenv("NOX_REDIS_PASSWORD_FILE", "canary")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    driver = Driver(tmp_path)
    yield driver
    driver.keeper.close()


def told(driver: Driver, **arguments: Any) -> Any:
    """What the engine process says of itself."""
    return driver.payload(driver.do("tell", **arguments))


def test_the_environment_holds_no_secret(driver: Driver) -> None:
    """
    An engine sees a handful of variables, and none that tells of a store.
    """
    environment = told(driver)["environment"]

    assert "canary" not in " ".join(environment.values())
    assert {"NOX_KEEPER_MARK"} == {name for name in environment if name.startswith(("NOX_", "REDIS"))}
    assert os.environ["PATH"] == environment["PATH"]


def test_an_echo_loads_no_compute_library(tmp_path: Path) -> None:
    """
    The process that only echoes has no numpy in it.
    """
    driver = Driver(tmp_path, ENTRY)
    ended = driver.run({"kind": "echo", "payload": {"x": [1, None, "é"]}})
    assert driver.keeper._link is not None
    with open(f"/proc/{driver.keeper._link.child}/maps") as maps:  # noqa: PTH123
        mapped = maps.read()
    driver.keeper.close()

    assert {"x": [1, None, "é"]} == driver.payload(ended)
    assert "numpy" not in mapped


def test_threads_are_set_before_the_libraries_load(driver: Driver) -> None:
    """
    A job that wants other cores gets a process that was started for them; else the process stays.
    """
    one, again, two = told(driver), told(driver), told(driver, cores=2)

    assert ("1", "2") == (one["environment"]["OMP_NUM_THREADS"], two["environment"]["OMP_NUM_THREADS"])
    assert one["pid"] == again["pid"]
    assert one["pid"] != two["pid"]


@pytest.fixture
def _dumps() -> Iterator[None]:
    """Let processes that this one starts dump core, as far as it may."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.usefixtures("_dumps")
def test_the_process_is_confined(driver: Driver) -> None:
    """
    Private files, no core dumps, the scratch folder as working directory, a stack for large molecules, a
    process group of its own in a session that is not the worker's.
    """
    said = told(driver)

    assert (0o077, 0, str(driver.scratch)) == (said["umask"], said["core"], said["folder"])
    assert said["stack"] == -1 or said["stack"] >= 64 * MIB
    assert said["pid"] == said["group"]
    assert os.getsid(0) != said["session"]


def test_an_engine_inherits_no_open_files(driver: Driver, tmp_path: Path) -> None:
    """
    A database or lock that the worker has open is not open in its engines.
    """
    with (tmp_path / "database").open("w"):
        assert "database" not in told(driver)["files"]


def test_progress_and_warnings_arrive_in_order(driver: Driver) -> None:
    """
    Every report reaches the worker, before the job's end; warnings come with it, bounded.
    """
    ended = driver.do("tell", steps=500, warn=["a", "b" * 1_000, *("c" * 100)])

    assert [Progress(phase="opt", step=n + 1, energy_hartree=-1.0 - n) for n in range(500)] == driver.progress
    assert ("a", "b" * 500, "c") == ended.warnings[:3]
    assert 50 == len(ended.warnings)


def test_the_log_is_what_was_printed_and_the_live_view_the_same(driver: Driver) -> None:
    """
    Output is seen as it comes and kept whole; the next job's log starts empty.
    """
    ended = driver.do("tell", print=[f"line {n}" for n in range(1_000)])

    assert "".join(f"line {n}\n" for n in range(1_000)).encode() == ended.log == bytes(driver.output)
    assert b"" == driver.do("tell").log


def test_an_error_of_the_callers_is_passed_on_and_ends_the_engine(driver: Driver) -> None:
    """
    What `on_progress` raises comes out of `run`, and no job runs on behind it.
    """

    def refuse(_: Progress) -> None:
        raise RuntimeError("no room")

    spec = json.dumps({"kind": "echo", "payload": {"do": "tell", "steps": 1}})
    with pytest.raises(RuntimeError, match="no room"):
        driver.keeper.run(Task(spec.encode(), Limits(0, 0), driver.scratch, on_progress=refuse))

    assert driver.keeper._link is None
    assert told(driver)["pid"] > 0


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "[]",
        "{",
        '{"kind": "echo", "payload": NaN}',
        '{"kind": "banana"}',
        '{"kind": "sp"}',
        '{"kind": "sp", "structure": 5}',
        "\ud800",
    ],
)
def test_a_record_that_is_no_job_is_damaged(driver: Driver, spec: str) -> None:
    """
    What cannot be read as a job fails as damaged, and harms nothing.
    """
    ended = driver.keeper.run(driver.task(spec))

    assert ended.failure is not None
    assert Reason.DAMAGED == ended.failure.reason
    assert ended.failure.message.startswith("the job cannot be read: ")
    assert told(driver)["pid"] > 0


def test_children_served_many_keepers_work_side_by_side(tmp_path: Path) -> None:
    """
    Slots do not disturb each other: threads that run many jobs each, all answers right.
    """
    wrong: list[Any] = []

    def slot(number: int) -> None:
        keeper = Keeper()
        for job in range(50):
            spec = json.dumps({"kind": "echo", "payload": [number, job]})
            ended = keeper.run(Task(spec.encode(), Limits(0, 0), None, on_progress=print))
            if ended.result != EchoResult(payload=[number, job]):
                wrong.append(ended)
        keeper.close()

    slots = [threading.Thread(target=slot, args=(number,)) for number in range(4)]
    for thread in slots:
        thread.start()
    for thread in slots:
        thread.join()

    assert [] == wrong
    assert [] == list(tmp_path.iterdir())


def test_calculations_do_not_grow_their_process(tmp_path: Path) -> None:
    """
    Once the pages it shares with its keeper are its own, a process stays as large as it is.
    """
    driver = Driver(tmp_path, ENTRY)
    spec = calculation(*molecules.WATER, engine=ENGINE)

    def resident() -> int:
        assert driver.keeper._link is not None
        with open(f"/proc/{driver.keeper._link.child}/statm") as statm:  # noqa: PTH123
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    for _ in range(200):
        driver.run(spec)
    before = resident()
    for _ in range(150):
        driver.run(spec)
    after = resident()
    driver.keeper.close()

    assert after - before < MIB
