"""Connections to a Redis server: over a plain socket, or by redis-py where TLS or options are wanted.

Both raise `OSError` if the server is unreachable and `ReplyError` if it answers with an error.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from workers.store.redis.address import bad_option
from workers.store.redis.resp import ReplyError, RespConnection, reply_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import redis

    from workers.store.redis.address import RedisAddress
    from workers.store.redis.resp import Arg, Reply

CONNECT_S = 1.0
COMMAND_S = 1.0
# The time limit of a blocking command; the longest time to block is well below it.
BLOCKING_S = 5.0
MAX_BLOCK_S = 3.0


class Connection(Protocol):
    """A connection to a server: replies come in the order of the commands."""

    def send(self, args: Sequence[Arg]) -> None:
        """Send a command."""

    def read(self) -> Reply:
        """Read the next reply."""


class Wire(Protocol):
    """Lends connections to one server, and reuses them.  Safe for several threads."""

    def connection(self, timeout_s: float) -> AbstractContextManager[Connection]:
        """Lend a connection whose sends and replies may take `timeout_s` each.

        It is closed, not reused, if the borrower leaves it with an error other than `ReplyError`.
        """

    def close(self) -> None:
        """Close every connection."""


class SocketWire:
    """Lends connections over plain sockets, without redis-py."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._idle: list[RespConnection] = []
        self._lock = threading.Lock()

    @contextmanager
    def connection(self, timeout_s: float) -> Iterator[Connection]:
        """Lend a connection; see `Wire`."""
        lent = self._idle_one() or self._connect()
        lent.set_timeout(timeout_s)
        try:
            yield lent
        except ReplyError:
            self._take_back(lent)
            raise
        except BaseException:
            lent.close()
            raise
        self._take_back(lent)

    def close(self) -> None:
        """Close every connection that is not lent."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _idle_one(self) -> RespConnection | None:
        """Find a connection that is still open; those that the server closed meanwhile are dropped."""
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_quiet():
                    return connection
                connection.close()
        return None

    def _take_back(self, connection: RespConnection) -> None:
        with self._lock:
            self._idle.append(connection)

    def _connect(self) -> RespConnection:
        address = self._address
        made = RespConnection(address.host, address.port, connect_timeout_s=CONNECT_S)
        made.set_timeout(COMMAND_S)
        try:
            for command in _greeting(address):
                made.send(command)
                made.read()
        except BaseException:
            made.close()
            raise
        return made


def _greeting(address: RedisAddress) -> Iterator[list[Arg]]:
    """Make the first commands of a new connection."""
    if address.password or address.username:
        name = [address.username] if address.username else []
        yield ["AUTH", *name, address.password]
    if address.database:
        yield ["SELECT", address.database]


class ClientWire:
    """Lends connections of redis-py."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._pools: dict[float, redis.ConnectionPool] = {}
        self._lock = threading.Lock()

    @contextmanager
    def connection(self, timeout_s: float) -> Iterator[Connection]:
        """Lend a connection; see `Wire`."""
        pool = self._pool(timeout_s)
        try:
            with _translated():
                lent = pool.get_connection()
        except TypeError:  # of the connection's arguments
            raise bad_option() from None
        try:
            yield _ClientConnection(lent)
        except ReplyError:
            raise
        except BaseException:
            lent.disconnect()  # type: ignore[no-untyped-call]
            raise
        finally:
            pool.release(lent)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.disconnect()

    def _pool(self, timeout_s: float) -> redis.ConnectionPool:
        with self._lock:
            if timeout_s not in self._pools:
                self._pools[timeout_s] = connection_pool(self._address, timeout_s)
            return self._pools[timeout_s]


class _ClientConnection:
    """Sends commands and reads replies over a connection of redis-py."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send(self, args: Sequence[Arg]) -> None:
        with _translated():
            self._connection.send_command(*args)

    def read(self) -> Reply:
        with _translated():
            reply: Reply = self._connection.read_response()
            return reply


def connection_pool(address: RedisAddress, timeout_s: float) -> redis.ConnectionPool:
    """Make a pool of connections of redis-py that do not retry, and send no commands of their own.

    Raises:
        SettingsInvalid: the URL has an option redis-py cannot read.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.connection import URL_QUERY_ARGUMENT_PARSERS
    from redis.retry import Retry

    parsers: Mapping[str, Any] = URL_QUERY_ARGUMENT_PARSERS
    try:
        given = {name: parsers.get(name, str)(text) for name, text in address.options.items()}
    except (TypeError, ValueError):
        raise bad_option() from None
    options = given | {
        "db": address.database,
        "username": address.username or None,
        "password": address.password or None,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": CONNECT_S,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "decode_responses": False,
    }
    if address.scheme == "unix":
        del options["socket_connect_timeout"]
        options |= {"connection_class": redis.UnixDomainSocketConnection, "path": address.path}
    else:
        options |= {"host": address.host, "port": address.port}
    if address.scheme == "rediss":
        options["connection_class"] = redis.SSLConnection
    return redis.ConnectionPool(**options)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise `OSError` and `ReplyError` in place of redis-py's errors."""
    import redis

    try:
        yield
    except redis.TimeoutError as error:
        raise TimeoutError(str(error)) from error
    except redis.RedisError as error:
        raise _translation(error) from None  # its message contains the host, which may be a password


def _translation(error: redis.RedisError) -> OSError | ReplyError:
    import redis

    # redis-py removes the code from errors that it has a class for.
    codes: dict[type[redis.RedisError], str] = {
        redis.exceptions.NoScriptError: "NOSCRIPT",
        redis.exceptions.ReadOnlyError: "READONLY",
        redis.exceptions.OutOfMemoryError: "OOM",
        redis.exceptions.NoPermissionError: "NOPERM",
        redis.exceptions.BusyLoadingError: "LOADING",
        redis.exceptions.MasterDownError: "MASTERDOWN",
        redis.exceptions.MovedError: "MOVED",
        redis.AuthenticationError: "WRONGPASS",
    }
    words = str(error)
    if type(error) is redis.AuthenticationError and words.startswith("Authentication required"):
        return ReplyError("NOAUTH", words)
    for kind, code in codes.items():
        if type(error) is kind:
            return ReplyError(code, words)
    if isinstance(error, redis.ResponseError):
        return reply_error(words)
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, OSError) else ConnectionResetError(words)


def wire_for(address: RedisAddress) -> Wire:
    """Choose a plain socket if it is sufficient, since it needs no redis-py."""
    return SocketWire(address) if address.is_plain else ClientWire(address)
