"""A plain RESP2 connection over a socket: enough to ask a Redis server, and nothing else.

redis-py takes 120 ms to import, which a command that asks one question cannot afford, and would be a third of
what a worker does for a short job.  This speaks over plain TCP with a password at most; TLS, Unix sockets and
everything else are redis-py's.
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

Arg: TypeAlias = str | bytes | int
# What a server answers: bytes, whole numbers, lists of these, or None.  Callers know which.
Reply: TypeAlias = object

_READ_BYTES = 64 * 1024
# The heads of short words: most are, and a third of the time goes into writing their sizes.
_SIZES = [b"$%d" % size for size in range(64)]
_MAX_BULK_BYTES = 512 * 1024**2  # the longest string Redis itself allows


class ReplyError(Exception):
    """Raised when the server answers with an error: a code in capitals (or nothing), and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code} {words}".strip())
        self.code = code
        self.words = words


class RespConnection:
    """One connection.  Not for several threads at once."""

    def __init__(self, host: str, port: int, *, connect_timeout_s: float) -> None:
        """Connect.

        Raises:
            OSError: no server answers there, within the time or at all.
        """
        # Python passes a text through its codec for international names, which takes 1 ms to load.
        name = host.encode() if host.isascii() else host
        self._sock = socket.create_connection((cast("str", name), port), timeout=connect_timeout_s)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._at = 0
        self._timeout_s = connect_timeout_s

    def set_timeout(self, timeout_s: float) -> None:
        """Limit how long each following send and each wait for more of a reply may take."""
        if timeout_s != self._timeout_s:
            self._sock.settimeout(timeout_s)
            self._timeout_s = timeout_s

    def send(self, args: Sequence[Arg]) -> None:
        """Send a command.

        Raises:
            OSError: the connection failed.
        """
        self._sock.sendall(pack(args))

    def read(self) -> Reply:
        """Read the next reply.

        Raises:
            ReplyError: the server answered with an error.
            OSError: the connection failed, timed out, or what came is no RESP.
        """
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return self._bulk(_whole(rest))
        if kind == b"*":
            number = _whole(rest)
            return None if number < 0 else [self._element() for _ in range(number)]
        if kind == b":":
            return _whole(rest)
        if kind == b"-":
            raise reply_error(rest.decode(errors="replace"))
        if kind == b"+":
            return rest
        raise _not_redis()

    def is_quiet(self) -> bool:
        """Whether nothing came unasked: neither data nor the connection's end."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not self._buffer[self._at :] and not poll.poll(0)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def __del__(self) -> None:
        """Close a connection that is still open when its store is garbage-collected."""
        sock = getattr(self, "_sock", None)  # None: it never came to be
        if sock is not None:  # without a name of this module: at the interpreter's end these are gone
            sock.close()

    def _element(self) -> Reply:
        """Read one element of a list; an error in a list is returned, not raised."""
        try:
            return self.read()
        except ReplyError as error:
            return error

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            if len(self._buffer) - self._at > _READ_BYTES:
                raise _not_redis()
            self._more()
        line = self._buffer[self._at : end]
        self._at = end + 2
        if not line:
            raise _not_redis()
        return line

    def _bulk(self, size: int) -> bytes | None:
        if size < 0:
            return None
        if size > _MAX_BULK_BYTES:
            raise _not_redis()
        begin, end = self._at, self._at + size
        missing = end + 2 - len(self._buffer)
        if missing > 0:
            parts = [self._buffer[begin:]]
            while missing > 0:
                parts.append(self._receive(max(missing, _READ_BYTES)))
                missing -= len(parts[-1])
            self._buffer, begin, end = b"".join(parts), 0, size
        self._at = end + 2
        return self._buffer[begin:end]

    def _more(self) -> None:
        self._buffer = self._buffer[self._at :] + self._receive(_READ_BYTES)
        self._at = 0

    def _receive(self, size: int) -> bytes:
        part = self._sock.recv(size)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        return part


def pack(args: Sequence[Arg]) -> bytes:
    """Write a command as RESP."""
    words = [b"*%d" % len(args)]
    for arg in args:
        value = arg if isinstance(arg, bytes) else str(arg).encode()
        size = len(value)
        words += (_SIZES[size] if size < len(_SIZES) else b"$%d" % size, value)
    words.append(b"")
    return b"\r\n".join(words)


def reply_error(text: str) -> ReplyError:
    """Split an error into its code and its text."""
    code, _, words = text.partition(" ")
    return ReplyError(code, words) if code.isupper() else ReplyError("", text)


def _whole(digits: bytes) -> int:
    try:
        return int(digits)
    except ValueError:
        raise _not_redis() from None


def _not_redis() -> OSError:
    return ConnectionAbortedError("what answers there does not speak the Redis protocol")
