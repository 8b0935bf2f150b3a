"""Parts of files that clients ask for: conditional requests and byte ranges (RFC 9110)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """Raised for a range that lies outside of the file."""


def is_known(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the client has this content already."""
    tags = [tag.strip().removeprefix("W/") for tag in headers.get("If-None-Match", "").split(",")]
    return etag in tags or "*" in tags


def wanted(headers: Mapping[str, str], etag: str, size: int) -> tuple[int, int] | None:
    """Return the first byte that is wanted and the one after the last; None: the whole file.

    Several ranges at once, and malformed ones, are answered by the whole file.

    Raises:
        Unsatisfiable: the range begins beyond the end.
    """
    found = _RANGE.fullmatch(headers.get("Range", "").replace(" ", ""))
    if found is None or headers.get("If-Range", etag) != etag or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise Unsatisfiable
    return start, end


def cut(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Leave out what is before `start`, and end at `end`."""
    at = 0
    for piece in pieces:
        part = piece[max(0, start - at) : max(0, end - at)]
        at += len(piece)
        if part:
            yield part
        if at >= end:
            return
