"""Where nox starts and ends: `nox`, which is `python -m nox_cli`.

Nothing is loaded before the signals that end nox are understood.
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
# Nearly all that a start makes stays: looking for garbage every 700 objects was a twentieth of it.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> int:
    """Load nox and run it as this process; a signal meanwhile ends it quietly."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for number in _TERMINATING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)
    try:
        from nox_cli.main import main as run

        code = run()
        _leave(code)
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)  # what repeats a signal until it is heard, as this one was
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    return code


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """End at once: nothing was begun."""
    try:
        os.write(2, b"terminated\n")
    finally:
        os._exit(_TERMINATED)


def _leave(code: int) -> None:
    """End here, unless threads go on: all was said and closed.

    To take apart what was loaded would cost a short command a sixth of its time.
    """
    import threading

    if threading.active_count() == 1:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # nobody reads, it is full, closed, or was never open
            return
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
