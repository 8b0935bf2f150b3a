"""The output of an engine, bounded: its beginning and its end."""

from __future__ import annotations

from collections import deque

EVIDENCE_LINES = 40
_EVIDENCE_WIDTH = 500
_EVIDENCE_BYTES = EVIDENCE_LINES * _EVIDENCE_WIDTH


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
