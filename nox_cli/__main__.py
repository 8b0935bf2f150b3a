"""The entry point of `nox` and `python -m nox_cli`.

It handles the signals that end nox before it loads anything.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED, _TERMINATED = 130, 143
_TERMINATING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
# Nearly all objects of a start live to its end: collecting every 700 objects took 5 % of its time.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> int:
    """Load nox and run it; a signal before it runs ends the process without a traceback."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for number in _TERMINATING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    try:
        from nox_cli.main import main as run

        code = run()
        _leave(code)
    except KeyboardInterrupt:
        signal.setitimer(
            signal.ITIMER_REAL, 0
        )  # `interrupts` repeats a signal until it is handled, as it is here
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    return code


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process at once: no work has started."""
    try:
        os.write(2, b"terminated\n")
    finally:
        os._exit(_TERMINATED)


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
