"""One run of `nox serve`: the socket, the server process, the signals that end it, and its worker."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from nox_cli.config.server import DEFAULT_BIND, WorkerFor
from nox_cli.exits import ExitCode
from nox_cli.serve.app import create_app
from nox_cli.serve.authentication import TOKEN_FILE, own_token
from nox_cli.serve.guards.heads import TimedProtocol
from nox_cli.serve.page.address import announced
from nox_cli.serve.worker import keep_worker
from workers.errors import StoreBusy, StoreUnreachable, UsageError
from workers.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.config.server import ServeOptions
    from nox_cli.config.settings import Settings
    from nox_cli.serve.state import ServerState
    from workers.logs import Log

NOT_SERVED = "nothing is served"
# Requests under way get so long to end once a signal came; streams and waits end at once.
GRACE_S = 5
KEEP_ALIVE_S = 30
_LARGEST_HEAD_BYTES = 32 * 1024
_MOST_PORT = 65_535
_HURRY_S = 0.1


class ServerEnded(NamedTuple):
    """The exit code of a server that has ended."""

    exit: ExitCode


class _Server(uvicorn.Server):
    """Serves until a signal comes, then ends streams, waits and requests; a second signal hurries it."""

    def __init__(self, config: uvicorn.Config, state: ServerState, signals: Signals) -> None:
        super().__init__(config)
        self._state = state
        self._signals = signals

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `Signals`."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Look for signals, ten times a second."""
        return await super().on_tick(counter) or bool(self._signals.received)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams and waits, then all requests."""
        self._state.hub.close()
        hurrying = asyncio.create_task(self._hurry())
        await super().shutdown(sockets)
        hurrying.cancel()

    async def _hurry(self) -> None:
        while len(self._signals.received) < 2:  # noqa: ASYNC110, PLR2004  a handler of signals sets no event
            await asyncio.sleep(_HURRY_S)
        self.force_exit = True


def run_server(
    options: ServeOptions, settings: Settings, log: Log, *, is_terminal: bool = False
) -> ServerEnded:
    """Serve the HTTP API until a signal comes.

    Args:
        options: the options of the command.
        settings: the settings.
        log: receives the lines of the log.
        is_terminal: whether a person reads them.

    Raises:
        UsageError: options contradict each other, or the address cannot be used.
        StoreError: the store refuses; one that is unreachable is waited for.
    """
    _refuse_contradictions(options)
    app = create_app(options, settings, log)
    state: ServerState = app.state.nox
    _look_at_store(state)
    token = settings.home / TOKEN_FILE
    try:
        own_token(settings.home)
    except OSError as error:
        raise UsageError(f"{token}: {error.strerror}", did=NOT_SERVED) from None
    with (
        _listener(options) as listener,
        Signals() as signals,
        keep_worker(options, settings, log),
        announced(options, listener, settings.home, log, is_terminal=is_terminal),
    ):
        log.info("token of this server", file=token)
        # What was loaded lives as long as the server; a look through it takes 30 ms, and no request runs.
        gc.collect()
        gc.freeze()
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            loop="asyncio",
            http=TimedProtocol,
            ws="none",
            lifespan="on",
            root_path=_root(options.public_url),
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=_LARGEST_HEAD_BYTES,
        )
        _Server(config, state, signals).run([listener])
        received = signals.received
    log.info("ended")
    if len(received) < 2:  # noqa: PLR2004  as `nox worker`
        return ServerEnded(ExitCode.DONE)
    return ServerEnded(ExitCode.INTERRUPTED if received[1] == signal.SIGINT else ExitCode.TERMINATED)


def _refuse_contradictions(options: ServeOptions) -> None:
    """Check that options make sense together.

    Raises:
        UsageError: they do not.
    """
    if options.unix is not None and options.bind is not None:
        raise UsageError("--bind and --unix contradict each other", did=NOT_SERVED)
    if options.for_ is WorkerFor.ALL and not options.with_worker:
        raise UsageError("--for is about the worker", did=NOT_SERVED, hint="add --with-worker")
    if options.read_only and options.with_worker:
        raise UsageError("--read-only and --with-worker contradict each other", did=NOT_SERVED)
    if options.public_url and not _is_address(options.public_url):
        raise UsageError("--public-url is no address", did=NOT_SERVED, hint="https://HOST/PATH")


def _is_address(public_url: str) -> bool:
    """Whether clients can use an address: of HTTP, with a host, and a port if there is one."""
    from urllib.parse import urlsplit

    try:
        found = urlsplit(public_url)
        _ = found.port
    except ValueError:
        return False
    return found.scheme in {"http", "https"} and bool(found.hostname) and " " not in public_url


def _root(public_url: str) -> str:
    """Return the path under which clients see the API."""
    from urllib.parse import urlsplit

    return urlsplit(public_url).path.rstrip("/")


def _look_at_store(state: ServerState) -> None:
    """Open the store now, to refuse at once what no waiting makes better.

    Raises:
        StoreError: it refuses.
    """
    try:
        _ = state.store
    except (StoreUnreachable, StoreBusy) as error:
        state.log.warning("requests are answered 503 until the store is there", error=error.message)


@contextmanager
def _listener(options: ServeOptions) -> Iterator[socket.socket]:
    """Listen on the socket that the options name.

    Raises:
        UsageError: the address is malformed, taken, or not one of this machine.
    """
    listener = _on_path(Path(options.unix)) if options.unix else _on_address(options.bind or DEFAULT_BIND)
    try:
        yield listener
    finally:
        listener.close()
        if options.unix:
            with suppress(OSError):
                Path(options.unix).unlink()


def _on_address(text: str) -> socket.socket:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not (host and port.isascii() and port.isdigit() and int(port[:6]) <= _MOST_PORT):
        raise UsageError(f'"{text[:80]}" is no address', did=NOT_SERVED, hint=f"--bind {DEFAULT_BIND}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unusable(text, error) from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(socket.SOMAXCONN)
    except OSError as error:
        made.close()
        raise _unusable(text, error) from None
    return made


def _unusable(text: str, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        hint = "choose another port: --bind HOST:PORT"
        return UsageError(f"{text} is taken by another process", did=NOT_SERVED, hint=hint)
    reason = (error.strerror or str(error)).lower()
    return UsageError(f"{text} cannot be listened on: {reason}", did=NOT_SERVED)


def _on_path(path: Path) -> socket.socket:
    """Listen on a socket that only this user can open; one that a dead server left is replaced.

    Raises:
        UsageError: another file is there, a server listens there, or the socket cannot be made.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        before = os.umask(0o177)
        try:
            made.bind(str(path))
        finally:
            os.umask(before)
        made.listen(socket.SOMAXCONN)
    except UsageError:
        made.close()
        raise
    except OSError as error:
        made.close()
        raise _unusable(str(path), error) from None
    return made


def _clear(path: Path) -> None:
    """Remove a socket on which no process listens.

    Raises:
        UsageError: something else is there.
    """
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise UsageError(f"{path} is there, and no socket", did=NOT_SERVED, hint="choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        if trial.connect_ex(str(path)) == 0:
            raise UsageError(f"{path} is taken by another process", did=NOT_SERVED)
    path.unlink()
