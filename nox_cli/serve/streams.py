"""Open streams: how many a token may have, and their end when it is revoked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from nox_cli.serve.problems import RETRY_AFTER_S, Problem

if TYPE_CHECKING:
    from nox_cli.serve.hub import Hub
    from nox_cli.serve.principal import Principal

# The number of streams that a token may have open, and the server's own token.
MOST_STREAMS, MOST_OF_SERVER = 20, 1_000


def check_room(hub: Hub, principal: Principal) -> None:
    """Refuse one more stream of a token that has as many as it may.

    Raises:
        Problem: it has.
    """
    most = MOST_STREAMS if principal.token_id else MOST_OF_SERVER
    if hub.streams(principal.name) >= most:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too_many_streams",
            f"{most} streams of this token are open, which is the most",
            hint="close one",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
