"""Drives keepers in tests: the stand-in's deeds and real calculations."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.waiting import wait_until
from workers.keeper.keeper import Ended, Keeper, Limits, Task
from workers.result import EchoResult

if TYPE_CHECKING:
    from workers.job import Progress

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = "tests.standin.engine"
LIMITS = Limits(memory_bytes=2 * 1024**3, time_s=0)


class Driver:
    """A keeper, and what a test has it do."""

    def __init__(self, scratch: Path, entry: str = STAND_IN) -> None:
        self.scratch = scratch
        self.grace_s = 0.5
        self.output = bytearray()
        self.progress: list[Progress] = []
        self.keeper = Keeper(grace_s=self.grace_s, entry=entry)

    def do(self, deed: str, *, limits: Limits | None = None, cores: int = 1, **arguments: Any) -> Ended:
        """Have the stand-in do something."""
        spec = {"kind": "echo", "payload": {"do": deed} | arguments}
        return self.run(spec, limits=limits, cores=cores)

    def run(self, spec: dict[str, Any], *, limits: Limits | None = None, cores: int = 1) -> Ended:
        """Run any specification."""
        self.output.clear()
        self.progress.clear()
        return self.keeper.run(self.task(json.dumps(spec), limits=limits or LIMITS, cores=cores))

    def task(self, spec_json: str, *, limits: Limits = LIMITS, cores: int = 1) -> Task:
        """Make the job of a specification, whose output and progress this keeps."""
        return Task(
            spec_json.encode(errors="surrogatepass"),
            limits,
            self.scratch,
            on_progress=self.progress.append,
            on_output=self.output.extend,
            cores=cores,
        )

    def start(self, deed: str, **arguments: Any) -> Running:
        """Have the stand-in do something in another thread."""
        return Running(self, deed, arguments)

    def payload(self, ended: Ended) -> Any:
        """Read what the stand-in returned."""
        assert isinstance(ended.result, EchoResult), ended
        return ended.result.payload

    def pid(self) -> int:
        """The process that serves the stand-in's jobs now."""
        return int(self.payload(self.do("tell"))["pid"])

    def wait_output(self, word: bytes) -> bytes:
        """Wait until the engine has printed something."""
        return bytes(wait_until(lambda: word in self.output and self.output, 20, f"{word!r} printed"))


class Running:
    """A job that runs in another thread."""

    def __init__(self, driver: Driver, deed: str, arguments: dict[str, Any]) -> None:
        self._ended: list[Ended] = []
        self._thread = threading.Thread(
            target=lambda: self._ended.append(driver.do(deed, **arguments)), daemon=True
        )
        self._thread.start()

    def ended(self, within_s: float = 20) -> Ended:
        """Wait for its end."""
        self._thread.join(within_s)
        assert not self._thread.is_alive(), f"the job runs on after {within_s} s"
        return self._ended[0]


def calculation(symbols: list[str], positions: Any, **fields: Any) -> dict[str, Any]:
    """Write the specification of a calculation; positions in Å."""
    structure = {
        "symbols": symbols,
        "positions_angstrom": [[float(value) for value in position] for position in positions],
    }
    return {"kind": "sp", "structure": structure} | fields
