"""Where a Redis lies and how one gets in, read from the URL once."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from workers.errors import SettingsInvalid
from workers.store.redis.mask import MASK, has_clear_host

if TYPE_CHECKING:
    from pathlib import Path

SCHEMES = ("redis", "rediss", "unix")
_HINT = "write it as redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH?db=DB"
_MAX_PASSWORD_BYTES = 4096
# Options after ? that name files; that one is missing would not be told by what opens them.
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The address of a Redis database, with the user name and password for it."""

    url: str = field(repr=False)  # may hold a password
    scheme: str
    host: str
    port: int
    path: str  # of the Unix socket
    database: int
    username: str
    password: str = field(repr=False)
    has_options: bool  # the URL says more, which only redis-py understands
    has_clear_host: bool = True  # what stands in the host's place cannot be a password

    @property
    def place(self) -> str:
        """The server, fit to print."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path if self.scheme == "unix" else f"{host}:{self.port}"

    def place_in(self, error: OSError) -> str:
        """The server, fit to print beside an error: a host that is not known may be a password."""
        is_unknown = isinstance(error, socket.gaierror)
        return MASK if is_unknown and not self.has_clear_host else self.place

    @property
    def where(self) -> str:
        """The server and the database, fit to print."""
        return f"{self.place}/{self.database}"

    @property
    def is_loopback(self) -> bool:
        """Whether only processes of the same host reach it."""
        from ipaddress import ip_address

        if self.scheme == "unix" or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_plain(self) -> bool:
        """Whether a plain socket serves."""
        return self.scheme == "redis" and not self.has_options


def read_address(url: str, password_file: Path | None = None) -> RedisAddress:
    """Take a Redis URL apart.

    Raises:
        SettingsInvalid: it is none, or a file it names or the password file cannot be used.
    """
    parts, port = _split(url)
    query = parse_qs(parts.query)
    for option in _FILES:
        for path in query.get(option, ()):
            if not os.access(path, os.R_OK):
                raise SettingsInvalid(f"the file {path}, {option} of the Redis URL, cannot be read")
    name = query.get("db", [""])[0] or ("" if parts.scheme == "unix" else parts.path.strip("/"))
    if name and not (name.isascii() and name.isdigit()):
        raise SettingsInvalid("the Redis URL names a database that is not a number", hint=_HINT)
    if parts.scheme == "unix" and not parts.path.startswith("/"):
        raise SettingsInvalid("the Redis URL names no socket", hint=_HINT)
    return RedisAddress(
        url=url,
        scheme=parts.scheme,
        host=parts.hostname or "localhost",
        port=port,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        database=int(name or 0),
        username=unquote(parts.username or ""),
        password=read_password(password_file) if password_file else unquote(parts.password or ""),
        has_options=bool(query.keys() - {"db"}),
        has_clear_host=has_clear_host(url),
    )


def bad_option() -> SettingsInvalid:
    """Say that what follows `?` in a URL is of no use; it is not shown, since it may hold a password."""
    return SettingsInvalid("an option after ? in the Redis URL is unknown or has no usable value", hint=_HINT)


def _split(url: str) -> tuple[SplitResult, int]:
    """Split a URL; the port is checked here, and the text never shown: it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        raise SettingsInvalid("the Redis URL cannot be read", hint=_HINT) from None
    if not _is_host(parts.hostname or ""):
        raise SettingsInvalid("the Redis URL names a host that cannot be one", hint=_HINT)
    if parts.scheme not in SCHEMES:
        raise SettingsInvalid("the Redis URL does not begin with redis://, rediss:// or unix://", hint=_HINT)
    return parts, port


def _is_host(name: str) -> bool:
    """Whether a host's name can be looked up; an empty one is this machine's."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def read_password(path: Path) -> str:
    """Read the password from a file that is the user's own and nobody else may read.

    Raises:
        SettingsInvalid: it cannot be read, or others can read it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SettingsInvalid(f"the password file {path} is not a regular file")
            if status.st_uid != os.geteuid():
                raise SettingsInvalid(f"the password file {path} belongs to somebody else")
            if status.st_mode & 0o077:
                raise SettingsInvalid(
                    f"others can read the password file {path}", hint=f"make it yours alone: chmod 600 {path}"
                )
            text = file.read(_MAX_PASSWORD_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not text"
        raise SettingsInvalid(f"the password file {path} cannot be read: {why}") from None
    return text.rstrip("\r\n")
