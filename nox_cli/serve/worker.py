"""The worker of a server: a child process that ends with the server, and is replaced if it ends by itself."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from nox_cli.config.server import WorkerFor
from nox_cli.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.config.server import ServeOptions
    from nox_cli.config.settings import Settings
    from workers.logs import Log

# A worker of the server gets so long to end: longer than it lets running jobs finish.
_END_S = 60.0
# The pause before the next worker; it doubles while workers end soon.
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 60.0
# A worker that a signal has ended, sent to it alone or to the whole process group, is not replaced.
_ASKED = frozenset({ExitCode.DONE, ExitCode.INTERRUPTED, ExitCode.TERMINATED})


@contextmanager
def keep_worker(options: ServeOptions, settings: Settings, log: Log) -> Iterator[None]:
    """Run a worker as a child of this process, if that is wanted; it drains and ends with the server.

    It does so when its standard input closes: as this process leaves the block, or is killed.
    One that ends by itself, as where Redis is not there yet, is replaced after a pause.
    """
    if not options.with_worker:
        yield
        return
    if options.for_ is WorkerFor.ALL:
        log.warning("--for all: jobs of every user of the store run as this user, on this machine")
    local = ["--local"] if settings.chosen_local == "--local" else []
    named = ["--for", options.for_.value, "--ends-with-stdin", *local]
    keeper = _Keeper([sys.executable, "-m", "nox_cli", "worker", *named], log)
    try:
        yield
    finally:
        keeper.close()


class _Keeper:
    """Keeps one worker process running, by a thread that waits for its end."""

    def __init__(self, command: Sequence[str], log: Log) -> None:
        self._command = command
        self._log = log
        self._ending = threading.Event()
        self._starting = threading.Lock()  # no worker starts once this ends
        self._child = self._start()
        self._thread = threading.Thread(target=self._keep, name="worker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the worker drain and end; kill it if it does not."""
        with self._starting:
            self._ending.set()
        self._let_go()
        try:
            self._child.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.PIPE)

    def _let_go(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()

    def _keep(self) -> None:
        """Replace the worker whenever it ends by itself; one that cannot be started counts as ended."""
        pause_s = _FIRST_PAUSE_S
        began = time.monotonic()
        while (code := self._child.wait()) not in _ASKED and not self._ending.is_set():
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause_s = _FIRST_PAUSE_S
            self._log.warning("the worker ended by itself", exit=code, next_in=f"{pause_s:g} s")
            if self._ending.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            began = time.monotonic()
            with self._starting, suppress(OSError):
                if self._ending.is_set():
                    return
                self._let_go()
                self._child = self._start()
