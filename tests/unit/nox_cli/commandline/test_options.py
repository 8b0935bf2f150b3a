"""Dataclasses whose fields become options of commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from nox_cli.commandline.options import takes


@dataclass(frozen=True)
class Shared:
    """Options of several commands."""

    level: Annotated[int, typer.Option("--level", "-l", help="How much.")] = 3
    names: Annotated[list[str] | None, typer.Option("--name")] = None


@dataclass(frozen=True)
class More:
    """Further options."""

    loud: Annotated[bool, typer.Option("--loud")] = False


@takes(Shared)
@takes(More, "more")
def command(options: Shared, more: More, word: str = "") -> None:
    """Say what was asked."""
    typer.echo(repr((word, options, more)))


def run(*words: str) -> str:
    """Call the command, and hand over what it wrote."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return CliRunner().invoke(app, list(words)).output.strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ("", Shared(), More())),
        (["-l", "5", "--name", "a", "--name", "b", "--word", "x"], ("x", Shared(5, ["a", "b"]), More())),
        (["--loud"], ("", Shared(), More(loud=True))),
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
