"""What is left on a disk after a power cut, made up from the calls that tests/shim/disk.c wrote down."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

SECTOR = 512
_HEAD = struct.Struct("=4q")


class Entry(NamedTuple):
    """One call of the disk: w(rite), s(ync), t(runcate), r(ename); or n, a note."""

    kind: str
    name: str  # of the file; of a note: its text
    offset: int  # of t: the new size
    data: bytes  # of r: the new name


def entries_of(raw: bytes) -> Iterator[Entry]:
    """Read what the shim wrote down."""
    at = 0
    while at < len(raw):
        kind, name_size, offset, size = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        name = raw[at : at + name_size].decode()
        at += name_size
        yield Entry(chr(kind), name, offset, raw[at : at + size])
        at += size


def after_power_cut(
    entries: Sequence[Entry], base: dict[str, bytes], survives: random.Random
) -> dict[str, bytes]:
    """Make up what a disk holds of files when the power goes after these calls.

    What was synced is there.  Of what was written to a file since, each sector is there or not, by chance.
    """
    files = {name: bytearray(content) for name, content in base.items()}
    for name, content in files.items():
        own = [entry for entry in entries if Path(entry.name).name == name and entry.kind in "wts"]
        synced = max((n + 1 for n, entry in enumerate(own) if entry.kind == "s"), default=0)
        for entry in own[:synced]:
            _apply(content, entry)
        for entry in own[synced:]:
            _apply_some(content, entry, survives)
    return {name: bytes(content) for name, content in files.items()}


def unsynced(entries: Sequence[Entry], name: str) -> bool:
    """Whether a file was written and not synced after it."""
    own = [entry.kind for entry in entries if entry.name == name and entry.kind in "wts"]
    return bool(own) and own[-1] != "s"


def _apply(content: bytearray, entry: Entry) -> None:
    if entry.kind == "t":
        content[entry.offset :] = bytes(max(0, entry.offset - len(content)))
    elif entry.kind == "w":
        content.extend(bytes(max(0, entry.offset - len(content))))
        content[entry.offset : entry.offset + len(entry.data)] = entry.data


def _apply_some(content: bytearray, entry: Entry, survives: random.Random) -> None:
    if entry.kind == "t" and survives.random() < 0.5:
        _apply(content, entry)
    first = SECTOR - entry.offset % SECTOR
    edges = [0, *range(first, len(entry.data), SECTOR), len(entry.data)]
    for begin, end in pairwise(edges):
        if survives.random() < 0.5:
            _apply(content, Entry("w", entry.name, entry.offset + begin, entry.data[begin:end]))
