"""What is done while the Redis that the settings name cannot be reached."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.errors import StoreUnreachable

# These hand jobs over, and hand them nowhere that was not asked for.
HANDING_OVER = frozenset({"submit", "run"})
# These say, where they look at Redis, that jobs are held in the local store.
LOOKING = frozenset({"list", "status"})
# These look for jobs in one store, where they mean that one.
OF_ONE_STORE = HANDING_OVER | {"push", "worker", "doctor"}


class Fallback(StrEnum):
    """What `--fallback` and NOX_FALLBACK take; none: it is an error."""

    NONE = "none"
    LOCAL = "local"
    HOLD = "hold"


def told(
    command: str, chosen: Fallback, error: StoreUnreachable, where: str, *, runs_here: bool = False
) -> str:
    """Say that a command went to the local store, and what becomes of jobs there."""
    if command not in HANDING_OVER:
        return f"warning: {error.what}; these are jobs of the local store {where}"
    if chosen is Fallback.HOLD:
        from nox_cli.hints import is_here_a_login_node

        release = "" if is_here_a_login_node() else ", nox release runs them here"
        held = f"jobs are held in the local store {where}: nox push hands them over{release}"
        return f"warning: {error.what}; {held} (seen by nox list --local)"
    here = ", and run here" if runs_here else ""
    return f"warning: {error.what}; jobs go to the local store {where}{here}"


def told_held(count: int) -> str:
    """Say that jobs wait in the local store, while another one was asked."""
    jobs = "1 job is" if count == 1 else f"{count:,} jobs are"
    return f"{jobs} held in the local store: see them with --local, hand them to redis with nox push"


def told_elsewhere(where: str) -> str:
    """Say that redis has no such job, and the local store does."""
    return f"warning: redis has no such job; this is one of the local store {where}"
