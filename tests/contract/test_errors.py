"""How an error looks: to a person, and to a program."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.commandline import registry
from nox_cli.exits import ExitCode
from nox_cli.main import program
from nox_cli.session import Streams, Terminated
from tests.support.examples import EXAMPLES
from tests.support.redis_server import free_port
from workers.errors import NoxError, StoreUnreachable, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox


class Ran:
    """What one call of `program` did."""

    def __init__(self, *argv: str, environ: dict[str, str]) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.code = program(argv, Streams(io.StringIO(), self.stdout, self.stderr), environ)

    @property
    def said(self) -> str:
        """What is on stderr."""
        return self.stderr.getvalue()

    @property
    def error(self) -> dict[str, Any]:
        """The error as JSON; the whole of stderr."""
        document = json.loads(self.said)
        assert 1 == document.pop("schema")
        assert ["error"] == list(document)
        found: dict[str, Any] = document["error"]
        return found


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with a state directory of this test's own."""
    return {"NOX_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets every command raise an error instead of doing its work."""

    def set_error(error: BaseException) -> None:
        def invoke(*_: object) -> None:
            raise error

        monkeypatch.setattr(registry, "invoke", invoke)

    return set_error


def test_an_error_is_two_lines(raising: Any, environ: dict[str, str]) -> None:
    """
    What happened and what nox did stand on one line, what to do on the next; nothing is on stdout.
    """
    raising(StoreUnreachable("redis at h:1 refused", did="nothing was submitted", hint="start it"))

    ran = Ran("status", environ=environ)

    assert ExitCode.STORE == ran.code
    assert "error: redis at h:1 refused; nothing was submitted\nhint: start it\n" == ran.said
    assert "" == ran.stdout.getvalue()


def test_an_error_without_hint_is_one_line(raising: Any, environ: dict[str, str]) -> None:
    """
    Where there is nothing to do, nothing is said about it.
    """
    raising(UsageError("no"))

    assert "error: no\n" == Ran("status", environ=environ).said


@pytest.mark.parametrize("form", [["--json"], ["-o", "json"], ["-o", "jsonl"], ["--output=json"]])
def test_an_error_speaks_json_when_asked(raising: Any, environ: dict[str, str], form: list[str]) -> None:
    """
    With JSON output asked for, stderr is one JSON value with a frozen code.
    """
    raising(StoreUnreachable("gone\x1b", did="nothing done", hint="wait"))

    ran = Ran("list", *form, environ=environ)

    assert {"code": "store_unreachable", "message": "gone\x1b; nothing done", "hint": "wait"} == ran.error
    assert "\x1b" not in ran.said


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["status", "--no-such"], "no such option: --no-such"),
        (["completion"], "missing argument 'SHELL'"),
        (["completion", "csh"], "invalid value for 'SHELL'"),
        (["config"], "missing command"),
        (["config", "shw"], "no such command 'shw'"),
        (["version", "extra"], "got unexpected extra argument(s) (extra)"),
        (["stauts"], "there is no command 'stauts'"),
        (["--no-such"], "there is no option --no-such before a command"),
        (["status", "--color", "blue"], "--color cannot be 'blue'"),
        (["help", "no-such"], "there is no help on 'no-such'"),
    ],
)
def test_a_command_line_that_makes_no_sense(environ: dict[str, str], argv: list[str], message: str) -> None:
    """
    Errors of usage look like all others, in text and in JSON, and exit 2.
    """
    ran = Ran(*argv, environ=environ)
    assert ExitCode.USAGE == ran.code
    assert ran.said.startswith(f"error: {message}")
    assert "\nhint: " in ran.said

    as_json = Ran(*argv, "--json", environ=environ)
    assert ExitCode.USAGE == as_json.code
    assert "usage" == as_json.error["code"]


def test_a_mistyped_command_is_guessed(environ: dict[str, str]) -> None:
    """
    The nearest command is named.
    """
    assert "hint: did you mean nox status?" in Ran("stauts", environ=environ).said


