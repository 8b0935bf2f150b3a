"""Command lines are put into the order Typer can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.argv import ALIASES, COLORS, Call, parse, wants_json
from workers.errors import UsageError
from workers.names import OptLevel

WORDS = st.lists(
    st.sampled_from(["submit", "--opt", "-o", "tight", "./tight", "a.xyz", "--", "-c", "-1", "-q"])
)


@pytest.mark.parametrize("option", ["--opt", "-o"])
@pytest.mark.parametrize("level", [level.value for level in OptLevel])
@pytest.mark.parametrize("command", ["submit", "run"])
def test_a_level_that_follows_is_the_options_value(command: str, option: str, level: str) -> None:
    """
    Every level's name is taken, after the long and the short option, by submit and by run.
    """
    assert (f"--opt={level}", "a.xyz") == parse([command, option, level, "a.xyz"]).words


@pytest.mark.parametrize(
    ("command", "word", "expected"),
    [
        ("submit", "--gfn2", "--gfn=2"),
        ("run", "--gfn0", "--gfn=0"),
        ("run", "--gff", "--gfnff"),
        ("submit", "--scc", "--sp"),
        ("results", "--gfn2", "--gfn2"),
    ],
)
def test_spellings_of_the_program_are_those_of_nox(command: str, word: str, expected: str) -> None:
    """
    What the xtb program calls a method is known where jobs are made, and after -- it is left alone.
    """
    assert (expected,) == parse([command, word]).words
    assert word in parse([command, "--", word]).words[-1]


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_are_the_command(alias: str) -> None:
    """
    Another name of a command is that command for all of nox.
    """
    assert Call(ALIASES[alias], ("42",), local=True) == parse(["--local", alias, "42"])


@pytest.mark.parametrize("following", [["a.xyz"], ["./tight"], ["Tight"], ["--gfn", "2"], [], ["-"]])
def test_argv_anything_else_that_follows_is_left_alone(following: list[str]) -> None:
    """
    A word that is no level's name stays what it is, and the level is xtb's default.
    """
    assert ("--opt=normal", *following) == parse(["submit", "--opt", *following]).words


def test_frequencies_take_a_level_too() -> None:
    """
    `--ohess` optimises tightly unless a level follows.
    """
    assert ("--ohess=tight", "a.xyz") == parse(["submit", "--ohess", "a.xyz"]).words
    assert ("--ohess=vtight", "a.xyz") == parse(["run", "--ohess", "vtight", "a.xyz"]).words


def test_a_level_can_be_joined() -> None:
    """
    `--opt=LEVEL` reaches Typer as it stands.
    """
    assert ("--opt=tight", "tight") == parse(["submit", "--opt=tight", "tight"]).words


def test_argv_other_commands_keep_their_o() -> None:
    """
    `-o` of a command without levels names the form of its output.
    """
    assert ("-o", "csv") == parse(["results", "-o", "csv"]).words


def test_argv_what_follows_two_dashes_is_never_read() -> None:
    """
    Behind `--` neither levels nor nox's own options are looked for.
    """
    call = parse(["list", "--", "--opt", "tight", "--local", "--debug", "--color"])

    assert Call("list", ("--", "--opt", "tight", "--local", "--debug", "--color")) == call


@pytest.mark.parametrize("command", ["submit", "run"])
def test_argv_what_follows_two_dashes_is_the_programs(command: str) -> None:
    """
    Where calculations are asked for it goes on word by word, whatever it looks like.
    """
    call = parse([command, "a.xyz", "--opt", "--", "--cosmo", "water", "--local", "--"])
    passed = [f"--passed-on={word}" for word in ("--cosmo", "water", "--local", "--")]

    assert ("--opt=normal", "a.xyz", *passed) == (*sorted(call.words[:2]), *call.words[2:])
    assert not call.local


@pytest.mark.parametrize("argv", [["--local", "status", "--debug"], ["--debug", "--local", "status"]])
def test_options_of_every_command_are_valid_anywhere(argv: list[str]) -> None:
    """
    `--local` and `--debug` count before and after the command, and do not reach it.
    """
    assert Call("status", (), local=True, debug=True) == parse(argv)


@pytest.mark.parametrize("color", COLORS)
def test_color_takes_a_value_in_both_spellings(color: str) -> None:
    """
    `--color WHEN` and `--color=WHEN` mean the same, wherever they stand.
    """
    expected = Call("list", ("-q",), color=color)

    assert expected == parse(["--color", color, "list", "-q"])
    assert expected == parse(["list", "-q", f"--color={color}"])


@pytest.mark.parametrize("argv", [["list", "--color"], ["--color", "list"], ["list", "--color=red"]])
def test_a_color_nobody_knows_is_refused(argv: list[str]) -> None:
    """
    A missing or unknown value of `--color` is an error of usage that lists the choices.
    """
    with pytest.raises(UsageError, match="--color") as caught:
        parse(argv)

    assert caught.value.hint == "one of auto, always, never"


def test_a_negative_charge_stays_a_value() -> None:
    """
    `-c -1` is handed on as two words, which Typer reads as option and value.
    """
    assert ("-c", "-1", "a.xyz") == parse(["submit", "-c", "-1", "a.xyz"]).words


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["status", "--json"], True),
        (["list", "-o", "json"], True),
        (["list", "-ojsonl"], True),
        (["list", "--output=json"], True),
        (["list", "--output", "json"], True),
        (["list", "-o", "csv"], False),
        (["list", "-o"], False),
        (["submit", "--", "--json"], False),
        (["submit", "-o", "json"], False),
        (["submit", "a.xyz", "--json"], True),
        ([], False),
    ],
)
def test_json_is_recognised_before_the_command_line_is_read(argv: list[str], *, expected: bool) -> None:
    """
    Whether errors must be JSON is known even if the command line makes no sense otherwise.
    """
    assert expected == wants_json(argv)


@given(WORDS)
def test_argv_no_word_is_lost(words: list[str]) -> None:
    """
    A command line without options of every command is handed on word by word.
    """
    assert ("results", *words) == (parse(["results", *words]).command, *parse(["results", *words]).words)
