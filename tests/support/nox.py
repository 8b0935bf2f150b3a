"""Drives real nox processes in an environment of their own, and ends all that they started."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from tests.support import launcher
from tests.support.environment import changed, clean
from tests.support.frozen import freeze
from tests.support.patient import patience
from tests.support.processes import arguments, descendants, end, is_alive, parent, with_environment
from tests.support.waiting import wait_until
from workers.errors import StoreUnreachable
from workers.runtime import autostart
from workers.store.opening import open_existing, open_store
from workers.store.settings import StoreSettings
from workers.store.sqlite.home import DATABASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from workers.job import Job
    from workers.store.base import Store

# Three times as long as a lease of a job.
LIMIT_S = 90.0
# A worker that is asked to end gives its jobs 30 s.
END_S = 90.0
COMMAND = (sys.executable, "-m", "nox_cli")


class Worker:
    """A real `nox worker` in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, database: Path | None = None) -> None:
        self.process = process
        self.log_path = log
        self.database = database  # the local store it works for
        self.family: set[int] = set()  # every descendant that was ever looked at
        self.may_end = False

    @property
    def pid(self) -> int:
        """The worker's process."""
        return self.process.pid

    @property
    def log(self) -> str:
        """What the worker wrote to stdout and stderr so far."""
        return self.log_path.read_text(errors="replace")

    def look(self) -> set[int]:
        """Note the worker's descendants as they are now, so that none can be left unseen."""
        found = descendants(self.pid)
        self.family |= found
        return found

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the worker a signal that may end it; wait for the end with `wait`."""
        self.look()
        self.may_end = True
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.wait()

    def freeze(self) -> None:
        """Stop the worker process itself, not while it writes to the local store; its children go on."""
        freeze(self.process, self.database)

    def thaw(self) -> None:
        """Let a frozen worker go on."""
        self.process.send_signal(signal.SIGCONT)

    def wait(self, limit_s: float = END_S) -> int:
        """Wait until the worker has ended, which is then no failure; return its exit code."""
        self.may_end = True
        return self.process.wait(timeout=limit_s)

    def wait_log(self, text: str, limit_s: float = END_S) -> None:
        """Wait until the worker has written `text`."""
        wait_until(lambda: text in self.log, limit_s, lambda: f"{text!r} in the worker's log:\n{self.log}")


class Nox:
    """One test's nox: a state directory, and perhaps a Redis."""

    def __init__(self, home: Path, redis_url: str | None = None) -> None:
        self.home = home
        self.redis_url = redis_url
        self.environ = clean(home, redis_url)
        self._started: list[subprocess.Popen[Any]] = []
        self._workers: list[Worker] = []

    @property
    def cwd(self) -> Path:
        """Where commands run if nothing else is said."""
        return self.home.parent

    def __call__(
        self,
        *args: str,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,  # noqa: A002  the name subprocess gives it
        cwd: Path | None = None,
        check: bool = False,
        limit_s: float = LIMIT_S,
    ) -> subprocess.CompletedProcess[str]:
        """Run a nox command to its end.

        Args:
            args: what follows `nox`.
            env: changes to this test's environment; None takes a variable out.
            input: what stdin holds; None: stdin is empty.
            cwd: where the command runs.
            check: fail unless the exit code is 0.
            limit_s: how long it may take.
        """
        environ = changed(self.environ, env or {})
        if launcher.can_start(environ):
            ended = launcher.run(args, environ, cwd or self.cwd, input or "", limit_s)
        else:
            ended = subprocess.run(
                [*COMMAND, *args],
                env=environ,
                input=input or "",
                cwd=cwd or self.cwd,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
        if check:
            assert ended.returncode == 0, f"nox {' '.join(args)}: exit {ended.returncode}\n{ended.stderr}"
        return ended

    def popen(
        self,
        *args: str,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        stdin: int | IO[Any] = subprocess.DEVNULL,
        within: tuple[str, ...] = (),
        **options: Any,
    ) -> subprocess.Popen[str]:
        """
        Start a nox command, or one that takes it as its last words; stdout and stderr are pipes unless
        `options` say otherwise.
        """
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process: subprocess.Popen[str] = subprocess.Popen(
            [*within, *COMMAND, *args],
            env=changed(self.environ, env or {}),
            cwd=cwd or self.cwd,
            stdin=stdin,
            text=True,
            **streams,
        )
        self._started.append(process)
        return process

    def worker(
        self, *args: str, env: Mapping[str, str | None] | None = None, standin: bool = False
    ) -> Worker:
        """Start `nox worker` in a session of its own; it is ended after the test.

        From then on no command of this test starts a background worker, which might take this one's jobs.

        Args:
            args: what follows `nox worker`.
            env: changes to this test's environment; None takes a variable out.
            standin: echo jobs are deeds of `tests.standin.engine`.
        """
        command = (sys.executable, "-m", "tests.standin.worker") if standin else COMMAND
        log = self.home.parent / f"worker-{len(self._workers) + 1}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "worker", *args],
                env=changed(self.environ, env or {}),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.environ.setdefault("NOX_AUTOSTART", "never")
        database = None if "REDIS_URL" in self.environ else self.home / DATABASE
        self._workers.append(Worker(process, log, database))
        return self._workers[-1]

    def submit(self, *args: str, **options: Any) -> list[str]:
        """Hand jobs over by `nox submit`, which must accept them; return their ids."""
        return self("submit", *args, check=True, **options).stdout.split()

    def status(self, job_id: str, **options: Any) -> dict[str, Any]:
        """Ask `nox status` for the public form of one job."""
        found: dict[str, Any] = json.loads(self("status", job_id, "--json", check=True, **options).stdout)
        return found

    def wait(self, job_id: str, state: str, limit_s: float = LIMIT_S) -> None:
        """Look into the store until a job is in this public state; fail at once if it ended in another.

        It reads the store itself: a `nox status` every few milliseconds would take the processors from the
        workers that are waited for.
        """

        def is_reached() -> bool:
            try:
                with self.store(is_there=True) as store:
                    seen = store.get(job_id)
            except StoreUnreachable:  # for a moment
                return False
            assert state == seen.state.public or not seen.state.is_final, seen
            return state == seen.state.public

        wait_until(is_reached, limit_s, lambda: f"{state}:\n" + "\n".join(w.log for w in self._workers))

    @contextmanager
    def store(self, *, is_there: bool = False) -> Iterator[Store]:
        """Open this test's store in the test's own process, to read what no command prints.

        Args:
            is_there: make no local store if there is none, which is then a failure.
        """
        prefix = self.environ.get("NOX_PREFIX", "nox:")
        settings = StoreSettings(redis_url=self.redis_url, prefix=prefix, home=self.home)
        with patience():
            opened = open_existing(settings) if is_there else open_store(settings)
        assert opened is not None, f"no store in {self.home}"
        try:
            yield opened
        finally:
            opened.close()

    def history(self, job_id: str) -> list[str]:
        """Read every raw state a job went through."""
        with self.store() as store:
            events = store.events("0", limit=100_000).items
        return [str(event.state) for event in events if event.job_id == job_id]

    def job(self, job_id: str) -> Job:
        """Read a job's whole record."""
        with self.store() as store:
            return store.get(job_id)

    def processes(self) -> set[int]:
        """Find every living process that carries this test's NOX_HOME, and all below them."""
        marked = with_environment(f"NOX_HOME={self.home}")
        return marked.union(*map(descendants, marked))

    def background(self) -> set[int]:
        """Find the background workers that submit started: those of this test it did not start itself."""
        own = {worker.pid for worker in self._workers} | {process.pid for process in self._started}
        below = set[int]().union(*map(descendants, own))
        found = {pid: arguments(pid) for pid in self.processes() - own - below}
        workers = {pid: words for pid, words in found.items() if {"nox_cli", "worker"} <= set(words)}
        # A child of one, of the same words, is about to be another program.
        return {pid for pid, words in workers.items() if words != workers.get(parent(pid))}

    def close(self) -> None:
        """End all that this test started.

        Raises:
            AssertionError: a worker had died unasked, or a process is left after its worker's end.
        """
        died = [
            f"a worker ended by itself, exit {worker.process.returncode}:\n{worker.log}"
            for worker in self._workers
            if worker.process.poll() is not None and not worker.may_end
        ]
        family = self.processes().union(*(worker.look() | worker.family for worker in self._workers))
        self._end_in_order()
        left = _left_after(lambda: {pid for pid in family | self.processes() if is_alive(pid)})
        stayed = [f"a process was left: {pid} {' '.join(arguments(pid))}" for pid in left]
        for pid in left:
            end(pid)
        assert not died + stayed, "\n".join(died + stayed)

    def _end_in_order(self) -> None:
        """Ask workers and commands to end; kill what does not follow."""
        processes = [*self._started, *(worker.process for worker in self._workers)]
        background = self.background()
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for pid in background:
            end(pid, signal.SIGTERM)
        for process in processes:
            _wait_or_kill(process)
        with suppress(AssertionError):
            wait_until(lambda: not any(map(is_alive, background)), END_S, "the end of background workers")
        while autostart._started:  # by the test's own process
            _wait_or_kill(autostart._started.pop())


def _wait_or_kill(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=END_S)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _left_after(living: Callable[[], set[int]]) -> set[int]:
    """Give what is ending a moment; name what stays."""
    with suppress(AssertionError):
        wait_until(lambda: not living(), 30, "the end of all processes")
    return living()
