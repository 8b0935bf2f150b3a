"""A disk in trouble, for tests: its n-th call fails, or the process is killed there; or all calls are noted.

tests/shim/disk.c is compiled into a directory of the test's own and preloaded into tests/shim/acts.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.power import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.power import Entry

ROOT = Path(__file__).parents[2]
SHIM = ROOT / "tests/shim"
LIMIT_S = 60.0


class How(IntEnum):
    """What becomes of a call, as disk.c has it; FULL_AT_CLOSE: as FULL, and there is no room to the end."""

    EIO_ONCE = 1
    FULL = 2
    KILL = 3
    TORN = 4
    FULL_AT_CLOSE = 5


@dataclass
class Said:
    """What a process was promised before it ended."""

    asked: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    claimed: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)  # how many artifacts each has
    returned: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    reaped: list[str] = field(default_factory=list)
    told: tuple[str, str] | None = None  # the error's class, what happened
    is_open: bool = False  # whether it said that it may have been done all the same
    events: int = 0  # how many there were before
    calls: int = 0  # of the disk; all of them if nothing went wrong
    ended: int = 0

    @classmethod
    def of(cls, lines: Sequence[dict[str, Any]]) -> Said:
        """Take what was said, line by line."""
        said = cls()
        for line in lines:
            assert "traceback" not in line, line["traceback"]
            said._hear(line)
        return said

    def _hear(self, line: dict[str, Any]) -> None:
        if "claimed" in line:
            self.claimed.update([line["claimed"]])
        elif "finished" in line:
            self.finished[line["finished"]] = line["artifacts"]
        elif "told" in line:
            self.told, self.is_open = (line["told"][0], line["told"][1]), line["is_open"]
        elif "calls" in line:
            self.calls = max(self.calls, line["calls"])
        elif "events" in line:
            self.events = line["events"]
        elif "ended" in line:
            self.ended = line["ended"]
        else:
            ((name, ids),) = line.items()
            getattr(self, name).extend([ids] if isinstance(ids, str) else ids)


class Spoiler:
    """A process whose disk gets into trouble when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def spoil(self, home: Path, act: str, at: int, how: How) -> Said:
        """Do an act whose `at`-th call of the disk goes wrong; 0: none does."""
        return self._ask({"home": str(home), "act": act, "at": at, "how": how})

    def record(self, act: str, home: Path, to: Path) -> list[Entry]:
        """Do something with every call of the disk written down."""
        said = self._ask({"home": str(home), "act": act, "to": str(to)})
        assert 0 == said.ended
        return list(entries_of(to.read_bytes()))

    def _ask(self, asked: dict[str, Any]) -> Said:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        lines: list[dict[str, Any]] = [{}]
        while "ended" not in lines[-1]:
            lines.append(
                json.loads(self._process.stdout.readline() or '{"traceback": "it is gone", "ended": 1}')
            )
        return Said.of(lines[1:])


def compiled(folder: Path, name: str = "disk") -> Path:
    """Compile a shim into a folder."""
    assert shutil.which("gcc"), "a C compiler is missing: install gcc to see nox on a failing disk"
    shim = folder / f"{name}.so"
    command = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(shim), str(SHIM / f"{name}.c")]
    subprocess.run([*command, "-ldl", "-lpthread"], check=True, timeout=LIMIT_S)
    return shim


@contextmanager
def spoiler(folder: Path) -> Iterator[Spoiler]:
    """Compile the shim into a folder and start a process under it."""
    with subprocess.Popen(
        [sys.executable, str(SHIM / "acts.py")],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(compiled(folder)), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Spoiler(process)
        assert process.stdin is not None
        process.stdin.close()
