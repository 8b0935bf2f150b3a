"""The output of an engine: marks between the jobs in it, and the bounded log of each."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The variable with the secret of the marks.  By it, too, the processes of a keeper that was killed are
# found, wherever they went.
MARK = "NOX_KEEPER_MARK"
_MARK_DIGITS = 12
EVIDENCE_LINES = 40
_EVIDENCE_WIDTH = 500
_EVIDENCE_BYTES = EVIDENCE_LINES * _EVIDENCE_WIDTH


def mark(secret: str, number: int) -> bytes:
    """Write the mark before the output of a job."""
    return b"\0%b%0*d" % (secret.encode(), _MARK_DIGITS, number)


class Marks:
    """Divides what an engine process prints by the marks in it."""

    def __init__(self, secret: str) -> None:
        self._head = b"\0" + secret.encode()
        self._size = len(self._head) + _MARK_DIGITS
        self._held = b""  # the beginning of a mark, whose rest has yet to come

    def split(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Divide output: (number of the job, its output from here on), or (0, more of the same job's)."""
        number, data, self._held = 0, self._held + data, b""
        while (at := data.find(self._head)) >= 0 and len(data) >= at + self._size:
            yield number, data[:at]
            number = int(data[at + len(self._head) : at + self._size])
            data = data[at + self._size :]
        begin = data.rfind(b"\0", max(0, len(data) - self._size + 1))
        if begin >= 0 and data.startswith(self._head[: len(data) - begin], begin):
            data, self._held = data[:begin], data[begin:]
        yield number, data


class EngineLog:
    """Keeps at most `limit_bytes` of output, half from the beginning and half from the end."""

    def __init__(self, limit_bytes: int) -> None:
        self._head_bytes = limit_bytes // 2
        self._tail_bytes = limit_bytes - self._head_bytes
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._in_tail = 0
        self._dropped = 0
        self._open_bytes = limit_bytes

    def add(self, data: bytes) -> bytes:
        """Add output; return the part of it that a live view still shows."""
        shown = data[: self._open_bytes]
        self._open_bytes -= len(shown)
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        if len(data) > room:
            self._keep(data[room:])
        return shown

    def content(self) -> bytes:
        """Return all that was kept, with a note where output is missing."""
        tail = b"".join(self._tail)
        excess = max(0, len(tail) - self._tail_bytes)
        missing = self._dropped + excess
        note = b"\n[nox: %d bytes of output were cut here]\n" % missing if missing else b""
        return bytes(self._head) + note + tail[excess:]

    def last_lines(self) -> tuple[str, ...]:
        """Return the last lines, as evidence."""
        return evidence(self.content()[-_EVIDENCE_BYTES:].decode(errors="replace"))

    def _keep(self, data: bytes) -> None:
        self._tail.append(data)
        self._in_tail += len(data)
        while self._in_tail - len(self._tail[0]) >= self._tail_bytes:
            oldest = len(self._tail.popleft())
            self._in_tail -= oldest
            self._dropped += oldest


def evidence(text: str) -> tuple[str, ...]:
    """Return the last lines of a text, each bounded, without blank ones."""
    lines = [line.rstrip()[:_EVIDENCE_WIDTH] for line in text.splitlines() if line.strip()]
    return tuple(lines[-EVIDENCE_LINES:])
