"""Notifications at the end of `nox wait` and `nox watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.watch.board import Watching
    from nox_cli.watch.follower import Waiting


def after_wait(waiting: Waiting, out: Out) -> None:
    """Notify at the end of a wait, whatever ended it."""
    _notify(waiting, out)


def after_watch(watching: Watching, out: Out) -> None:
    """Notify once all jobs are final, not if the reader left before."""
    if watching.follower.is_over:
        _notify(watching, out)


def _notify(ended: Waiting | Watching, out: Out) -> None:
    follower = ended.follower
    if ended.notification.bell:
        out.ring()
    if ended.notification.command:
        from nox_cli.watch import notification

        if problem := notification.run(ended.notification.command, follower.store, follower.states):
            out.note(f"warning: --notify: {problem}")
