"""The points of running optimisations as both stores keep them: one record of 24 bytes each."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from workers.store.values import POINTS_KEPT, Point

if TYPE_CHECKING:
    from collections.abc import Iterable

# Step, energy in hartree, norm of the gradient in hartree/bohr; `lua/progress.lua` reads the step.
_RECORD = struct.Struct("<qdd")
RECORD_BYTES = _RECORD.size


def packed_point(point: Point) -> bytes:
    """Write the record of a point."""
    return _RECORD.pack(*point)


def read_points(records: bytes) -> tuple[Point, ...]:
    """Read records one after the other; a rest that is no whole record is left out."""
    whole = len(records) - len(records) % _RECORD.size
    return tuple(Point._make(values) for values in _RECORD.iter_unpack(records[:whole]))


def appended(records: bytes, points: Iterable[Point]) -> bytes:
    """Append points to records, in place of those of the same and of later steps.

    Returns:
        The records of the newest `POINTS_KEPT` points.
    """
    added = tuple(points)
    kept = [point for point in read_points(records) if point.step < added[0].step]
    return b"".join(map(packed_point, (*kept, *added)[-POINTS_KEPT:]))
