"""Versions of installed distributions."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache


def version_of(distribution: str) -> str:
    """Return the version of a distribution that is installed; empty: it is not."""
    return _version_in(distribution, tuple((folder, _changed_ns(folder)) for folder in sys.path))


def _changed_ns(folder: str) -> int:
    with suppress(OSError):
        return os.stat(folder or os.curdir).st_mtime_ns
    return 0


@lru_cache(maxsize=16)
def _version_in(distribution: str, _folders: tuple[tuple[str, int], ...]) -> str:
    """Look for a distribution, again only once a folder has changed: a server does so for each request.

    A wheel leaves it in the name of a folder, to look for which takes a tenth of what `importlib.metadata`
    takes to load.
    """
    first, last = f"{distribution}-", ".dist-info"
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or os.curdir):  # noqa: PTH208 - as quickly as can be
                if name.startswith(first) and name.endswith(last):
                    return name[len(first) : -len(last)]
    from importlib.metadata import PackageNotFoundError, version

    with suppress(PackageNotFoundError):
        return version(distribution)
    return ""
