"""Text that steers a terminal, from every side: no command lets it through."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nox_cli.exits import ExitCode
from nox_cli.main import program
from nox_cli.session import Streams
from tests.support.ended import record, water
from tests.support.stores import ADA, artifact, claimant, failed
from workers.job import Reason

if TYPE_CHECKING:
    from tests.support.nox import Nox

SEQUENCES = (
    "\x1b[2J", "\x1b]0;owned\x07", "\x1b]52;c;aGk=\x07", "\x9b31m", "\x1bP$q\x1b\\", "\r", "\x08\x08", "\x7f",
    "\x85", "\x0e", "\x00", "\x1b[6n", "\u202e", "\u2028", "\U000e0041", "[red]", "[/]", "[link=file:///]",
)  # fmt: skip
NAMES = 300
EVERYTHING = (
    "list --limit 20000 -o csv", "list --limit 20000", "status @all --json", "status @all",
    "results @all -a", "status @all --raw",
)  # fmt: skip
TYPED = (
    ("status", "{}"), ("submit", "{}.xyz"), ("submit", "--{}"), ("list", "--state", "{}"), ("fetch", "{}"),
    ("submit", "--kind", "echo", "--dry-run", "--name={}"), ("wait", "1", "--timeout", "{}"),
)  # fmt: skip
COMMANDS = (
    "status", "status 1", "status 1-4", "status 1 --json", "status 1 --raw", "list --limit 400",
    "list --limit 400 --json", "list --limit 400 -o csv", "list --limit 400 -o tsv",
    "results @all -a", "logs 1", "logs 2", "fetch 1 --ls",
    "fetch 1 engine.log result.json --json", "wait 1-4", "watch 1-4", "watch 1-4 --json",
    "cancel 1 -y --json", "worker list",
)  # fmt: skip


def hostile(count: int) -> list[str]:
    """Make texts of letters and sequences, the same each time."""
    chance = random.Random(71)
    return ["x" + "".join(chance.choices((*SEQUENCES, "a", "é"), k=6)) for _ in range(count)]


def steering(data: str) -> set[str]:
    """Find the C0 and C1 characters but line ends and tabs, and what turns the direction."""
    return {char for char in data if char not in "\n\t" and (not char.isprintable() or char == "\u202e")}


def overwrite(nox: Nox, texts: list[str]) -> None:
    """Put the texts where people's words lie, past all checks."""
    with closing(sqlite3.connect(nox.home / "nox.sqlite3")) as database, database:
        numbers = [row[0] for row in database.execute("SELECT number FROM jobs ORDER BY number")]
        for number, text in zip(numbers, texts, strict=True):
            database.execute("UPDATE jobs SET name = ? WHERE number = ?", (text.replace("\x00", ""), number))


def test_hostile_text_what_an_engine_and_others_wrote_is_shown_and_never_obeyed(nox: Nox) -> None:
    """
    Names, results, warnings, errors and output full of escapes: no command prints a control character.
    """
    texts = hostile(NAMES)
    deeds = [
        {"do": "tell", "print": texts, "warn": texts[:20]},
        {"do": "die", "code": 3, "print": texts[:50]},
        {"do": "tell", "print": [], "echo": texts[:50]},
        {"do": "fail"},
    ]
    requests = [{"kind": "echo", "name": f"n{i}", "payload": deed} for i, deed in enumerate(deeds)]
    requests += [{"kind": "echo", "name": f"n{i}"} for i in range(len(deeds), NAMES)]
    nox("submit", "-", "--no-start", "-q", input="\n".join(map(json.dumps, requests)), check=True)
    worker = nox.worker("--slots", "2", "--idle-timeout", "1", standin=True)
    assert 0 == worker.wait(90)
    overwrite(nox, texts)
    said = {words: nox(*words.split()) for words in COMMANDS}

    assert set() == steering(worker.log)
    assert {} == {
        words: found for words, ended in said.items() if (found := steering(ended.stdout + ended.stderr))
    }
    assert [] == [words for words, ended in said.items() if ended.returncode == 70]
    assert r"\x1b]52;c;aGk=\x07" in said["logs 1"].stdout
    assert "\x1b]52;c;aGk=\x07" in nox("logs", "1", "--raw").stdout
    assert all(steering(path.name) == set() for path in nox.cwd.iterdir())


