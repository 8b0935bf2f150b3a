"""Where nox starts and ends: `nox`, which is `python -m nox_cli`.

Nothing is loaded before Ctrl-C is understood.
"""

from __future__ import annotations

import gc
import os
import sys

_INTERRUPTED = 130
# Nearly all that a start makes stays: looking for garbage every 700 objects was a twentieth of it.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> int:
    """Load nox and run it as this process; Ctrl-C meanwhile ends it quietly."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from nox_cli.main import main as run

        code = run()
        _leave(code)
    except KeyboardInterrupt:
        import signal

        signal.setitimer(signal.ITIMER_REAL, 0)  # what repeats a signal until it is heard, as this one was
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    return code


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
