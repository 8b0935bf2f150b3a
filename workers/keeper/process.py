"""The keeper process: `python -P -m workers.keeper.process CONTROL JOBS ENTRY [LIBRARY...]`.

It loads the compute libraries once and forks a child that serves jobs; when the child dies it ends all
processes that the child has left, and forks the next.  It adopts every orphan below it, so no process of an
engine can outlive it, and it ends when the worker's end of the control socket closes, even by SIGKILL.  It
ignores the signals that ask a process to end, which the child obeys: where a whole tree is signalled, the
worker decides what happens to the job.
On Linux this holds in full; elsewhere only the child's own process group is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from workers.keeper import child, frames
from workers.signals import HEEDED

IS_LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
# The most an engine needs on 1,000 atoms is 24 MiB; a kernel leaves room for at least 128 MiB.
STACK_BYTES = 256 * 1024**2


class KeeperProcess:
    """Supervises one engine child at a time, and every process below it."""

    def __init__(
        self, control: socket.socket, jobs: socket.socket, entry: str, ignored: frozenset[signal.Signals]
    ) -> None:
        """Prepare to start a child.

        Args:
            control: the socket to the worker.
            jobs: the child's socket to the worker.
            entry: the module that knows engines.
            ignored: the signals that the child ignores too, as the worker does (nohup).
        """
        self._ignored = ignored
        self._control = control
        self._jobs = jobs
        self._entry = entry
        self._child = 0
        self._died: tuple[int, int] | None = None  # wait status and peak memory in bytes
        self._wake, self._alarm = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._alarm, False)

    def serve(self) -> NoReturn:
        """Keep a child running until the worker closes the control socket."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        while True:
            self._start()
            self._watch()
            self._end_all()
            self._empty_jobs()
            assert self._died is not None
            status, peak = self._died
            self._say({"died": status, "peak_memory_bytes": peak})

    def _start(self) -> None:
        self._died = None
        signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)  # none is lost until the child obeys them
        self._child = os.fork()
        if self._child == 0:
            self._become_child()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
        with contextlib.suppress(OSError):  # the child does the same; either may be first
            os.setpgid(self._child, self._child)
        self._say({"ready": self._child})

    def _become_child(self) -> NoReturn:
        try:
            parent = os.getppid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.setpgid(0, 0)
            self._control.close()
            os.close(self._wake)
            os.close(self._alarm)
            for number in HEEDED:
                signal.signal(number, signal.SIG_IGN if number in self._ignored else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
            if os.getppid() == parent:
                child.serve(self._jobs, importlib.import_module(self._entry))
        except SystemExit as ending:  # an engine that exits ends here, with its code
            os._exit(ending.code if isinstance(ending.code, int) else bool(ending.code))
        except BaseException:  # noqa: BLE001 - after any error, no child may return into the keeper
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(1)

    def _watch(self) -> None:
        """Carry out orders until the child has died."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while self._died is None:
            ready = {file for file, _ in poll.poll()}
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                self._obey(frames.read(self._control))

    def _obey(self, order: dict[str, object] | None) -> None:
        if order is None:
            self._end_all()
            os._exit(0)
        if order.get("child") != self._child:
            return
        if order.get("signal") == "KILL":
            self._end_all()
        else:
            with contextlib.suppress(OSError):
                os.killpg(self._child, signal.SIGTERM)

    def _end_all(self) -> None:
        """Kill every descendant, until there is none."""
        self._reap()
        if not IS_LINUX and self._died is None:
            os.killpg(self._child, signal.SIGKILL)
        while alive := descendants(os.getpid()):
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()

    def _reap(self) -> None:
        """Collect every descendant that has died, and note the end of the child."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._died = (status, usage.ru_maxrss * (1024 if IS_LINUX else 1))

    def _empty_jobs(self) -> None:
        """Discard what the dead child has not read: the next one starts at the beginning of a frame."""
        with contextlib.suppress(BlockingIOError):
            while self._jobs.recv(1024**2, socket.MSG_DONTWAIT):
                pass

    def _say(self, word: dict[str, object]) -> None:
        try:
            self._control.sendall(frames.encode(word))
        except OSError:
            self._end_all()
            os._exit(0)


def descendants(pid: int) -> list[int]:
    """List every process below `pid`."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                children = [int(kid) for kid in (task / "children").read_bytes().split()]
                found += children
                todo += children
    return found


def prctl(option: int, value: int) -> None:
    """Call prctl on Linux; do nothing elsewhere."""
    if IS_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def confine() -> None:
    """Set the limits of every job: private files, no core dumps, a stack for large molecules."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    wanted = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))


def ignore_signals() -> frozenset[signal.Signals]:
    """Ignore the signals that ask a process to end, which the worker has blocked until here.

    Returns:
        The signals that were ignored before, without TERM, which must end an engine.
    """
    before = frozenset(
        number for number in HEEDED if signal.signal(number, signal.SIG_IGN) is signal.SIG_IGN
    ) - {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
    return before


def main(arguments: list[str]) -> NoReturn:
    """Set up the process and keep a child running until the worker is gone."""
    ignored = ignore_signals()
    control, jobs = (socket.socket(fileno=int(number)) for number in arguments[:2])
    entry, libraries = arguments[2], arguments[3:]
    control.set_inheritable(False)
    jobs.set_inheritable(False)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    confine()
    importlib.import_module(entry).preload(libraries)
    gc.collect()
    gc.freeze()  # forked children then share these pages permanently
    KeeperProcess(control, jobs, entry, ignored).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
