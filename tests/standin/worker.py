"""`nox worker` as it is, but that its jobs are done by the stand-in engine, and that it may be held."""

from __future__ import annotations

import functools
import os
import sys

from nox_cli.main import main
from tests.standin import pauses
from tests.standin.keepers import STAND_IN
from workers import runner
from workers.keeper import Keeper

if __name__ == "__main__":
    runner.__dict__["Keeper"] = functools.partial(Keeper, entry=STAND_IN)
    pauses.install(os.environ)
    sys.exit(main())
