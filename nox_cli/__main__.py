"""`python -m nox_cli` is `nox`."""

from __future__ import annotations

import sys

from nox_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
