"""Logs: one line an event, as text or JSON with job, attempt and worker, or in words for a terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
        fields: Mapping[str, object] | None = None,
        *,
        is_terse: bool = False,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Prepare to write lines.

        Args:
            stream: is written to.
            form: text or JSON.
            fields: are in every line.
            is_terse: leave out `info` lines.
            before: called before each line, to clear the place where it begins.
        """
        self._stream = stream
        self._form = form
        self._fields = dict(fields or {})
        self._shown = _pairs(self._fields)
        self._is_terse = is_terse
        self._before = before
        self._lock = threading.Lock()

    def bind(self, **fields: object) -> Log:
        """Make a log with further fields in every line."""
        bound = Log(
            self._stream, self._form, self._fields | fields, is_terse=self._is_terse, before=self._before
        )
        bound._lock = self._lock
        return bound

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
        self._put(text)

    def warning(self, message: str, **fields: object) -> None:
        """Log an event that a user may want to know of."""
        self._write("warning", message, fields)

    def error(self, message: str, **fields: object) -> None:
        """Log an event that should not happen."""
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, object]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        if self._form is LogForm.JSON:
            known = {"schema": 1, "time": now, "level": level, "message": message, **self._fields, **fields}
            line = json.dumps(known, default=str)
        elif self._form is LogForm.PLAIN:
            line = _plain(level, message, self._fields | fields)
        else:
            line = f"{now} {level:<7} {printable(message)}{self._shown}{_pairs(fields)}"
        self._put(line)

    def _put(self, line: str) -> None:
        if not line.isascii():
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            line = line.encode(encoding, "backslashreplace").decode(encoding)
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._before is not None:
                self._before()
            self._stream.write(line + "\n")
            self._stream.flush()


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
