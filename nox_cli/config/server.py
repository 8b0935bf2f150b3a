"""Options of `nox serve`, which the command and the server share."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

DEFAULT_BIND = "127.0.0.1:8646"


class WorkerFor(StrEnum):
    """The users whose jobs the worker of `nox serve --with-worker` runs."""

    ME = "me"
    ALL = "all"


class ServeOptions(NamedTuple):
    """The options of `nox serve`."""

    bind: str | None = None  # HOST:PORT; None: loopback
    unix: str | None = None  # the path of a socket, in place of an address
    read_only: bool = False  # refuse all that changes jobs
    public_url: str = ""  # the address that clients see, behind a proxy
    metrics: bool = False  # offer GET /metrics
    with_worker: bool = False  # run jobs, too
    for_: WorkerFor = WorkerFor.ME
