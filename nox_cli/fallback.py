"""What is done while the Redis that the settings name cannot be reached."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.errors import StoreUnreachable

# These hand jobs over, and hand them nowhere that was not asked for.
HANDING_OVER = frozenset({"submit", "run"})
# These look for jobs in one store, where they mean that one.
OF_ONE_STORE = HANDING_OVER | {"push", "worker", "doctor"}


class Fallback(StrEnum):
    """What `--fallback` and NOX_FALLBACK take; none: it is an error."""

    NONE = "none"
    LOCAL = "local"
    HOLD = "hold"


def told(command: str, chosen: Fallback, error: StoreUnreachable, where: str) -> str:
    """Say that a command went to the local store, and what becomes of jobs there."""
    if command not in HANDING_OVER:
        return f"warning: {error.what}; these are jobs of the local store {where}"
    if chosen is Fallback.HOLD:
        return (
            f"warning: {error.what}; jobs are held in the local store {where}: nox push hands them over, "
            "nox release runs them here"
        )
    return f"warning: {error.what}; jobs go to the local store {where}, and run here"


def told_elsewhere(where: str) -> str:
    """Say that redis has no such job, and the local store does."""
    return f"warning: redis has no such job; this is one of the local store {where}"
