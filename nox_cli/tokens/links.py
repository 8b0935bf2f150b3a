"""Links to the page of `nox serve`, and the addresses of the servers that run, which the state directory has.

A server keeps its file locked while it runs, so that one that was killed is not taken for one that runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.times import iso, now_ms
from nox_cli.tokens.codes import VALID_S, new_code, private_folder
from workers.errors import NothingMatched, UsageError
from workers.files import open_file, try_lock, unlocked
from workers.machine import host as machine_name
from workers.store.values import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nox_cli.tokens.json_objects import LinkRecord

_ADDRESSES = "serve.addresses"  # the folder in the state directory
NOT_MADE = "no link was made"


class PageAddress(NamedTuple):
    """The address at which a server shows its page."""

    url: str  # as a browser needs it; it ends in /
    host: str  # the machine of the server
    tunnel: str = ""  # the command that makes the address reachable from another machine; empty: none
    needs_tunnel: bool = False  # on the machine itself, too: no browser runs there, or it has only a socket
    began_ms: int = 0

    def link(self, code: str) -> str:
        """Return the address with a code in its fragment, which a browser sends to no server."""
        return f"{self.url}#code={code}"


class PageLink(NamedTuple):
    """A link that signs in to the page, once."""

    address: PageAddress
    code: str
    expires_ms: int

    @property
    def url(self) -> str:
        """The link."""
        return self.address.link(self.code)

    @property
    def tunnel(self) -> str:
        """The command to run on one's own machine first; empty: none."""
        is_elsewhere = self.address.needs_tunnel or self.address.host != machine_name()
        return self.address.tunnel if is_elsewhere else ""

    def document(self) -> LinkRecord:
        """Return the link, and what it needs."""
        return {
            "link": self.url,
            "host": self.address.host,
            "tunnel": self.tunnel or None,
            "expires_at": iso(self.expires_ms),
        }


@contextmanager
def noted(home: Path, address: PageAddress) -> Iterator[None]:
    """Note the address of a server in the state directory while it runs.

    Raises:
        OSError: it cannot be written, or others can write to its folder.
    """
    name = hashlib.sha256(f"{address.host} {address.url} {address.tunnel}".encode()).hexdigest()
    flags = os.O_RDWR | os.O_CREAT
    with (
        private_folder(home, _ADDRESSES) as folder,
        os.fdopen(open_file(name, flags, folder=folder), "w", encoding="utf-8") as file,
    ):
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_SH)
        file.truncate()
        json.dump(address._replace(began_ms=now_ms())._asdict(), file)
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                if _is_last(file.fileno()):
                    os.unlink(name, dir_fd=folder)


def _is_last(descriptor: int) -> bool:
    """Whether no other server, such as the next one at this address, has noted itself in the same file."""
    try:
        return try_lock(descriptor)
    except OSError:  # a file system without locks
        return True


def new_link(home: Path) -> PageLink:
    """Make a link to the page of the server that runs: on this machine rather than on another, the newest.

    Raises:
        NothingMatched: none runs.
        UsageError: the code of the link cannot be written, or others can write the addresses of servers.
    """
    here = machine_name()
    expires_ms = now_ms() + 1_000 * VALID_S
    try:
        found = max(_running(home), key=lambda one: (one.host == here, one.began_ms), default=None)
        if found is not None:
            return PageLink(found, new_code(home), expires_ms)
    except OSError as error:
        raise UsageError(f"{home}: {error.strerror or error}", did=NOT_MADE) from None
    raise NothingMatched(
        f"no nox serve runs with the state directory {home}", did=NOT_MADE, hint="start one: nox serve"
    )


def _running(home: Path) -> Iterator[PageAddress]:
    """Read the addresses of the servers that run.

    Raises:
        OSError: others can write them, and so have a link with a code lead to a server of theirs.
    """
    folder = home / _ADDRESSES
    if not folder.is_dir():
        return
    with private_folder(home, _ADDRESSES):
        paths = list(folder.iterdir())
    for path in paths:
        with unlocked(path) as is_free:
            if is_free:
                continue
        with suppress(OSError, ValueError, TypeError):
            known = json.loads(path.read_text(encoding="utf-8"))
            yield PageAddress(**fields_of(PageAddress, known))