def test_a_bug_is_one_line(raising: Any, environ: dict[str, str]) -> None:
    """
    What nobody foresaw exits 70 with a line, and shows its traceback only with --debug.
    """
    raising(ZeroDivisionError("division by\nzero"))

    ran = Ran("status", environ=environ)
    assert ExitCode.BUG == ran.code
    assert ran.said.startswith("error: this is a bug in nox (ZeroDivisionError: division by\\nzero)\nhint: ")
    assert "Traceback" not in ran.said

    debugged = Ran("status", "--debug", environ=environ)
    assert ExitCode.BUG == debugged.code
    assert debugged.said.startswith("Traceback (most recent call last):")


def test_debug_shows_where_an_error_came_from(raising: Any, environ: dict[str, str]) -> None:
    """
    With --debug a foreseen error has its traceback too, before or after the command.
    """
    raising(NoxError("no"))

    assert "Traceback" in Ran("--debug", "status", environ=environ).said
    assert "Traceback" not in Ran("status", environ=environ).said


def wrapped(error: BaseException) -> RuntimeError:
    """Make what Python 3.11 makes of a signal that comes while a class is being built."""
    wrapper = RuntimeError("Error calling __set_name__")
    wrapper.__cause__ = error
    return wrapper


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted; jobs go on\n"),
        (Terminated(), ExitCode.TERMINATED, "terminated; jobs go on\n"),
        (wrapped(Terminated()), ExitCode.TERMINATED, "terminated; jobs go on\n"),
    ],
)
def test_an_interruption_is_no_error(
    raising: Any, environ: dict[str, str], error: BaseException, code: ExitCode, said: str
) -> None:
    """
    Ctrl-C and SIGTERM say that jobs go on, and have codes of their own, also when Python wrapped them.
    """
    raising(error)

    ran = Ran("status", environ=environ)
    assert (code, said) == (ran.code, ran.said)


def test_a_reader_that_is_gone_ends_quietly(raising: Any, environ: dict[str, str]) -> None:
    """
    A broken pipe is no error.
    """
    raising(BrokenPipeError())

    ran = Ran("status", environ=environ)
    assert (ExitCode.DONE, "") == (ran.code, ran.said)


def test_settings_that_make_no_sense_exit_2(nox: Nox) -> None:
    """
    A malformed file of settings is named with its line, in JSON too, and stops every command but help.
    """
    (nox.cwd / ".nox.toml").write_text('colour = "never"\n')

    ended = nox("status", "--json")
    assert 2 == ended.returncode
    error = json.loads(ended.stderr)["error"]
    assert "settings_invalid" == error["code"]
    assert f"{nox.cwd}/.nox.toml, line 1: there is no setting 'colour'; nothing was done" == error["message"]
    assert 0 == nox("help", "environment").returncode
    assert 0 == nox("--version").returncode


LONG = "x" * 120_000
MEGABYTE = "y z" * 350_000
WORDS: tuple[tuple[str, ...], ...] = (
    ("status", LONG),
    ("status", f"name:{LONG}"),
    ("wait", "1", "--timeout", LONG),
    ("list", "--state", LONG),
    ("list", "--columns", LONG),
    ("list", "--tag", LONG),
    ("list", "--sort", LONG),
    ("results", "--columns", LONG),
    ("submit", f"{LONG}.xyz"),
    ("submit", "--kind", "echo", "--name", LONG),
    ("submit", "--kind", "echo", f"--unique={LONG}"),
    ("submit", f"--{LONG}"),
    ("submit", "--memory", LONG, "a.xyz"),
    ("submit", "--payload", LONG),
    ("worker", "--metrics", LONG),
    ("worker", "--name", LONG),
    ("set", "1", "--tag", LONG),
    ("help", LONG),
    (LONG,),
)


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(word[:20] for word in words))
def test_errors_no_message_fills_the_screen(environ: dict[str, str], words: tuple[str, ...]) -> None:
    """
    A word of a selector, name, file or option that is repeated is cut in its middle, as text and as JSON.
    """
    text, json_ = Ran(*words, environ=environ), Ran(*words, "--json", environ=environ)

    assert text.code not in {ExitCode.DONE, ExitCode.BUG}, text.said
    assert len(text.said) < 3_000
    assert [] == [word for word in text.said.split() if len(word) > 200]
    assert len(json_.said) < 3_000
    assert {"code", "message", "hint"} <= json_.error.keys()


