"""Options of `nox wait` and `nox watch` for what happens at their end."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from nox_cli.commandline import groups
from nox_cli.watch.follower import Notification


class EndOptions(NamedTuple):
    """Ways to notify a person at the end."""

    bell: Annotated[bool, groups.notification("--bell", help="Ring the bell of the terminal at the end.")] = (
        False
    )
    notify: Annotated[
        str,
        groups.notification(
            metavar="COMMAND",
            help="Run a program at the end, without a shell; in its arguments {batch}, {state}, {total}, "
            "{completed}, {failed}, {cancelled} and {left} are replaced.",
        ),
    ] = ""

    def notification(self) -> Notification:
        """Check the command; raises UsageError as `command_of`."""
        if not self.notify:
            return Notification(self.bell)
        from nox_cli.watch.notification import command_of

        return Notification(self.bell, command_of(self.notify))
