"""Seeing to it that a worker looks at jobs that are ready to run in the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.config.settings import environment

if TYPE_CHECKING:
    from nox_cli.session import Session
    from workers.runtime.autostart import Woken


def wake(call: Session, *, start: bool = True) -> Woken | None:
    """Tell the local worker, or start one; None: the store is not the local one, and rings by itself."""
    if call.store.kind != "local":
        return None
    from workers.machine import is_login_node
    from workers.runtime import autostart

    settings = call.settings
    woken = autostart.wake(
        settings.home,
        policy=settings.autostart if start else "never",
        login_node=is_login_node(environment()),
        variables={"NOX_ARTIFACTS": str(settings.artifacts), "NOX_USER": settings.owner},
    )
    return woken if start else autostart.Woken(woken.wake)
