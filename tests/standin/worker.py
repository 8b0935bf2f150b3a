"""`nox worker` as it is, but that its jobs are done by a stand-in, `STAND_IN`, and that it may be held."""

from __future__ import annotations

import functools
import os
import sys

from nox_cli.main import main
from tests.standin import pauses
from tests.standin.keepers import STAND_IN
from workers.keeper.keeper import Keeper
from workers.runtime import slot

if __name__ == "__main__":
    slot.__dict__["Keeper"] = functools.partial(Keeper, entry=os.environ.get("STAND_IN", STAND_IN))
    pauses.install(os.environ)
    sys.exit(main())
