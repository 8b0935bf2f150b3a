"""Errors of Redis as store errors, the same for both kinds of connection; they never show a password."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from workers.errors import StoreDamaged, StoreError, StoreFull, StoreRefused, StoreUnreachable
from workers.store import versions
from workers.store.redis.address import MASK

if TYPE_CHECKING:
    from workers.store.redis.resp import ReplyError

OLDEST_REDIS = (7, 2)
OLDEST_VALKEY = (8, 0)

_LOGIN_HINT = "check the name and password in the Redis URL or the password file"
# The key that an error is about, as `lua/shared.lua` names it.
_KEY = re.compile(r" at key (.*?)(?: script: [0-9a-f]{40}.*)?$", re.DOTALL)
# Codes of refusals: the description of the server, and a hint.
_CLUSTER = ("is a cluster, which nox does not support", "use a single server")
_DENIED = {
    "WRONGPASS": ("refused the name or password", _LOGIN_HINT),
    "NOAUTH": ("wants a password", _LOGIN_HINT),
    "NOPERM": ("refused: {missing}", "ask for the rights nox needs"),
    "READONLY": ("is a read-only replica", "give the address of its primary"),
    "MISCONF": ("refuses writes: {error.words}", "its own log says why it cannot save"),
    **dict.fromkeys(("MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN"), _CLUSTER),
}
# Codes of errors that pass.
_PASSING = {
    "LOADING": "is still loading its data",
    "BUSY": "is busy with a script",
    "MASTERDOWN": "has lost its primary",
    "UNBLOCKED": "has become a replica",
    "TRYAGAIN": "asks to try again",
    "NOREPLICAS": "misses its replicas",
}


def unreachable(error: OSError, place: str) -> StoreError:
    """Make the error for a failed connection."""
    hint = "is it running, and is this its address?"
    # An error of a certificate is recognised by its attribute: `ssl` takes 12 ms to import.
    if mistrust := getattr(error, "verify_message", ""):
        return StoreRefused(f"redis at {place} showed a certificate that is not trusted: {mistrust}")
    match error:
        case TimeoutError():
            what = f"redis at {place} did not answer"
        case ConnectionRefusedError():
            what = f"redis at {place} refused the connection"
        case socket.gaierror():
            what = f"redis at {place} cannot be reached: this host is not known"
            if place == MASK:  # the text in the place of the host may be a password
                hint = "write it as redis://:PASSWORD@HOST:PORT/DB"
        case FileNotFoundError():
            what = f"redis at {place} cannot be reached: there is no such socket"
        case ConnectionAbortedError():
            what = f"redis at {place} cannot be used: {error}"
        case ConnectionError():
            what = f"redis at {place} closed the connection"
        case _:
            what = f"redis at {place} cannot be reached: {(error.strerror or str(error)).lower()}"
    failure = StoreUnreachable(what, hint=hint)
    failure.is_open = isinstance(error, TimeoutError)  # what was sent may still be on its way
    return failure


def key_of(error: ReplyError) -> str:
    """Read which key an error of a script is about; empty: the error does not name one."""
    named = _KEY.search(error.words)
    return named[1] if named else ""


def refused(error: ReplyError, place: str, key: str = "") -> StoreError:
    """Make the error for a command that the server refused; `key`: the key of the command."""
    if error.code in _PASSING:
        return StoreUnreachable(f"redis at {place} {_PASSING[error.code]}", hint="try again in a moment")
    if error.code == "OOM":
        return StoreFull(
            f"redis at {place} is full: its maxmemory is reached",
            hint="nox clean removes what is no longer needed; or raise maxmemory",
        )
    if error.code == "WRONGTYPE":
        key = key_of(error) or key
        return StoreDamaged(
            f"redis at {place} holds something else under {f'the key {key}' if key else 'a key'} of nox",
            hint="remove what is there, and give nox a database or a prefix of its own",
        )
    if error.code == "OUTDATED":
        return versions.outdated(f"redis at {place}", error.words)
    if error.code == "INUSE":
        return versions.in_use(f"redis at {place}", error.words.split(", "))
    return _denied(error, place)


def _denied(error: ReplyError, place: str) -> StoreError:
    what, hint = _DENIED.get(error.code, ("refused: {error}", ""))
    missing = _right_missing(error.words)
    return StoreRefused(f"redis at {place} {what.format(error=error, missing=missing)}", hint=hint)


def _right_missing(words: str) -> str:
    """Read from an ACL's answer what this user may not do."""
    if "run the '" in words:
        return f"this user may not run {words.split(chr(39))[1].upper()}"
    return "this user may not touch the keys of nox" if "key" in words else words


def check_server(info: dict[str, str], place: str) -> None:
    """Refuse a server that nox does not work with; one that does not report its version is accepted.

    Raises:
        StoreRefused: it is too old, or a cluster.
    """
    if info.get("redis_mode") == "cluster":
        raise StoreRefused(
            f"redis at {place} is a cluster, which nox does not support", hint="use a single server"
        )
    name, version = server_name(info)
    if not version:
        return
    oldest = OLDEST_VALKEY if name == "valkey" else OLDEST_REDIS
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < oldest:
        raise StoreRefused(f"{name} {version} at {place}: nox needs redis 7.2 or newer, or valkey 8 or newer")


def server_name(info: dict[str, str]) -> tuple[str, str]:
    """Return the name of the server program, and its version."""
    if "valkey_version" in info:
        return "valkey", info["valkey_version"]
    return "redis", info.get("redis_version", "")
