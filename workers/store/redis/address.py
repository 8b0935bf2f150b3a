"""The address of a Redis server: read from its URL here and nowhere else, and masked before it is printed."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from workers.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MASK = "***"
SCHEMES = ("redis", "rediss", "unix")
_HINT = "write it as redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH?db=DB"
_MAX_PASSWORD_BYTES = 4096
# Options after ? that name files.  redis-py's error for a missing file does not name it.
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

_COMPLETE = re.compile(r"(redis|rediss)://[^\s/?#]+([/?#]\S*)?|unix://\S+")
_PASSWORD = re.compile(r"://[^:@]*:.*@|[?&][^=&]*password=", re.IGNORECASE | re.DOTALL)
_SCHEME_AND_REST = re.compile(r"(redis|rediss|unix)://(.*)", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_OWN_HOST = re.compile(r"localhost|\[.*\]|[0-9]{1,3}(\.[0-9]{1,3}){3}")
_DATABASE = re.compile(r"[0-9]{0,4}")
_LARGEST_PORT = 65_535
_LONGEST_LABEL = 63
# Options whose values are no secret, and options whose names at least are none.
_HARMLESS = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)
_KNOWN = frozenset({"password", "ssl_password", "username", "socket_timeout", "socket_connect_timeout"})


class RedisUrl(NamedTuple):
    """A Redis URL as a user wrote it.  It may be wrong, and hold a password anywhere."""

    text: str

    def __repr__(self) -> str:
        """Describe it without its password, for tracebacks."""
        return f"RedisUrl({self.masked()!r})"

    @property
    def is_complete(self) -> bool:
        """Whether it has a known scheme, and a host or socket."""
        return _COMPLETE.fullmatch(self.text) is not None

    @property
    def has_password(self) -> bool:
        """Whether it holds a password in one of the places for one."""
        return _PASSWORD.search(unquote(self.text)) is not None

    @property
    def has_clear_host(self) -> bool:
        """Whether the text in the place of the host cannot be a password."""
        server = self.masked().partition("://")[2].rpartition("@")[2]
        return not server.startswith(MASK)

    def masked(self) -> str:
        """Return the URL without anything that may be a password.

        Host, port, database, socket and harmless options are kept; `***` replaces all else.
        """
        found = _SCHEME_AND_REST.fullmatch(self.text)
        if found is None:
            return MASK
        scheme, rest = found.groups()
        user, at, place = rest.rpartition("@")
        if "?" in user or "#" in user:
            return f"{scheme}://{MASK}"
        name, colon, _ = user.partition(":")
        shown_user = f"{name}:{MASK}@" if colon else MASK + at if at else ""
        place, hash_mark, _ = place.partition("#")
        place, mark, query = place.partition("?")
        has_own_password = (bool(colon) and "/" not in user) or "ssl_" in query
        shown = _masked_socket(place) if scheme == "unix" else _masked_server(place, is_host=has_own_password)
        options = "&".join(map(_masked_option, query.split("&"))) if query else ""
        return f"{scheme}://{shown_user}{shown}{mark}{options}{hash_mark and '#' + MASK}"

    def address(self, password_file: Path | None = None) -> RedisAddress:
        """Parse the URL.

        Args:
            password_file: holds the password that replaces the URL's; None: the URL's.

        Raises:
            SettingsInvalid: it is no Redis URL, or a file it names or the password file cannot be used.
        """
        parts, port = _split(self.text)
        query = parse_qs(parts.query)
        for option in _FILES:
            for path in query.get(option, ()):
                if not os.access(path, os.R_OK):
                    raise SettingsInvalid(f"the file {path}, {option} of the Redis URL, cannot be read")
        is_socket = parts.scheme == "unix"
        name = query.pop("db", [""])[0] or ("" if is_socket else parts.path.strip("/"))
        if name and not (name.isascii() and name.isdigit()):
            raise SettingsInvalid("the Redis URL names a database that is not a number", hint=_HINT)
        if is_socket and not parts.path.startswith("/"):
            raise SettingsInvalid("the Redis URL names no socket", hint=_HINT)
        return RedisAddress(
            scheme=parts.scheme,
            host=parts.hostname or "localhost",
            port=port,
            path=unquote(parts.path) if is_socket else "",
            database=int(name or 0),
            username=unquote(parts.username or ""),
            password=read_password(password_file) if password_file else unquote(parts.password or ""),
            options={option: values[0] for option, values in query.items()},
            has_clear_host=self.has_clear_host,
        )


class RedisAddress(NamedTuple):
    """The address of a Redis database, with the user name and password for it."""

    scheme: str  # one of SCHEMES
    host: str
    port: int
    path: str  # of the Unix socket
    database: int
    username: str
    password: str
    options: Mapping[str, str]  # after ?, without the database: redis-py knows them
    has_clear_host: bool = True  # the text in the place of the host cannot be a password

    def __repr__(self) -> str:
        """Describe it without its password, for tracebacks."""
        return f"RedisAddress({self.scheme}, {MASK if not self.has_clear_host else self.where})"

    @property
    def place(self) -> str:
        """The server, fit to print."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.path if self.scheme == "unix" else f"{host}:{self.port}"

    def place_in(self, error: OSError) -> str:
        """Return the server, fit to print with an error: an unknown host may be a password."""
        from socket import gaierror

        return MASK if isinstance(error, gaierror) and not self.has_clear_host else self.place

    @property
    def where(self) -> str:
        """The server and the database, fit to print."""
        return f"{self.place}/{self.database}"

    @property
    def is_loopback(self) -> bool:
        """Whether only processes of the same host reach it."""
        from workers.machine import is_loopback

        return self.scheme == "unix" or is_loopback(self.host)

    @property
    def is_plain(self) -> bool:
        """Whether a plain socket can be used: no TLS, no Unix socket, no options."""
        return self.scheme == "redis" and not self.options


def bad_option() -> SettingsInvalid:
    """Return the error for a bad option after `?`: it does not show the option, which may be a password."""
    return SettingsInvalid("an option after ? in the Redis URL is unknown or has no usable value", hint=_HINT)


def read_password(path: Path) -> str:
    """Read the password from a file that belongs to the user and that no other user can read.

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


def _split(url: str) -> tuple[SplitResult, int]:
    """Split a URL into its parts and the port.  No message shows the URL: it may hold a password."""
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
    """Whether a host's name can be looked up; an empty one means this machine."""
    if name.isascii():  # by the rules of the codec, which takes 1 ms to load
        *labels, last = name.split(".")
        return all(0 < len(label) <= _LONGEST_LABEL for label in labels) and len(last) <= _LONGEST_LABEL
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def _masked_socket(place: str) -> str:
    return place if place.startswith("/") else MASK


def _masked_server(place: str, *, is_host: bool) -> str:
    """Mask `HOST:PORT/DATABASE`.

    A host without a port may be a password, unless `is_host`: the URL holds a password elsewhere.
    """
    server, slash, database = place.partition("/")
    found = _HOST.fullmatch(server)
    is_clear = not server
    if found is not None:
        host, port = found.groups()
        is_clear = int(port) <= _LARGEST_PORT if port else is_host or bool(_OWN_HOST.fullmatch(host))
    return f"{server if is_clear else MASK}{slash}{database if _DATABASE.fullmatch(database) else MASK}"


def _masked_option(text: str) -> str:
    name, equals, value = text.partition("=")
    if (name == "db" and _DATABASE.fullmatch(value)) or name in _HARMLESS:
        return text
    return f"{name}={MASK}" if equals and name in _KNOWN else MASK
