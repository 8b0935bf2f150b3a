"""Commands and scripts for Redis; every failure becomes a store error."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers import __version__
from workers.job import MAX_LOSSES, MAX_RELEASES, PATIENCE_MS, PAUSE_SPREAD, RETRY_PAUSES_MS
from workers.store import base
from workers.store.redis.errors import key_of, refused, unreachable
from workers.store.redis.resp import ReplyError
from workers.store.redis.wire import BLOCKING_S, COMMAND_S, wire_for
from workers.store.values import POINTS_KEPT
from workers.store.versions import MIN_WRITER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.store.redis.address import RedisAddress
    from workers.store.redis.resp import Arg

_LUA = Path(__file__).with_name("lua")
_PIPELINED = 3
SEPARATOR = "\x1f"  # between the prefix of the keys and the name of the token that acts
# The operations that every job takes.  Looking at all shared keys first, and naming the key of an error,
# would cost a finish with its claim a third more.  These do so only once they have failed; they can be
# repeated from any point.
_HOT = frozenset({"begin", "claim", "finish", "give_back", "progress", "renew", "tick"})
# What a worker writes for each job, and as it ends, is not guarded by `min_writer`: its ticks are.
_UNGUARDED = (_HOT - {"tick"}) | {"keep_checkpoint", "leave"}
# Which shared parts an operation needs besides shared.lua.
_PARTS = {
    "submit": ("words", "family"),
    "claim": ("take",),
    "finish": ("take", "family", "earlier"),
    "give_back": ("family",),
    "cancel": ("family",),
    "spread": ("family",),
    "remove": ("words", "family", "earlier"),
    "tick": ("words", "lanes", "family"),
    "leave": ("lanes",),
    "retry": ("named", "family", "earlier"),
    "pack": ("earlier",),
    "remove_attempts": ("earlier",),
    "audit": ("words",),
    "page": ("words", "outline"),
    "outlines": ("outline",),
    "revise": ("words", "named"),
    **dict.fromkeys(("hold", "release"), ("named",)),
    **dict.fromkeys(
        (
            *("define_pool", "pause_pool", "resume_pool", "remove_pool", "pools", "mend_pools"),
            *("allocations", "named_allocations", "acquire", "end_autoscaler", "record", "join", "part"),
        ),
        ("pool",),
    ),
}
# What an operation does before the shared parts, or after them where these mend first: that may end it.
_EARLY = {"tick": ("beat",)}


class Script:
    """A Lua script as Redis gets it."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def is_writing(self) -> bool:
        """Whether it may change keys."""
        return "no-writes" not in self.text.partition("\n")[0]

    @cached_property
    def digest(self) -> str:
        """The name under which Redis keeps it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def compose(name: str, *, is_hot: bool) -> Script:
    """Put a script together.

    Args:
        name: the operation.
        is_hot: leave out what mends the shared keys first, and what names the key of an error.
    """
    first, _, body = _lua(name).partition("\n")
    pauses = "{" + ", ".join(map(str, RETRY_PAUSES_MS)) + "}"
    limits = {
        "FEW_JOBS": base.FEW_JOBS,
        "KEPT_ATTEMPTS": base.KEPT_ATTEMPTS,
        "KEPT_BYTES": base.KEPT_BYTES,
        "LEASE_MS": round(base.LEASE_S * 1000),
        "LISTED_ATTEMPTS": base.LISTED_ATTEMPTS,
        "MAX_LOSSES": MAX_LOSSES,
        "MAX_RELEASES": MAX_RELEASES,
        "MIN_WRITER": f"'{MIN_WRITER}'",
        "NOX_VERSION": f"'{__version__}'",
        "PATIENCE_MS": PATIENCE_MS,
        "PAUSE_SPREAD": PAUSE_SPREAD,
        "POINTS_KEPT": POINTS_KEPT,
        "RENEW_EVERY_MS": round(base.RENEW_EVERY_S * 1000),
        "RETRY_PAUSES_MS": pauses,
        "SETTLED_AT_ONCE": base.SETTLED_AT_ONCE,
        "SETTLED_LATER": base.SETTLED_LATER,
    }
    head = f"local {', '.join(limits)} = {', '.join(map(str, limits.values()))}"
    naming = () if is_hot else ("naming",)
    early = _EARLY.get(name, ())
    parts = map(_lua, (*naming, "start", *(early if is_hot else ()), "shared", "mend", *_PARTS.get(name, ())))
    is_writing = "no-writes" not in first
    mending = "heal.mend()" if is_writing and not is_hot else ""
    guard = _lua("guard") if is_writing and name not in _UNGUARDED else ""
    late = map(_lua, () if is_hot else early)
    return Script("\n".join([first, head, *parts, mending, guard, *late, body]))


def _lua(name: str) -> str:
    return (_LUA / f"{name}.lua").read_text(encoding="utf-8")


class RedisClient:
    """Sends commands and scripts to one Redis server.  Safe for several threads."""

    def __init__(self, address: RedisAddress, prefix: str) -> None:
        self.address = address
        self.prefix = prefix
        self._head = prefix  # the first argument of every script
        self._wire = wire_for(address)
        self._scripts: dict[tuple[str, bool], Script] = {}

    def acting_as(self, token: str) -> RedisClient:
        """Return a client over the same connections whose scripts act in the name of a token."""
        client = copy(self)
        client._head = f"{self.prefix}{SEPARATOR}{token}"  # noqa: SLF001
        return client

    def execute(self, *command: Arg, timeout_s: float = COMMAND_S) -> Any:
        """Run one command.

        Raises:
            StoreUnreachable, StoreRefused, StoreFull, StoreDamaged: see `errors`.
        """
        with self._translated(command):
            return self._ask(command, timeout_s)

    def block(self, *command: Arg) -> Any:
        """Run a command that waits in the server, for `MAX_BLOCK_S` at most; raises as `execute`."""
        return self.execute(*command, timeout_s=BLOCKING_S)

    def call(self, name: str, *args: Arg, timeout_s: float = COMMAND_S) -> Any:
        """Run a script with the prefix as its first argument; raises as `execute`.

        A script that writes and meets a key of another kind is run again once that key has been mended.
        """
        with self._translated():
            try:
                return self._run(self._script(name, is_hot=name in _HOT), args, timeout_s)
            except ReplyError as error:
                if error.code != "WRONGTYPE":
                    raise
            return self._mend_and_run(self._script(name), args, timeout_s)

    def _mend_and_run(self, script: Script, args: tuple[Arg, ...], timeout_s: float) -> Any:
        """Run a script again that failed on a key of another kind; mend the key that its error names."""
        try:
            return self._run(script, args, timeout_s)
        except ReplyError as error:
            key = key_of(error)
            if not key or not script.is_writing:
                raise
        self._run(self._script("restore"), (key,), timeout_s)
        return self._run(script, args, timeout_s)

    def call_many(
        self, name: str, calls: Iterable[list[Arg]], *, timeout_s: float, then: tuple[Arg, ...] = ()
    ) -> Iterator[Any]:
        """Run a script several times over one connection, a few calls ahead of the replies.

        A refused call yields its error in place of a reply.  The text goes with each call: were it not
        known, a later call could be run before an earlier one.  `then` is a command for the same connection
        once all replies are read; its own comes last.

        Raises:
            StoreUnreachable: the connection failed; calls under way may or may not have been run.
        """
        text = self._script(name).text
        ahead = 0
        with self._translated(), self._wire.connection(timeout_s) as connection:

            def read() -> Any:
                try:
                    return connection.read()
                except ReplyError as error:
                    return refused(error, self.address.place)

            for args in calls:
                connection.send(("EVAL", text, 0, self._head, *args))
                ahead += 1
                if ahead > _PIPELINED:
                    yield read()
                    ahead -= 1
            for _ in range(ahead):
                yield read()
            if then:
                connection.send(then)
                yield read()

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def _ask(self, command: tuple[Arg, ...], timeout_s: float) -> Any:
        with self._wire.connection(timeout_s) as connection:
            connection.send(command)
            return connection.read()

    def _run(self, script: Script, args: tuple[Arg, ...], timeout_s: float) -> Any:
        """Run a script by its digest, or by its text where the server does not have it.

        Raises:
            ReplyError: the server refused it.
            OSError: the server could not be reached.
        """
        arguments = (0, self._head, *args)
        try:
            return self._ask(("EVALSHA", script.digest, *arguments), timeout_s)
        except ReplyError as error:
            if error.code != "NOSCRIPT":
                raise
        return self._ask(("EVAL", script.text, *arguments), timeout_s)

    def _script(self, name: str, *, is_hot: bool = False) -> Script:
        if (name, is_hot) not in self._scripts:
            self._scripts[name, is_hot] = compose(name, is_hot=is_hot)
        return self._scripts[name, is_hot]

    @contextmanager
    def _translated(self, command: tuple[Arg, ...] = ()) -> Iterator[None]:
        """Turn errors into store errors; an error of a script names the key itself."""
        try:
            yield
        except ReplyError as error:
            keys = (word for word in command if isinstance(word, str) and word.startswith(self.prefix))
            raise refused(error, self.address.place, next(keys, "")) from error
        except OSError as error:
            raise unreachable(error, self.address.place_in(error)) from error
