"""Amounts of memory and of room on a disk, as people read them."""

from __future__ import annotations

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def size_words(size_bytes: int) -> str:
    """Write an amount of bytes: `512 KiB`, `300 MiB`, `2.0 GiB`."""
    if size_bytes >= GIB:
        return f"{size_bytes / GIB:.1f} GiB"
    if size_bytes >= MIB:
        return f"{size_bytes / MIB:.0f} MiB"
    return f"{-(-max(0, size_bytes) // KIB)} KiB"
