"""What a submit demands of the store before it hands anything over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nox_cli.session import Fallback
from nox_cli.submission.refusals import NOT_SUBMITTED
from workers.errors import StoreRefused, UsageError

if TYPE_CHECKING:
    from nox_cli.config.settings import Settings


class StoreWanted(StrEnum):
    """What `--require-store` takes."""

    REDIS = "redis"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What the store has to be, and to promise."""

    require_store: StoreWanted | None = None
    fallback: Fallback | None = None
    require_durable: bool = False


def refuse_other_store(required: Required, settings: Settings) -> None:
    """Make sure that jobs go to the kind of store that is required.

    Raises:
        StoreRefused: they would not.
    """
    is_local = settings.store.redis_url is None
    if required.require_store is StoreWanted.REDIS and is_local:
        chosen = settings.origins["store"] if settings.shown["store"] == "local" else ""
        raise StoreRefused(
            f"--require-store redis, and {chosen or 'REDIS_URL is not set'}"
            + (" chooses the local store" if chosen else ""),
            did=NOT_SUBMITTED,
            hint=f"take {chosen} away" if chosen else "export REDIS_URL=redis://HOST:6379/0",
        )
    if required.require_store is StoreWanted.LOCAL and not is_local:
        raise StoreRefused(
            f"--require-store local, and {settings.origins['redis_url']} names a Redis",
            did=NOT_SUBMITTED,
            hint="add --local",
        )


def chosen_fallback(required: Required, settings: Settings) -> Fallback:
    """Settle what is done if Redis cannot be reached.

    Raises:
        UsageError: another store is allowed and refused.
    """
    wanted = required.fallback or Fallback.NONE
    if required.require_store is not StoreWanted.REDIS:
        return required.fallback or Fallback(settings.fallback)
    if wanted is not Fallback.NONE:
        raise UsageError(
            f"--require-store redis and --fallback {wanted} contradict each other", did=NOT_SUBMITTED
        )
    return wanted
