"""Every command can be asked what it takes, and says it in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.commandline.context import shown_parameters, subcommands
from nox_cli.commandline.registry import COMMANDS, TOPICS, load
from nox_cli.completion.words import CommandWords, all_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox


def paths(
    command: CommandWords, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], CommandWords]]:
    """List every command and the ones below it, with the words that lead to it."""
    for below in command.below:
        path = (*above, below.name)
        yield path, below
        yield from paths(below, path)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_every_option(nox: Nox, name: str) -> None:
    """
    `nox COMMAND --help` exits 0, writes to stdout only, and names every option; so do the commands below.
    """
    for path, command in paths(all_words()):
        if path[0] != name:
            continue
        ended = nox(*path, "--help", check=True)

        assert "" == ended.stderr
        assert [] == [option for one in command.options for option in one.names if option not in ended.stdout]
        assert ended.stdout == nox(*path, "-h").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_explained(name: str) -> None:
    """
    No parameter of any command is without a line of help, and options are written in lower case.
    """
    commands = [load(name), *subcommands(load(name)).values()]
    params = [param for command in commands for param in shown_parameters(command)]

    assert [] == [param.name for param in params if not getattr(param, "help", "")]
    assert [] == [
        option
        for param in params
        for option in param.opts
        if option.startswith("--") and not option.islower()
    ]
    assert [] == [command.name for command in commands if not command.help]


def test_the_overview_names_every_command(nox: Nox) -> None:
    """
    `nox`, `nox --help`, `nox -h` and `nox help` draw one page, 80 columns wide, with every command on it.
    """
    shown = nox("--help", check=True).stdout

    assert [] == [name for name in COMMANDS if name not in shown.replace(":", " ").split()]
    assert [] == [line for line in shown.splitlines() if len(line) > 80]
    assert [shown] * 3 == [nox(*argv, check=True).stdout for argv in ((), ("-h",), ("help",))]


def test_help_everything_is_listed(nox: Nox) -> None:
    """
    `nox help --all` lists every command and every topic.
    """
    shown = nox("help", "--all", check=True).stdout

    assert [] == [name for name in (*COMMANDS, *TOPICS) if name not in shown.split()]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_knows_commands_too(nox: Nox, name: str) -> None:
    """
    `nox help COMMAND` says what `nox COMMAND --help` says.
    """
    assert nox(name, "--help").stdout == nox("help", name).stdout
