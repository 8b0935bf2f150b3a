"""The entry point of `nox` and `python -m nox_cli`.

It handles the signals that end nox before it loads anything.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False  # that of `typing`, which takes as long to load as all before the first handler
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

# What is written to stderr, and the exit code.
_INTERRUPTED, _TERMINATED = ("interrupted\n", 130), ("terminated\n", 143)
# Signals that end nox, unless they were set to do something else: what they do by default.
_ENDING = (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGUSR1, signal.SIG_DFL),
    (signal.SIGUSR2, signal.SIG_DFL),
    (signal.SIGXCPU, signal.SIG_DFL),
)
# Nearly all objects of a start live to its end: collecting every 700 objects took 5 % of its time.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> int:
    """Load nox and run it; a signal before it runs ends the process at once, without a traceback."""
    try:
        for number, default in _ENDING:
            if signal.getsignal(number) is default:
                signal.signal(number, _end)
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        code = _run()
        _leave(code)
    except KeyboardInterrupt as error:
        signal.setitimer(
            signal.ITIMER_REAL, 0
        )  # `interrupts` repeats a signal until it is handled, as it is here
        word, code = _INTERRUPTED if type(error) is KeyboardInterrupt else _TERMINATED
        sys.stderr.write(word)
    return code


def _run() -> int:
    """Load what the command line needs: a Tab of a shell is answered without Typer."""
    if sys.argv[1:2] == ["__complete"]:
        from nox_cli.completion.answer import main as answer

        return answer(sys.argv[2:])
    from nox_cli.main import main as run

    return run()


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End the process at once: no work has started.

    It raises nothing, since Python drops what is raised in some callbacks of an import.
    """
    word, code = _INTERRUPTED if number == signal.SIGINT else _TERMINATED
    try:
        os.write(2, word.encode())
    finally:
        os._exit(code)


def _leave(code: int) -> None:
    """End the process without Python's clean-up, unless threads are running: all is written and closed.

    The clean-up takes a sixth of the time of a short command.
    """
    import threading

    if threading.active_count() == 1:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # no reader, disk full, closed, or never open
            return
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
