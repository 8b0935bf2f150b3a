"""An engine in a process of its own, as jobs have it; one that does not come back is ended."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from workers.keeper.keeper import ENTRY, Keeper, Limits, Stop
from workers.sizes import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from workers.keeper.keeper import Ended

_GRACE_S = 1.0
_NO_LIMIT = 0


class Child:
    """Computes one specification after the other with one engine."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._keeper = Keeper(grace_s=_GRACE_S, entry=ENTRY)

    def __enter__(self) -> Self:
        """Start nothing yet: the first calculation does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and all that it started."""
        self._keeper.close()

    def compute(self, spec: Mapping[str, Any], *, limit_s: float) -> Ended:
        """Compute; loading the engine counts to the limit, past which `stopped` says so."""
        alarm = threading.Timer(limit_s, self._keeper.stop, [Stop.CANCEL])
        alarm.daemon = True
        alarm.start()
        try:
            with TemporaryDirectory(prefix="nox-doctor-") as scratch:
                return self._keeper.run(
                    json.dumps({**spec, "engine": self._engine}),
                    cores=1,
                    limits=Limits(memory_bytes=GIB, time_s=_NO_LIMIT),
                    scratch=Path(scratch),
                    on_progress=lambda _: None,
                )
        finally:
            alarm.cancel()
