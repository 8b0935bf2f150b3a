"""`nox help [TOPIC]` prints help in the terminal."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import typer

from nox_cli.argv import ALIASES
from nox_cli.commandline import registry
from nox_cli.text import nearest
from workers.errors import UsageError


class Help(NamedTuple):
    """The help to print: on a topic, on a command, on everything, or else the overview."""

    topic: str = ""
    everything: bool = False
    of_command: str = ""


def run(topic: str = "", *, everything: bool = False) -> Help:
    """Find the help on a topic or command.

    Raises:
        UsageError: there is no such topic.
    """
    topic = ALIASES.get(topic, topic)
    if topic in registry.COMMANDS:
        return Help(topic, of_command=registry.help_of(topic))
    if topic and topic not in registry.TOPICS:
        near = nearest(topic, (*registry.TOPICS, *registry.COMMANDS))
        known = f"one of {', '.join(registry.TOPICS)}, or a command's name"
        hint = f"did you mean nox help {near}?" if near else known
        raise UsageError(f"there is no help on {topic!r}", hint=hint)
    return Help(topic, everything)


def command(
    topic: Annotated[str, typer.Argument(metavar="[TOPIC]", help="A topic or a command.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="List every command and topic.")] = False,
) -> Help:
    """Explain a topic: selectors, examples, states, environment, exit-codes; or a command."""
    return run(topic, everything=everything)
