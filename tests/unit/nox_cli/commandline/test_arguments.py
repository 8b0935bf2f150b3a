"""Named tuples whose fields become options of commands."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from nox_cli.commandline.arguments import takes


class Shared(NamedTuple):
    """Options of several commands."""

    level: Annotated[int, typer.Option("--level", "-l", help="How much.")] = 3
    names: Annotated[list[str] | None, typer.Option("--name")] = None


class More(NamedTuple):
    """Further options."""

    loud: Annotated[bool, typer.Option("--loud")] = False


class Plain(NamedTuple):
    """Values of a class that knows nothing of the command line."""

    size: int = 1


@takes(Shared)
@takes(More, "more")
@takes(Plain, "plain", {"size": typer.Option("--size", min=1)})
def command(options: Shared, more: More, plain: Plain, word: str = "") -> None:
    """Print the values that were given."""
    typer.echo(repr((word, options, more, plain)))


def run(*words: str) -> str:
    """Call the command, and hand over what it wrote."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return CliRunner().invoke(app, list(words)).output.strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ("", Shared(), More(), Plain())),
        (
            ["-l", "5", "--name", "a", "--name", "b", "--word", "x"],
            ("x", Shared(5, ["a", "b"]), More(), Plain()),
        ),
        (["--loud"], ("", Shared(), More(loud=True), Plain())),
        (["--size", "2"], ("", Shared(), More(), Plain(2))),
    ],
)
def test_fields_become_options(words: list[str], expected: object) -> None:
    """
    The command gets each group of options as one value.
    """
    assert repr(expected) == run(*words)


def test_help_shows_them() -> None:
    """
    The help lists shared options before the command's own.
    """
    help_text = run("--help")

    assert "How much." in help_text
    assert help_text.index("--level") < help_text.index("--loud") < help_text.index("--word")


def test_a_field_without_a_declaration_is_an_error() -> None:
    """
    A class that is declared from outside needs a declaration of each of its fields.
    """
    with pytest.raises(KeyError, match="names"):
        takes(Shared, "options", {"level": typer.Option("--level")})(command)
