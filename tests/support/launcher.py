"""Starts nox commands from a process that has loaded nox: a short one takes a seventh of the processor time.

Each command is still a process of its own, with the streams, environment, directory and arguments it was
given; only what Python loads is there already.  Workers, and whatever tests start by themselves, load
everything from the beginning, as does a command whose environment changes how Python starts.  With
FRESH_STARTS in the environment of the tests all commands do.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
# What a start of Python reads: with any of these a command is not started from here.
_READ_AT_START = ("PYTHON", "LC_", "LD_", "TZ", "MALLOC_", "TYPER_", "COVERAGE_")
_LOCALE = "C.UTF-8"
_END_S = 10.0
_CHUNK_BYTES = 65_536
# They load rich and prometheus-client, which few commands need.
_LOADED_LATER = ("nox_cli.__main__", "nox_cli.render.metrics", "nox_cli.render.terminal.screen")
_FRESH = "FRESH_STARTS"


def can_start(environ: Mapping[str, str]) -> bool:
    """Whether a command with this environment is the same when it is started from here."""
    if _FRESH in os.environ:
        return False
    return environ.get("LANG") == _LOCALE and not any(name.startswith(_READ_AT_START) for name in environ)


def run(
    argv: Sequence[str], environ: Mapping[str, str], cwd: Path, text: str, limit_s: float
) -> subprocess.CompletedProcess[str]:
    """Run `nox ARGV` to its end.

    Args:
        argv: what follows `nox`.
        environ: the whole environment of the command.
        cwd: where it runs.
        text: what its stdin, a pipe, holds.
        limit_s: how long it may take.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    pipes = [os.pipe() for _ in range(3)]
    (stdin, feed), (out, stdout), (err, stderr) = pipes
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.fspath(_launcher()))
        request = json.dumps([list(argv), dict(environ), os.fspath(cwd)]).encode()
        connection.sendall(len(request).to_bytes(4, "big"))
        socket.send_fds(connection, [b"f"], [stdin, stdout, stderr])
        connection.sendall(request)
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        pid = int.from_bytes(_exactly(connection, 4), "big")
        feeder = threading.Thread(target=_feed, args=(feed, text.encode()), daemon=True)
        feeder.start()
        printed = _read_all(out, err, time.monotonic() + limit_s)
        if printed is None:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["nox", *argv], limit_s)
        code = int.from_bytes(_exactly(connection, 4), "big", signed=True)
    feeder.join()
    return subprocess.CompletedProcess(["nox", *argv], code, *map(_text, printed))


def _feed(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as pipe:  # the command need not read it all
        pipe.write(data)


def _read_all(out: int, err: int, until: float) -> tuple[bytes, bytes] | None:
    """Read two pipes to their ends; None: not in time."""
    read: dict[int, list[bytes]] = {out: [], err: []}
    with selectors.DefaultSelector() as selector:
        for descriptor in read:
            selector.register(descriptor, selectors.EVENT_READ)
        try:
            while selector.get_map():
                ready = selector.select(max(0.0, until - time.monotonic()))
                if not ready:
                    return None
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK_BYTES)
                    read[key.fd].append(data)
                    if not data:
                        selector.unregister(key.fd)
        finally:
            os.close(out)
            os.close(err)
    return b"".join(read[out]), b"".join(read[err])


def _text(data: bytes) -> str:
    """Decode what was printed as subprocess does."""
    return data.decode().replace("\r\n", "\n").replace("\r", "\n")


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, "the launcher ended"
        data += more
    return data


_starting = threading.Lock()


def _launcher() -> Path:
    """Start this process's launcher, once; where it listens."""
    with _starting:
        return _started(os.getpid())


@cache
def _started(_pid: int) -> Path:
    place = Path(tempfile.mkdtemp(prefix="nox-tests-launcher-")) / "socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(place))
    listener.listen(64)
    # It ends when its stdin does, which is when this process ends.  Its streams are pipes, as a command's
    # are: Python's objects for them remember what they were made of.
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(listener.fileno())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "LANG": _LOCALE},
        cwd=ROOT,
        pass_fds=[listener.fileno()],
    )
    listener.close()
    atexit.register(_stop, process, place.parent)
    return place


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.communicate(timeout=_END_S)
    shutil.rmtree(folder)


def _serve(listener: socket.socket) -> tuple[list[str], list[int]]:
    """Start commands as they are asked for; return in the process that is to be one."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                (argv, environ, cwd), streams = _receive(connection)
                pid = os.fork()
                if pid == 0:
                    _become(environ, cwd, streams, [connection, listener], selector)
                    return argv, streams
                for descriptor in streams:
                    os.close(descriptor)
                connection.sendall(pid.to_bytes(4, "big"))
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
            elif key.data:
                pid, connection = key.data
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                selector.unregister(key.fileobj)
                os.close(key.fd)
                with connection:
                    _tell(connection, code)
            else:
                _end()


def _end() -> NoReturn:
    os._exit(0)


def _tell(connection: socket.socket, code: int) -> None:
    with suppress(OSError):  # the test has given up
        connection.sendall(code.to_bytes(4, "big", signed=True))


def _receive(connection: socket.socket) -> tuple[Any, list[int]]:
    length = int.from_bytes(_exactly(connection, 4), "big")
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    return json.loads(_exactly(connection, length)), list(streams)


def _become(
    environ: Mapping[str, str],
    cwd: str,
    streams: Sequence[int],
    sockets: Sequence[socket.socket],
    selector: selectors.BaseSelector,
) -> None:
    """Give this process the streams, the environment and the directory of a command, and nothing else."""
    for key in list(selector.get_map().values()):
        if key.data:
            os.close(key.fd)
            key.data[1].close()
    selector.close()
    for one in sockets:
        one.close()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    sys.path[0] = cwd


def _main() -> None:
    for package in ("nox_cli", "workers.store"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if module.name not in _LOADED_LATER:
                importlib.import_module(module.name)
    gc.freeze()
    listener = socket.socket(fileno=int(sys.argv[1]))
    argv, _ = _serve(listener)
    sys.argv[1:] = argv
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    runpy.run_module("nox_cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
