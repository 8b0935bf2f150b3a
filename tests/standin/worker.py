"""`nox worker` as it is, but that the jobs it runs are done by the stand-in engine."""

from __future__ import annotations

import functools
import sys

from nox_cli.main import main
from tests.standin.keepers import STAND_IN
from workers import runner
from workers.keeper import Keeper

if __name__ == "__main__":
    runner.__dict__["Keeper"] = functools.partial(Keeper, entry=STAND_IN)
    sys.exit(main())
