"""Log lines: one an event, safe to read on a terminal, never a reason to stop."""

from __future__ import annotations

import io
import json
import logging
import re
import select
import threading

import pytest

from workers.logs import Forward, Log, LogForm, printable


def test_a_text_line_carries_time_level_message_and_fields() -> None:
    """
    A line reads as time, level, message, then what is known about job, attempt and worker.
    """
    stream = io.StringIO()

    Log(stream).bind(worker="h-1-a").info("started", job="ab", attempt=2)

    expected = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    started worker=h-1-a job=ab attempt=2\n"
    assert re.fullmatch(expected, stream.getvalue())


def test_a_json_line_is_one_object() -> None:
    """
    In JSON form every field has its key.
    """
    stream = io.StringIO()

    Log(stream, LogForm.JSON).bind(worker="h-1-a").warning("out of contact", attempt=2)

    line = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-.*Z", line.pop("time"))
    expected = {"schema": 1, "level": "warning", "message": "out of contact", "worker": "h-1-a", "attempt": 2}
    assert expected == line


@pytest.mark.parametrize("form", list(LogForm))
def test_control_characters_are_shown_not_obeyed(form: LogForm) -> None:
    """
    Escapes, line ends and direction marks from a job's name stay on the line, as text.
    """
    stream = io.StringIO()

    Log(stream, form).error("a\x1b[31mb\nc", name="d\r\u202ee\x9b\ud800")

    text = stream.getvalue()
    assert ["\n"] == [sign for sign in text if not sign.isprintable()]
    assert text.endswith("\n")


def test_plain_text_is_left_alone() -> None:
    """
    What is printable is shown as it is.
    """
    assert "Å benzene 1" == printable("Å benzene 1")


def test_a_stream_of_ascii_takes_every_character() -> None:
    """
    Under LANG=C a name with an umlaut is no error.
    """
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")

    Log(stream).info("Köln")

    assert b"K\\xf6ln" in raw.getvalue()


def test_a_terse_log_tells_what_is_wrong_only() -> None:
    """
    In the foreground, jobs speak for themselves; what is wrong is still said, by bound logs too.
    """
    stream = io.StringIO()
    log = Log(stream, is_terse=True)

    log.info("started")
    log.bind(job="ab").info("done")
    log.bind(job="ab").warning("lease lost")

    assert ["lease lost job=ab"] == [line[33:] for line in stream.getvalue().splitlines()]


def test_a_closed_stream_is_no_error() -> None:
    """
    A worker whose log went away goes on.
    """
    stream = io.StringIO()
    log = Log(stream)
    stream.close()

    log.info("nobody hears this")

    assert stream.closed


def test_lines_of_several_threads_stay_whole() -> None:
    """
    Lines of a log and of those bound to it are never mixed.
    """
    stream = io.StringIO()
    log = Log(stream, LogForm.JSON)

    def write(number: int) -> None:
        for _ in range(50):
            log.bind(slot=number).info("x" * 200)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [50] * 4 == [sum(line["slot"] == number for line in lines) for number in range(4)]


class Pipe(io.StringIO):
    """Remembers each write to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Write, and remember that."""
        self.writes.append(text)
        return super().write(text)


def test_a_group_is_written_at_once() -> None:
    """
    The lines inside a group, of bound logs and of an inner group too, come in order and in one write.
    """
    stream = Pipe()
    cleared: list[None] = []
    log = Log(stream, before=lambda: cleared.append(None))

    with log.bind(worker="h-1-a").group():
        log.bind(job="ab").info("started")
        with log.group():
            log.line("as it is")
        log.info("done")
        assert [] == stream.writes

    assert 1 == len(stream.writes) == len(cleared)
    lines = stream.getvalue().splitlines()
    assert ["started job=ab", "as it is", "done"] == [lines[0][33:], lines[1], lines[2][33:]]


def test_a_warning_in_a_group_does_not_wait() -> None:
    """
    It is written at once, with the lines before it; what follows waits for the end.
    """
    stream = Pipe()
    log = Log(stream)

    with log.group():
        log.info("started")
        log.warning("no room")
        log.info("done")
        assert ["started", "no room"] == [line[33:] for line in "".join(stream.writes).splitlines()]

    assert "done\n" == stream.writes[-1][33:]
    assert 2 == len(stream.writes)


def test_a_group_that_fails_is_written() -> None:
    """
    What was logged before an error is in the log, and lines after it are written at once again.
    """
    stream = Pipe()
    log = Log(stream)

    def fail() -> None:
        with log.group():
            log.info("started")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    log.info("done")

    assert ["started\n", "done\n"] == [text[33:] for text in stream.writes]


def test_a_group_is_of_one_thread() -> None:
    """
    A warning of another thread does not wait for the end of a group.
    """
    stream = Pipe()
    log = Log(stream)

    with log.group():
        log.info("done")
        other = threading.Thread(target=log.warning, args=("out of contact",))
        other.start()
        other.join()
        assert 1 == len(stream.writes)

    assert ["out of contact\n", "done\n"] == [text[33:] for text in stream.writes]


def test_a_large_group_is_written_in_pieces_that_a_pipe_takes_whole() -> None:
    """
    Several workers may write to the same pipe, which mixes writes of more than its buffer: no line is cut.
    """
    stream = Pipe()
    log = Log(stream)
    texts = [f"{number:03}" + sign * 90 for number in range(100) for sign in "xÅ"]

    with log.group():
        log.line("")  # an empty line is one, too
        for text in texts:
            log.line(text)

    assert ["", *texts] == stream.getvalue().splitlines()
    assert 10 > len(stream.writes)
    assert all(text.endswith("\n") and len(text.encode()) <= select.PIPE_BUF for text in stream.writes)


def test_a_librarys_record_becomes_one_of_ours() -> None:
    """
    What a library logs as an error is logged as an error, with its source.
    """
    stream = io.StringIO()
    handler = Forward(Log(stream, LogForm.JSON))

    for level, message in ((logging.WARNING, "careful"), (logging.ERROR, "no")):
        record = logging.LogRecord("somebody.else", level, "", 0, message, None, None)
        handler.handle(record)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    found = [(line["level"], line["message"], line["source"]) for line in lines]
    source = "somebody.else"
    assert [("warning", "careful", source), ("error", "no", source)] == found
