"""The export of a worker's metrics: at an address of this machine, or in a file that is kept current."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import UsageError
from workers.machine import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from workers.logs import Log

# The interval at which a file is written.
EVERY_S = 5.0
LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\]):|:)?(?P<port>[0-9]+)", re.ASCII)
_LARGEST_PORT = 65_535
_MOST_DIGITS = 5
# A file name ends in this, as a textfile collector needs it; one with a slash may have any ending.
_SUFFIX = ".prom"
_HINT = "--metrics 9191, HOST:PORT, or a file: NAME.prom or ./NAME"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and port where metrics are served."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def place(text: str) -> ListenAddress | Path:
    """Read the target of metrics: `PORT`, `:PORT` (loopback), `HOST:PORT`, or a file.

    Raises:
        UsageError: it is no port there can be, nor clearly a file: it has no slash, nor ends in .prom.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None and ("/" in text or text.endswith(_SUFFIX)):
        return Path(text)
    digits = found["port"].lstrip("0") if found else ""
    if found is None or not digits or len(digits) > _MOST_DIGITS or int(digits) > _LARGEST_PORT:
        what = f"there is no port {found['port']}" if found else f'"{text}" is neither a port nor a file'
        raise UsageError(what, did="no worker was started", hint=_HINT)
    return ListenAddress((found["host"] or LOOPBACK).strip("[]"), int(digits))


def expose(at: ListenAddress | Path, registry: CollectorRegistry, notes: Log) -> Callable[[], None]:
    """Export metrics from now on; return the function that ends that.

    Raises:
        UsageError: the address cannot be listened at, or the file cannot be written.
    """
    return _listen(at, registry, notes) if isinstance(at, ListenAddress) else _keep(at, registry, notes)


def _listen(at: ListenAddress, registry: CollectorRegistry, notes: Log) -> Callable[[], None]:
    from prometheus_client import start_http_server

    shown = f"{at.host}:{at.port}"
    try:
        server, thread = start_http_server(at.port, at.host, registry)
    except OSError as error:
        raise _refusal(f"metrics cannot be served at {shown}", error) from None
    if not at.is_loopback:
        notes.warning(
            f"metrics at {shown} are for all who reach it: "
            "they hold no names but those of pools, and how much is done"
        )
    notes.info(f"metrics at http://{shown}/metrics")

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _keep(path: Path, registry: CollectorRegistry, notes: Log) -> Callable[[], None]:
    from prometheus_client import write_to_textfile

    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise _refusal(f"metrics cannot be written to {path}", error) from None
    ended = threading.Event()

    def keep() -> None:
        is_logged = False
        while True:
            is_last = ended.wait(EVERY_S)
            try:
                write_to_textfile(str(path), registry)
                is_logged = False
            except OSError as error:
                if not is_logged:
                    notes.warning(f"metrics cannot be written to {path}: {error.strerror}")
                is_logged = True
            if is_last:
                return

    thread = threading.Thread(target=keep, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        ended.set()
        thread.join()

    return stop


def _refusal(what: str, error: OSError) -> UsageError:
    return UsageError(f"{what}: {(error.strerror or str(error)).lower()}", did="no worker was started")
