"""Open streams: how many a token may have, and their end when it is revoked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from nox_cli.serve.problems import RETRY_AFTER_S, Problem

if TYPE_CHECKING:
    from nox_cli.serve.hub import Hub
    from nox_cli.serve.principal import Principal

MOST_STREAMS = 20  # of a token without a ceiling of its own


def check_room(hub: Hub, principal: Principal) -> None:
    """Refuse one more stream of a token that has as many as it may.

    Raises:
        Problem: it has.
    """
    most = principal.ceilings.streams or MOST_STREAMS
    if hub.streams(principal.token_id) >= most:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_streams",
            f"{most} streams of the token {principal.name} are open, which is the most",
            hint="close one",
            headers={"Retry-After": str(RETRY_AFTER_S)},
            ceiling="streams",
            most=most,
        )
