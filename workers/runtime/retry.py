"""Calling a store until it answers: out of contact is no reason to drop anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from workers.errors import StoreBusy, StoreError, StoreUnreachable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from workers.logs import Log

T = TypeVar("T")

# Between two calls of a store that does not answer.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0


def retry_until(
    call: Callable[[], T],
    give_up: threading.Event,
    log: Log,
    borne: type[StoreError] | tuple[type[StoreError], ...] = StoreError,
) -> T:
    """Retry a store call with back-off until it answers or `give_up` is set.

    The first refusal is logged; lost connections are logged by the thread that renews leases.

    Raises:
        StoreError: one that is not `borne`; or nobody may wait any longer.
    """
    pause = FIRST_PAUSE_S
    is_told = False
    while True:
        try:
            return call()
        except borne as error:
            if not (is_told or isinstance(error, StoreUnreachable | StoreBusy)):
                what = f"{error.message}; trying again until that changes"
                log.warning(what)
                is_told = True
            if give_up.wait(pause):
                raise
            pause = min(2 * pause, LONGEST_PAUSE_S)
