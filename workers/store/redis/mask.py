"""A Redis address as it may be printed: only what is clearly host, port, database or a harmless option.

A password stands anywhere when somebody types an address by heart.  Imports nothing heavy.
"""

from __future__ import annotations

import re

MASK = "***"
_ADDRESS = re.compile(r"(redis|rediss|unix)://(.*)", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_OWN_HOST = re.compile(r"localhost|\[.*\]|[0-9]{1,3}(\.[0-9]{1,3}){3}")
_DATABASE = re.compile(r"[0-9]{0,4}")
_LARGEST_PORT = 65_535
# Options that hold no secret, and those whose names at least are none.
_HARMLESS = frozenset(
    {"ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)
_KNOWN = frozenset({"password", "ssl_password", "username", "socket_timeout", "socket_connect_timeout"})


def masked(url: str) -> str:
    """Show an address, be it a good one or not, without anything that may be a password."""
    found = _ADDRESS.fullmatch(url)
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
    is_told = (bool(colon) and "/" not in user) or "ssl_" in query
    shown = _unix(place) if scheme == "unix" else _tcp(place, is_told=is_told)
    options = "&".join(map(_option, query.split("&"))) if query else ""
    return f"{scheme}://{shown_user}{shown}{mark}{options}{hash_mark and '#' + MASK}"


def has_clear_host(url: str) -> bool:
    """Whether what stands where the host of an address does cannot be a password."""
    server = masked(url).partition("://")[2].rpartition("@")[2]
    return not server.startswith(MASK)


def has_password(url: str) -> bool:
    """Whether an address holds a password in one of the places for one."""
    return re.search(r"://[^:@]*:.*@|[?&][^=&]*password=", url, re.IGNORECASE | re.DOTALL) is not None


def _unix(place: str) -> str:
    return place if place.startswith("/") else MASK


def _tcp(place: str, *, is_told: bool) -> str:
    """Show `HOST:PORT/DATABASE`; a host alone may be a password, unless something shows that it is none."""
    server, slash, database = place.partition("/")
    found = _HOST.fullmatch(server)
    is_clear = not server
    if found is not None:
        host, port = found.groups()
        is_clear = int(port) <= _LARGEST_PORT if port else is_told or bool(_OWN_HOST.fullmatch(host))
    return f"{server if is_clear else MASK}{slash}{database if _DATABASE.fullmatch(database) else MASK}"


def _option(text: str) -> str:
    name, equals, value = text.partition("=")
    if (name == "db" and _DATABASE.fullmatch(value)) or name in _HARMLESS:
        return text
    return f"{name}={MASK}" if equals and name in _KNOWN else MASK
