"""Where nox starts: `nox`, which is `python -m nox_cli`.

Nothing is loaded before Ctrl-C is understood.
"""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> int:
    """Load nox and run it as this process; Ctrl-C meanwhile ends it quietly."""
    try:
        from nox_cli.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
