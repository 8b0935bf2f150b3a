"""The settings of a store: which one, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class StoreSettings(NamedTuple):
    """The kind and the place of a store."""

    redis_url: str | None  # None: the local store
    prefix: str  # of every Redis key
    home: Path  # where the local store's file lies
    password_file: Path | None = None  # instead of a password in the URL
    host: str = ""  # this machine, if `home` is used in place of a shared directory