@pytest.mark.parametrize("at", ["file", "selector", "option", "stdin", "config", "folder"])
def test_hostile_text_what_is_typed_is_shown_and_never_obeyed(nox: Nox, at: str) -> None:
    """
    Refusals repeat what was typed or read: in file names, selectors, options, requests, settings.
    """
    for text in hostile(6):
        word = text.replace("\x00", "")
        if at == "config":
            (nox.cwd / ".config" / "nox").mkdir(parents=True, exist_ok=True)
            (nox.cwd / ".config" / "nox" / "config.toml").write_text(f'"{word}" = 1\n{text}')
        words, stdin = {
            "file": (["submit", f"{word}.xyz"], ""),
            "selector": (["status", word], ""),
            "option": (["submit", f"--{word}"], ""),
            "stdin": (["submit", "-"], json.dumps({"kind": text, "name": text, text: text})),
            "config": (["config", "show"], ""),
            "folder": (["submit", "--kind", "echo"], ""),
        }[at]
        env = {"NOX_HOME": f"/proc/{word}"} if at == "folder" else {}
        ended = nox(*words, input=stdin, env=env)

        assert ended.returncode not in {0, 1, 70}, ended.stderr
        assert set() == steering(ended.stdout + ended.stderr)


def test_raw_output_of_engines_goes_only_where_it_was_asked_for(nox: Nox, tmp_path: Path) -> None:
    """
    A fetched log holds the bytes as they were, in a file whose name a job's name cannot steer.
    """
    deed = {"do": "tell", "print": ["\x1b[2J"]}
    request = json.dumps({"kind": "echo", "name": "n", "payload": deed})
    nox("submit", "-", "--no-start", "-q", input=request, check=True)
    assert 0 == nox.worker("--slots", "1", "--idle-timeout", "1", standin=True).wait(60)
    with closing(sqlite3.connect(nox.home / "nox.sqlite3")) as database, database:
        database.execute("UPDATE jobs SET name = ?", ("../../\x1b[2J/evil",))
    nox("fetch", "1", "engine.log", "-d", "out", check=True)
    (made,) = (tmp_path / "out").iterdir()

    assert b"\x1b[2J" in made.read_bytes()
    assert set() == steering(made.name)
    assert not list(Path(tmp_path).rglob("evil*"))


def fail_each(nox: Nox, texts: list[str]) -> None:
    """Put in the store a failed job for each text, which is its name, tag, error, hint, evidence and log."""
    why = {"reason": Reason.CRASHED.value}
    with nox.store() as store:
        store.submit([water(text, tags={"tag": text}) for text in texts], submission="one")
        while found := store.claim(claimant()):
            text = found.job.name
            written = why | {"message": text, "hint": text, "evidence": [text, text]}
            ended = failed(
                Reason.CRASHED,
                message=text,
                outcome_json=record(found.lease, failure=written),
                artifacts=(artifact("engine.log", f"{text}\n{text}"),),
            )
            store.finish(found.lease, ended)


def said_by(nox: Nox, *words: str) -> str:
    """Run nox in this process; all that it wrote."""
    printed = io.StringIO()
    code = program(words, Streams(io.StringIO(), printed, printed), nox.environ)

    assert ExitCode.BUG != code, printed.getvalue()
    return printed.getvalue()


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.long)])
def test_hostile_text_no_name_error_or_output_of_many_steers(nox: Nox, count: int) -> None:
    """
    Of very many names, errors and outputs none brings a control character to stdout or stderr, where all
    are listed and where each is looked at alone; nor does any that is typed as file, selector or option.
    """
    texts = hostile(count)
    nox.environ["NOX_USER"] = ADA
    fail_each(nox, texts)
    everything = [nox(*words.split()) for words in EVERYTHING]
    said = {ended.args[-1]: steering(ended.stdout + ended.stderr) for ended in everything}
    for number, text in enumerate(texts, start=1):
        typed = [word.format(text) for word in TYPED[number % len(TYPED)]]
        for words in (["status", str(number)], ["logs", str(number)], typed):
            said[" ".join(words)] = steering(said_by(nox, *words))

    assert [0] * len(EVERYTHING) == [ended.returncode for ended in everything], everything
    assert count == everything[0].stdout.count("\n") - 1
    assert count * 2 + len(EVERYTHING) < len(said)
    assert {} == {words: chars for words, chars in said.items() if chars}
