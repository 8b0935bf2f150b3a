"""Logs: one line an event, as text or JSON with job, attempt and worker, or in words for a terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from select import PIPE_BUF
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager


class LogForm(StrEnum):
    """The forms of log lines."""

    TEXT = "text"
    JSON = "json"
    PLAIN = "plain"  # for people: the time of day and a sentence


class Log:
    """Writes log lines to a stream; safe to use from several threads.

    A line that cannot be written is dropped: that must not end a worker.
    """

    def __init__(
        self,
        stream: TextIO,
        form: LogForm = LogForm.TEXT,
        *,
        is_terse: bool = False,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Prepare to write lines.

        Args:
            stream: is written to.
            form: text or JSON.
            is_terse: leave out `info` lines.
            before: called before each write, to clear the place where it begins.
        """
        self._output = _Output(stream, before)
        self._form = form
        self._is_terse = is_terse
        self._fields: dict[str, object] = {}
        self._shown = ""  # the fields as the text form writes them

    def bind(self, **fields: object) -> Log:
        """Make a log with further fields in every line."""
        bound = Log.__new__(Log)
        vars(bound).update(vars(self), _fields=self._fields | fields, _shown=self._shown + _pairs(fields))
        return bound

    def group(self) -> AbstractContextManager[None]:
        """Write the lines of this thread inside the block in one write: at its end, or with a warning.

        Lines of all logs of the same stream belong to it.  A write of its own for each line takes 3 to 30 µs,
        twice a job.  Nothing in the block may take long without a warning before: lines that wait are lost
        with a process that is killed.
        """
        return self._output.group()

    def info(self, message: str, **fields: object) -> None:
        """Log a normal event."""
        if not self._is_terse:
            self._write("info", message, fields)

    def detail(self, message: str, **fields: object) -> None:
        """Log a normal event that an `Observer` shows to people: it is left out of the plain form."""
        if self._form is not LogForm.PLAIN:
            self.info(message, **fields)

    def line(self, text: str) -> None:
        """Write a line of another form, which is not mixed with those of the log."""
        self._output.put(text)

    def warning(self, message: str, **fields: object) -> None:
        """Log an event that a user may want to know of."""
        self._write("warning", message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Log an event that should not happen."""
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, object]) -> None:
        is_urgent = level != "info"
        if self._form is LogForm.PLAIN:
            self._output.put(_plain(level, message, self._fields | fields), is_urgent=is_urgent)
            return
        seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1_000)
        shown = f"{_second(seconds)}.{milliseconds:03}Z"
        if self._form is LogForm.JSON:
            known = {"schema": 1, "time": shown, "level": level, "message": message, **self._fields, **fields}
            line = _JSON.encode(known)
        else:
            line = f"{shown} {level:<7} {printable(message)}{self._shown}{_pairs(fields)}"
        self._output.put(line, is_urgent=is_urgent)


_JSON = json.JSONEncoder(default=str)


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Write a time of the clock without its fraction: a worker ends thousands of jobs in the same second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]


class _Held(threading.local):
    """The lines of this thread's group; None: it has no group, and writes each line at once."""

    lines: list[str] | None = None


class _Output:
    """Writes the lines of a log, and of those that are bound from it, to their stream."""

    def __init__(self, stream: TextIO, before: Callable[[], None] | None) -> None:
        self._stream = stream
        self._before = before
        self._lock = threading.Lock()
        self._held = _Held()

    def put(self, line: str, *, is_urgent: bool = False) -> None:
        """Write a line, or add it to the group of this thread, which a line that is urgent writes so far."""
        if not line.isascii():
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            line = line.encode(encoding, "backslashreplace").decode(encoding)
        held = self._held.lines
        if held is None:
            self._write([line])
            return
        held.append(line)
        if is_urgent:
            self._write(held)
            held.clear()

    @contextlib.contextmanager
    def group(self) -> Iterator[None]:
        """Write the lines that this thread puts inside the block at its end; the outermost group counts."""
        if self._held.lines is not None:
            yield
            return
        lines = self._held.lines = []
        try:
            yield
        finally:
            self._held.lines = None
            if lines:
                self._write(lines)

    def _write(self, lines: list[str]) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._before is not None:
                self._before()
            for text in _pieces(lines):
                self._stream.write(text)
                self._stream.flush()


def _pieces(lines: list[str]) -> Iterator[str]:
    """Join lines up to what a pipe takes whole, as several processes may write to the same one."""
    piece, size = "", 0
    for line in lines:
        added = len(line.encode()) + 1
        if piece and size + added > PIPE_BUF:
            yield piece
            piece, size = "", 0
        piece += line + "\n"
        size += added
    yield piece


# Fields that lines for people leave out, or write in other words.
_LEFT_OUT = frozenset({"worker", "job", "number", "attempt"})


def time_of_day() -> str:
    """Write the time of day as the lines of a terminal begin."""
    return time.strftime("%H:%M:%S")


def _plain(level: str, message: str, fields: Mapping[str, object]) -> str:
    lead = "" if level == "info" else f"{level}: "
    about = f"job {fields['number']}: " if "number" in fields else ""
    rest = {name: value for name, value in fields.items() if name not in _LEFT_OUT}
    return f"{time_of_day()}  {lead}{about}{printable(message)}{_pairs(rest)}"


def _pairs(fields: Mapping[str, object]) -> str:
    return "".join(f" {name}={printable(str(value))}" for name, value in fields.items())


class Forward(logging.Handler):
    """Passes the log records of a library to a `Log`."""

    def __init__(self, log: Log, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record in nox's form."""
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write(record.getMessage(), source=record.name)


def printable(text: str) -> str:
    """Escape control characters, line ends and direction marks."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
