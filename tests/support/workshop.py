"""A worker's parts for tests: a real local store that can be away, a keeper that ends jobs as told."""

from __future__ import annotations

import io
import threading
from collections import deque
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from tests.support.stores import GIB
from workers.errors import StoreRefused, StoreUnreachable
from workers.keeper.keeper import Ended, Run, Stop, Task
from workers.logs import Log
from workers.result import NOTHING, EchoResult, written
from workers.runtime.artifacts import ArtifactStore
from workers.runtime.capacity import Room
from workers.runtime.leases import Leases
from workers.runtime.scratch import Scratch
from workers.runtime.worker import Worker
from workers.store.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.store.base import Store

WORKER = "host-1-ab"
ENGINES = frozenset({"echo", "xtb"})


class Away:
    """A store in front of a real one: fails calls by name, before they reach it or after they were done."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.before: dict[str, int] = {}  # how many calls fail before they reach the store
        self.after: dict[str, int] = {}  # how many replies are lost
        self.refuses: set[str] = set()  # calls that are refused
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Wrap a method."""
        method = getattr(self.store, name)
        if not callable(method):
            return method

        def call(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            if name in self.refuses:
                raise StoreRefused(f"{name} is refused")
            _fail(self.before, name)
            answer = method(*args, **options)
            _fail(self.after, name)
            return answer

        return call


def _fail(counts: dict[str, int], name: str) -> None:
    if counts.get(name, 0) > 0:
        counts[name] -= 1
        raise StoreUnreachable(f"{name} did not answer")


@dataclass
class StandIn:
    """A keeper that ends jobs by calling `does`: the first of them, or those of which it returns the ends."""

    does: Callable[[StandIn, dict[str, Any]], Ended | dict[Run, Ended]]
    asked: threading.Event = field(default_factory=threading.Event)
    runs: deque[Run] = field(default_factory=deque)
    run: Run = field(init=False)  # the newest that was begun
    is_closed: bool = False

    def start(self, task: Task) -> Run:
        """Take a job."""
        run = Run(task, self.asked.set)
        self.runs.append(run)
        return run

    def wait(self, pause_s: float = 0.0) -> list[Run]:  # noqa: ARG002 - the real one's
        """Run the first job, and others if they are to end with it."""
        self.asked.clear()
        self.run = run = self.runs[0]
        how = {field.name: getattr(run.task, field.name) for field in fields(run.task)}
        how["spec_json"] = how.pop("spec").decode()
        try:
            ends = self.does(self, how)
        except BaseException:
            self.runs.clear()
            raise
        several = ends if isinstance(ends, dict) else {run: ends}
        for one, end in several.items():
            self.runs.remove(one)
            one.ended = end
        return list(several)

    def warm(self, loads: frozenset[str]) -> None:
        """Load nothing."""

    def stop(self, why: Stop) -> None:
        """Stop the running job."""
        self.run.stop(why)

    @property
    def stopped(self) -> Stop | None:
        """Why the running job is to stop."""
        return self.run.stopped

    def close(self) -> None:
        """End."""
        self.is_closed = True


def ended(**changes: Any) -> Ended:
    """Say that a job came to a good end."""
    result = changes.get("result", EchoResult(payload=1))
    plain: dict[str, Any] = {
        "result": result,
        "result_json": NOTHING if result is None else Raw(written(result)),
        "failure": None,
        "warnings": (),
        "log": b"",
        "stopped": None,
    }
    return Ended(**plain | changes)


def good(_keeper: StandIn, _how: dict[str, Any]) -> Ended:
    """End well at once."""
    return ended()


def all_good(keeper: StandIn, how: dict[str, Any]) -> dict[Run, Ended]:
    """End all jobs well at once, in order."""
    return {run: good(keeper, how) for run in keeper.runs}


def without_run(run: Run) -> Ended:
    """Withdraw a job that has not begun, as it was told or because the one before it takes long."""
    return Ended(stopped=run.stopped or Stop.GIVE_BACK, is_withdrawn=True)


def until_stopped(keeper: StandIn, _how: dict[str, Any]) -> Ended:
    """Compute until somebody asks for the end."""
    assert keeper.asked.wait(30)
    return ended(result=None, stopped=keeper.stopped)


class Workshop:
    """Everything a slot needs, over a real local store."""

    def __init__(self, home: Path, *, cores: int = 2) -> None:
        self.real = SqliteStore.open(home)
        self.store = Away(self.real)
        self.text = io.StringIO()
        self.ends = 0
        log = Log(self.text)
        store: Store = self.store
        self.room = Room(cores, 64 * GIB)
        self.leases = Leases(store, lambda: None, log, lambda: None)  # type: ignore[arg-type,return-value]
        self.scratch = Scratch(home / "scratch", WORKER)
        self.scratch.open()
        self.artifact_store = ArtifactStore(home / "artifacts", "host")
        self.artifact_store.prepare()
        self.worker = Worker(
            id=WORKER,
            store=store,
            leases=self.leases,
            room=self.room,
            artifact_store=self.artifact_store,
            scratch=self.scratch,
            log=log,
            nox_version="1.2.3",
            engines=ENGINES,
            owner=None,
            lanes={""},
            ended=self._count,
        )

    @property
    def log(self) -> str:
        """What was logged."""
        return self.text.getvalue()

    def close(self) -> None:
        """Let go of everything."""
        self.scratch.close()
        self.real.close()

    def _count(self) -> None:
        self.ends += 1
