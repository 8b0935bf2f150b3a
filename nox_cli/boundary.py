"""Reports errors: one to three lines on stderr, or one JSON value, and an exit code."""

from __future__ import annotations

import os
import re
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.exits import ExitCode, exit_code
from nox_cli.interrupts import go_on, heard
from nox_cli.render.json import dumps
from nox_cli.render.terminal.columns import CUT
from nox_cli.session import Terminated
from nox_cli.text import safe, safe_lines
from workers.errors import NoxError, OutputLost

if TYPE_CHECKING:
    from nox_cli.session import Session, Streams

# The longest word, and the longest message, hint or detail, that is shown whole.
_LONGEST_WORD, _LONGEST_TEXT = 200, 2_000
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")


@dataclass(frozen=True, slots=True)
class Report:
    """An error, or an interrupt, as it is reported."""

    exit: ExitCode
    code: str
    message: str
    hint: str = ""
    is_error: bool = True
    details: tuple[str, ...] = ()


def report(
    error: BaseException, streams: Streams, *, json: bool, debug: bool, session: Session | None = None
) -> ExitCode:
    """Write an error to stderr and return its exit code.

    Args:
        error: the exception.
        streams: output goes to stderr.
        json: write JSON.
        debug: write the traceback too.
        session: the session; None: the error came before there was one.
    """
    try:
        go_on()
        streams.stdout.flush()
    except (
        OSError,
        ValueError,
        KeyboardInterrupt,
    ):  # KeyboardInterrupt: the signal came again while no reader was there
        _forget_stdout(streams)
    interrupt = heard()
    if isinstance(error, BrokenPipeError):
        return ExitCode.DONE
    found = _report(error, session, interrupt)
    with suppress(OSError, ValueError):
        if debug:
            text = "".join(traceback.format_exception(error))
            streams.stderr.write(safe_lines(text))
        streams.stderr.write(_json(found) if json else _text(found))
        streams.stderr.flush()
    return found.exit


def _report(error: BaseException, session: Session | None, came: KeyboardInterrupt | None) -> Report:
    if isinstance(error, NoxError):
        if isinstance(error, OutputLost) and session is not None:
            error.did = session.interrupted
        details = getattr(error, "details", ())
        return Report(exit_code(error), error.code, error.message, error.hint, details=details)
    interrupt = _interrupt_in(error) or came  # a library may have raised another error
    if interrupt is not None:
        return _interrupted(interrupt, session)
    return Report(
        ExitCode.BUG,
        "internal",
        f"this is a bug in nox ({type(error).__name__}: {error})",
        "run it again with --debug and report what it prints",
    )


def _interrupt_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """Find the interrupt that caused an error: some of Python's own code wraps exceptions."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _interrupted(error: BaseException, session: Session | None) -> Report:
    left = session.interrupted if session is not None else "nothing was done"
    hint = f"go on with {session.resume}" if session is not None and session.resume else ""
    if isinstance(error, Terminated):
        by = f"terminated by {error}" if error.args else "terminated"
        return Report(ExitCode.TERMINATED, "terminated", f"{by}; {left}", hint, is_error=False)
    return Report(ExitCode.INTERRUPTED, "interrupted", f"interrupted; {left}", hint, is_error=False)


def _text(found: Report) -> str:
    first = f"error: {found.message}" if found.is_error else found.message
    hint = f"hint: {_shortened(safe(found.hint))}\n" if found.hint else ""
    details = "".join(f"  {_shortened(safe(line))}\n" for line in found.details)
    return f"{_shortened(safe(first))}\n{details}{hint}"


def _shortened(text: str) -> str:
    """Cut the middle out of very long words and texts."""
    text = _LONG_WORD.sub(lambda found: _without_middle(found.group(), _LONGEST_WORD), text)
    return _without_middle(text, _LONGEST_TEXT)


def _without_middle(text: str, most: int) -> str:
    """Cut a text to `most` characters: its beginning, a mark, its end."""
    if len(text) <= most:
        return text
    end = most // 4
    return f"{text[: most - end - 1]}{CUT}{text[-end:]}"


def _json(found: Report) -> str:
    error: dict[str, object] = {
        "code": found.code,
        "message": _shortened(found.message),
        "hint": _shortened(found.hint),
    }
    if found.details:
        error["details"] = [*map(_shortened, found.details)]
    return dumps({"error": error}) + "\n"


def _forget_stdout(streams: Streams) -> None:
    """Send buffered output that cannot be written to the null device, so that it causes no second error."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, streams.stdout.fileno())
        os.close(null)
