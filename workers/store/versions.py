"""The versions of nox that may write to a store.

A store holds `min_writer`: the oldest version that may change it.  A nox whose own `MIN_WRITER` is higher
raises it with its first change, in the same step, unless workers of older versions are alive.  Versions are
compared by their first three numbers: a development version counts as the release that it leads to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workers import __version__
from workers.errors import NoxOutdated, StoreRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.findings import Finding

# The oldest nox that does no harm in a store that this one has changed.
# docs/compatibility.md describes when it is raised.
MIN_WRITER = "0.1.0"
_NAMED = 5  # workers that an error names at most
_NUMBERS = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")


def is_older(version: str, than: str) -> bool:
    """Whether one version precedes another; a text that is no version precedes none."""
    first, second = _NUMBERS.match(version), _NUMBERS.match(than)
    return bool(first and second) and _rank(first) < _rank(second)


def is_version(text: str) -> bool:
    """Whether a text can be compared."""
    return _NUMBERS.match(text) is not None


def _rank(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(map(int, match.groups())) if match else ()


def finding(found: str, place: str, min_writer: str) -> Finding:
    """Report a store's server, and whether this nox may write there.

    Args:
        found: the server and its version.
        place: the store, as errors name it.
        min_writer: the oldest version that may change the store; empty: any.
    """
    from workers.findings import ok, problem

    if not is_older(__version__, min_writer):
        return ok("server", found)
    error = outdated(place, min_writer)
    return problem("server", f"{found}: {error.what}", error.hint)


def outdated(place: str, min_writer: str) -> NoxOutdated:
    """Describe a store that only a newer nox may change.

    Args:
        place: the store, as errors name it.
        min_writer: the oldest version that may change it.
    """
    return NoxOutdated(
        f"{place} may be changed by nox {min_writer} or newer only, and this is nox {__version__}",
        did="nothing was changed",
        hint="upgrade nox on this machine; nox list, status and results work meanwhile",
    )


def in_use(place: str, workers: Sequence[str]) -> StoreRefused:
    """Describe a store that is not to be changed by this nox while older workers serve it.

    Args:
        place: the store, as errors name it.
        workers: the ids and versions of these workers.
    """
    more = f" and {len(workers) - _NAMED} more" if len(workers) > _NAMED else ""
    return StoreRefused(
        f"{place} is served by workers of nox before {MIN_WRITER}: {', '.join(workers[:_NAMED])}{more}",
        did="nothing was changed, as they cannot work with what this nox writes",
        hint="end these workers (SIGTERM lets running jobs finish), then repeat the command",
    )
