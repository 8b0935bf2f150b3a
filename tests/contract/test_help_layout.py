"""The help of every command: headings, examples that can be typed, and no line that is too long."""

from __future__ import annotations

import re
import shlex

import pytest

from nox_cli import argv
from nox_cli.commandline.context import shown_parameters, subcommands
from nox_cli.commandline.examples import EXAMPLES
from nox_cli.commandline.help import GROUPED_FROM
from nox_cli.commandline.registry import COMMANDS, load
from nox_cli.completion.words import all_words
from nox_cli.render.help import overview
from tests.contract.test_help import paths

PATHS = [" ".join(path) for path, _ in paths(all_words())]
SUBMIT_HEADINGS = [
    "Examples", "Arguments", "Calculation", "Method", "Charge and spin", "Structures", "Jobs", "Resources",
    "Failures", "Start and dependencies", "Duplicates", "Store", "After submission", "Output",
]  # fmt: skip
NO_GROUPS = {"Examples", "Arguments", "Commands"}
OF_SUBMIT_ALONE = {"Start and dependencies", "Duplicates", "Store", "After submission"}


def at(width: int, path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a command's help for a terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(width))
    name, _, below = path.partition(" ")
    command = load(name)
    context = command.context_class(command, info_name=f"nox {name}", help_option_names=["-h", "--help"])
    if below:
        inner = subcommands(command)[below]
        context = inner.context_class(
            inner, info_name=below, parent=context, help_option_names=["-h", "--help"]
        )
        command = inner
    return command.get_help(context)


def headings(text: str) -> list[str]:
    """List the headings of a help text."""
    return re.findall(r"^([A-Z][a-z ]+):$", text, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_grouped_where_there_are_many(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A command with nine options or more, --help among them, lists each under a heading, the output last.
    """
    command = load(name)
    options = [param for param in shown_parameters(command) if param.param_type_name == "option"]
    shown = [heading for heading in headings(at(80, name, monkeypatch)) if heading not in NO_GROUPS]
    if len(options) + 1 < GROUPED_FROM:
        assert ["Options"] == shown
        return

    assert "Output" == shown[-1]
    assert len(shown) > 1
    assert [] == [param.name for param in options if not getattr(param, "rich_help_panel", None)]


def test_submit_and_run_have_the_same_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `nox submit --help` and `nox run --help` list what they share under the same headings, in the same words.
    """
    submit, run = (at(80, name, monkeypatch) for name in ("submit", "run"))
    shared = [heading for heading in SUBMIT_HEADINGS if heading not in OF_SUBMIT_ALONE]
    blocks = set(submit.split("\n\n")) & set(run.split("\n\n"))

    assert SUBMIT_HEADINGS == headings(submit)
    assert [*shared[:-1], "On this machine", "Output"] == headings(run)
    assert set(shared) - {"Examples"} == {block.partition(":")[0] for block in blocks} - {"  Everywhere"}


@pytest.mark.parametrize("path", PATHS)
def test_help_fits_the_terminal(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    At 80 and at 40 columns no line is longer than the terminal is wide, and no word is lost.
    """
    wide, narrow = (at(width, path, monkeypatch) for width in (80, 40))

    assert [] == [line for line in wide.splitlines() if len(line) > 80]
    assert [] == [line for line in narrow.splitlines() if len(line) > 40]
    assert sorted(wide.split()) == sorted(word for word in narrow.split() if word != "\\")


def test_the_overview_fits_a_narrow_terminal() -> None:
    """
    `nox --help` at 40 columns has every command, and no line that is longer.
    """
    shown = overview(40)

    assert [] == [line for line in shown.splitlines() if len(line) > 40]
    assert [] == [name for name in COMMANDS if name not in shown.replace(":", " ").split()]


def test_every_command_has_examples() -> None:
    """
    Each command, and each command below one, has one or two examples, which its help shows.
    """
    assert PATHS == list(EXAMPLES)
    assert {1, 2} >= {len(examples) for examples in EXAMPLES.values()}


@pytest.mark.parametrize("path", PATHS)
def test_examples_are_shown_and_can_be_typed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The help of a command shows its examples, and nox reads each of them as a call of that command.
    """
    shown = " ".join(at(80, path, monkeypatch).split())

    for line, meaning in EXAMPLES[path]:
        assert line in shown
        assert meaning in shown
        words = shlex.split(re.sub(r'^eval "\$\((.*)\)"$', r"\1", line).partition(" > ")[0])
        call = argv.parse(words[1:])
        assert "nox" == words[0]
        command = load(call.command)
        context = command.make_context(call.command, list(call.words))
        if call.command != path:
            below, *rest = call.words
            inner = subcommands(command)[below]
            inner.make_context(below, rest, parent=context)
            assert path == f"{call.command} {below}"


@pytest.mark.parametrize("name", COMMANDS)
def test_placeholders_are_words(name: str) -> None:
    """
    The value of an option or an argument is a word, such as CHARGE: no type, no letter, no list of choices.
    """
    command = load(name)
    for one in (command, *subcommands(command).values()):
        context = one.context_class(one, info_name=name)
        for param in shown_parameters(one):
            shown = "" if getattr(param, "is_flag", False) else param.make_metavar(context)
            words = re.findall(r"[^\[\].,:=]+", shown)
            assert [] == [word for word in words if not re.fullmatch("[A-Z]{2,}", word)], param.name
            assert {"TEXT", "INTEGER", "FLOAT", "BOOLEAN"}.isdisjoint(words), param.name
