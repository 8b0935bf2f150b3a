"""The hosts and origins that requests may name: others are those of pages that misuse a browser."""

from __future__ import annotations

import socket
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}
_MOST_HOST = 300


class Hosts:
    """Decides which hosts and origins are the server's own."""

    def __init__(self, bind: str | None, public_url: str) -> None:
        """Note what the options name.

        Args:
            bind: HOST:PORT of the options; None: the default, or a socket.
            public_url: the address that clients use, behind a proxy; empty: none.
        """
        self._bound = (bind or "").rpartition(":")[0].strip("[]").lower()
        public = urlsplit(public_url)
        self._public = (public.netloc.lower(), f"{public.scheme}://{public.netloc}".lower())

    def allows(self, host: str, server: tuple[str, int | None] | None) -> bool:
        """Whether a request may name a host.

        Args:
            host: the header.
            server: the address and port that the client has reached; no port: a socket of this machine.
        """
        if host.lower() == self._public[0] != "":
            return True
        name, port = split(host)
        if server is None or server[1] is None:
            return name in _LOOPBACK
        if not _is_address(server[0]) or ip_address(server[0]).is_loopback:
            # Any port: it may be forwarded by ssh.  Some systems give their own names a loopback address.
            is_wide = self._bound not in {"", *_LOOPBACK}
            return name in _LOOPBACK or name == server[0] or (is_wide and name in self._names)
        if port != server[1]:
            return False
        return name == server[0] or name == self._bound != "" or name in self._names

    def allows_origin(self, origin: str, host: str, server: tuple[str, int | None] | None) -> bool:
        """Whether a page of that origin may send requests: only one of this server."""
        scheme, _, place = origin.lower().partition("://")
        if self._public[0] and origin.lower() == self._public[1]:
            return True
        return scheme in _PORTS and place == host.lower() and self.allows(host, server)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names of this machine, for a server that other machines reach."""
        names = {socket.gethostname().lower(), socket.getfqdn().lower()}
        return frozenset(names | {name.partition(".")[0] for name in names})


def split(host: str) -> tuple[str, int]:
    """Separate a host in lower case from its port; 80 if there is none, 0 if it is not valid."""
    if len(host) > _MOST_HOST or not host.isascii() or set(host) & set("/@?#\\ \t,"):
        return "", 0
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "80"
    is_port = port.isdigit() and len(port) <= len("65535")
    return name.lower().strip("[]").rstrip("."), int(port) if is_port else 0


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
