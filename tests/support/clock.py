"""A clock put forward and back under processes that run: tests/shim/clock.c, compiled and preloaded."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from tests.support.programs import replace_text
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

SOURCE = Path(__file__).parents[1] / "shim/clock.c"
_NEAR_S = 5  # the server may be asked late


class Clock:
    """The time of day of the processes that were started in its environment."""

    def __init__(self, folder: Path) -> None:
        """Compile the shim into a folder; the time is right to begin with."""
        assert shutil.which("gcc"), "a C compiler is missing: install gcc to see nox by a wrong clock"
        self._offset = folder / "offset"
        self._shim = folder / "clock.so"
        command = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(self._shim), str(SOURCE)]
        subprocess.run(command, check=True)

    def environment(self, *, sleeps: bool = False) -> dict[str, str]:
        """Write what a process must be started with.

        Args:
            sleeps: time is lost to sleep, which also the clock counts that leases on one machine go by.
        """
        slept = {"CLOCK_SLEEPS": "1"} if sleeps else {}
        return {"LD_PRELOAD": str(self._shim), "CLOCK_OFFSET": str(self._offset)} | slept

    def shift(self, by_s: int) -> None:
        """Put the clock so far from the right time, from the next look at it on."""
        replace_text(self._offset, str(by_s))


class ShiftedRedis(RedisServer):
    """A Redis whose clock can be put forward and back while it runs."""

    def __init__(self, directory: Path) -> None:
        """Start it, with the right time."""
        self.clock = Clock(directory)
        super().__init__(directory)

    def shift(self, by_s: int) -> None:
        """Put the clock so far from the right time, and wait until the server goes by it."""
        self.clock.shift(by_s)
        with self.client() as client:
            wait_until(lambda: abs(client.time()[0] - time.time() - by_s) < _NEAR_S, 20, "another time")

    def _command(self) -> list[str]:
        changes = (f"{name}={value}" for name, value in self.clock.environment().items())
        return ["env", *changes, *super()._command()]