def test_a_long_text_is_cut_in_its_middle(raising: Any, environ: dict[str, str]) -> None:
    """
    Of a megabyte of short words, or of one, the beginning and the end are left; short messages stay whole.
    """
    raising(UsageError(f"begin {MEGABYTE} end", hint=f"see {LONG}end"))
    ran = Ran("status", environ=environ)
    first, hint = ran.said.splitlines()

    assert first.startswith("error: begin y z")
    assert first.endswith("y z end")
    assert hint.startswith("hint: see xxx")
    assert hint.endswith("xxxend")
    assert "…" in first
    assert len(first) <= 2_010
    assert len(hint) <= 220
    raising(UsageError("\x1b" * 190))
    assert len(Ran("status", environ=environ).said) <= 210
    whole = "word " * 300 + "z" * 200
    raising(UsageError(whole))
    assert f"error: {whole}\n" == Ran("status", environ=environ).said


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        ("list --sort nope", ExitCode.USAGE, 'jobs cannot be sorted by "nope"'),
        ("list --state nope", ExitCode.USAGE, '"nope" is no state'),
        ("list --since nope", ExitCode.USAGE, '"nope" is not a time nox understands'),
        ("list --tag nope", ExitCode.USAGE, '"nope" is not a tag'),
        ("list --columns nope", ExitCode.USAGE, 'there is no column "nope"'),
        ("results --sort nope", ExitCode.USAGE, 'there is no column "nope"'),
        ("results --columns nope", ExitCode.USAGE, 'there is no column "nope"'),
        ("results --keep-reacted", ExitCode.USAGE, "--keep-reacted is about what is compared"),
        ("results --electronic", ExitCode.USAGE, "--electronic is about what is compared"),
        ("fetch 1 --template {nope}", ExitCode.USAGE, 'the template "{nope}" has a field nox does not know'),
        ("set 1 --tag nope", ExitCode.USAGE, '"nope" is not a tag'),
        ("clean --state nope", ExitCode.USAGE, '"nope" is no state'),
        ("submit WATER --tag nope", ExitCode.USAGE, '"nope" is not a tag'),
        ("run WATER --here --cores 1024", ExitCode.INPUT_REFUSED, "water needs 1024 cores"),
        ("run WATER WATER --here -d out", ExitCode.USAGE, "two results would be called water"),
    ],
)
def test_words_are_refused_before_the_store_is_opened(
    nox: Nox, words: str, code: ExitCode, found: str
) -> None:
    """
    While Redis is unreachable, a word that means nothing is refused as it is while Redis answers.
    """
    argv = [str(EXAMPLES / "water.xyz") if word == "WATER" else word for word in words.split()]
    ran = Ran(*argv, environ={**nox.environ, "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})

    assert (code, f"error: {found}") == (ran.code, ran.said[: len(f"error: {found}")])


@pytest.mark.parametrize("skips", [(), ("--skip-bad", "--allow-empty")])
def test_options_are_refused_before_structures(nox: Nox, skips: tuple[str, ...]) -> None:
    """
    An engine that cannot do what the options say is refused, whatever is wrong with the structure.
    """
    close = nox.cwd / "close.xyz"
    close.write_text("2\n\nH 0 0 0\nH 0 0 0.05\n")
    ran = Ran("submit", str(close), "--engine", "tblite", "--gfnff", *skips, environ=nox.environ)

    assert (ExitCode.USAGE, "error: --engine tblite has no GFN-FF") == (ran.code, ran.said.splitlines()[0])
