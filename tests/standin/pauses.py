"""Points at which a worker can be held, so that a test kills or freezes it exactly there."""

from __future__ import annotations

import functools
import pkgutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_AT, _MARK = "PAUSE_AT", "PAUSE_MARK"
_LOOK_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Point:
    """Just before or just after a method of a class."""

    where: str  # module:Class
    method: str
    is_after: bool = False


POINTS = {
    # The job is this worker's; nothing of it was started.
    "claimed": (Point("workers.runtime.attempt:AttemptRunner", "run"),),
    # The engine has answered; nothing of that is kept yet.
    "computed": (Point("workers.runtime.attempt:AttemptRunner", "outcome"),),
    # Its files are published; the store does not know.
    "kept": (Point("workers.runtime.attempt:AttemptRunner", "outcome", is_after=True),),
    # The store knows; the worker has not heard so.
    "recorded": (
        Point("workers.store.redis.store:RedisStore", "finish", is_after=True),
        Point("workers.store.sqlite.store:SqliteStore", "finish", is_after=True),
    ),
    # All that was to be done at this bell is done.
    "served": (Point("workers.bell.dramatiq:_Listener", "ack"),),
    # Jobs are kept from everybody in the local store; Redis has yet to hear of them.
    "set off": (Point("workers.store.sqlite.store:SqliteStore", "set_off", is_after=True),),
    # A file is on the disk, not yet where it belongs; and the moment after.
    "written": (Point("workers.runtime.artifacts:Part", "place"),),
    "renamed": (Point("workers.runtime.artifacts:Part", "place", is_after=True),),
}


def pausing(at: str, mark: Path) -> dict[str, str]:
    """Write the environment of a worker that is held the first time it comes to a point.

    It makes the file `mark` there, and goes on once `let_go` was called.
    """
    assert at in POINTS
    return {_AT: at, _MARK: str(mark)}


def let_go(mark: Path) -> None:
    """Let the worker that made this mark go on."""
    _gone(mark).touch()


def install(environ: Mapping[str, str]) -> None:
    """Hold this process as its environment says, if it does."""
    if _AT not in environ:
        return
    mark = Path(environ[_MARK])
    for point in POINTS[environ[_AT]]:
        place = pkgutil.resolve_name(point.where)
        setattr(place, point.method, _held(getattr(place, point.method), mark, is_after=point.is_after))


def _held(method: Any, mark: Path, *, is_after: bool) -> Any:
    @functools.wraps(method)
    def held(*args: Any, **options: Any) -> Any:
        if not is_after:
            _hold(mark)
        answer = method(*args, **options)
        if is_after:
            _hold(mark)
        return answer

    return held


def _hold(mark: Path) -> None:
    if not mark.exists():
        mark.touch()
        while not _gone(mark).exists():
            time.sleep(_LOOK_EVERY_S)


def _gone(mark: Path) -> Path:
    return mark.with_name(f"{mark.name}.go")
