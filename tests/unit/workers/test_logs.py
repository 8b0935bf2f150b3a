"""Log lines: one an event, safe to read on a terminal, never a reason to stop."""

from __future__ import annotations

import io
import json
import logging
import re
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
