"""Whatever comes in: refused in words, with its place, at once, and nothing is stored."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

WATER = (EXAMPLES / "water.xyz").read_text()
MEMORY_BYTES = 1024**3


def request(field: str, value: str) -> str:
    """Write a request one of whose inputs has this JSON value."""
    inputs = {"xyz": json.dumps("1\n\nHe 0 0 0\n"), "params": "{}"} | {field: value}
    return f"""{{"engine": "xtb", "kind": "opt_properties", "inputs": {{{
        ", ".join(f'"{name}": {text}' for name, text in inputs.items())
    }}}}}"""


def refused(nox: Nox, *words: str, stdin: str = "") -> str:
    """Submit what must be refused; make sure that it is refused well, and hand over what was said."""
    ended = nox("submit", *words, input=stdin)

    assert (5, "") == (ended.returncode, ended.stdout), ended.stderr
    assert "nothing was submitted" in ended.stderr.splitlines()[0]
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
    assert all(char.isprintable() or char == "\n" for char in ended.stderr)
    assert not (nox.home / "nox.sqlite3").exists()
    return ended.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "bad.xyz: the file is empty"),
        (WATER.replace("3\n", "4\n", 1), "bad.xyz:1:1: 4 atoms are said here, the file ends after 3"),
        (WATER.replace("3\n", "2\n", 1), "bad.xyz:5:1: one more atom than the structure before says it has"),
        (WATER.replace("O ", "Oz ", 1), 'bad.xyz:3:1: "Oz" is not an element'),
        (WATER.replace("0.00729480", "nan"), 'bad.xyz:3:8: "nan" is not a finite number'),
        (WATER.replace("0.00729480", "1e999"), 'bad.xyz:3:8: "1e999" is farther out'),
        (WATER.replace("0.00729480", "0,00729480"), 'bad.xyz:3:8: "0,00729480" is not a number'),
        ("2\n\nH 0 0 0\nH 0 0 0\n", "bad.xyz: atoms 1 (H) and 2 (H) are 0.000 Å apart"),
        ("1\n\nH 0 0 0\n", "bad.xyz: 1 electron at charge 0, an odd number"),
        ("1\ncharge=1\nH 0 0 0\n", "without an electron"),
        ("1\n\nU 0 0 0\n", "U"),
        ("0\n\n", "bad.xyz:1:1: no atoms"),
        ("1001\n\n" + "H 0 0 0\n" * 1001, "bad.xyz:1:1: 1,001 atoms, more than 1,000"),
        (WATER + WATER, "bad.xyz: 2 frames"),
        ('1\nLattice="9 0 0 0 9 0 0 0"\nHe 0 0 0\n', "bad.xyz:2:1: Lattice= has 8 numbers, not 9"),
        ('1\nLattice="9 0 0 0 9 0 0 0 1"\nHe 0 0 0\n', "two faces of the cell are 1.00 Å apart"),
        ("\x1b[2J\x1b]0;owned\x07\n", r'bad.xyz:1:1: the number of atoms was expected, not "\x1b[2J'),
        ("3\n\n\x1b[31m 0 0 0\n", "bad.xyz:1:1: 3 atoms are said here"),
    ],
)  # fmt: skip
def test_a_structure_that_cannot_be_computed(nox: Nox, content: str, words: str) -> None:
    """
    A structure with any fault is refused with file, line and column where there is one.
    """
    (nox.cwd / "bad.xyz").write_text(content)

    assert words in refused(nox, "bad.xyz")


@pytest.mark.parametrize("name", ["gone.xyz", "folder", "pipe.xyz", "/dev/zero", "sparse.xyz", "locked.sdf"])
def test_bad_input_what_is_no_file_to_read(nox: Nox, name: str) -> None:
    """
    A missing file, a directory, a pipe, a device, a file of 5 GB and another format are refused by name.
    """
    (nox.cwd / "folder").mkdir()
    os.mkfifo(nox.cwd / "pipe.xyz")
    with (nox.cwd / "sparse.xyz").open("wb") as file:
        file.truncate(5 * 1024**3)

    assert f"error: {name}: " in refused(nox, name)


def test_memory_stays_small(nox: Nox) -> None:
    """
    A huge file and an endless device are refused by a process that may not have a gibibyte.
    """
    with (nox.cwd / "sparse.xyz").open("wb") as file:
        file.truncate(5 * 1024**3)
    process = nox.popen(
        "submit", "sparse.xyz", "/dev/zero",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
    )  # fmt: skip
    out, err = process.communicate(timeout=30)

    assert (5, "") == (process.returncode, out)
    assert "larger than 16 MiB" in err
    assert "not a regular file" in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"kind": "echo", "payload": NaN}', "NaN is not a finite number"),
        ('{"kind": "echo", "payload": 1e999}', "1e999 is not a finite number"),
        (f'{{"kind": "echo", "payload": {"9" * 5_000}}}', "does not fit into 64 bits"),
        ('{"kind": "echo", "payload": 1, "payload": 2}', 'the key "payload" is there twice'),
        (f'{{"kind": "echo", "payload": {"[" * 100_000}{"]" * 100_000}}}', "nested too deep"),
        ('{"kind": "os.system", "payload": "id"}', '"kind" is none of echo, opt_properties'),
        ("cos\nsystem\n(S'id'\ntR.", "the number of atoms was expected"),
        ("!!python/object/apply:os.system [id]", "the number of atoms was expected"),
        (request("charge", '"0"'), "inputs.charge: input should be a valid integer"),
        (request("charge", '" 0 "'), "inputs.charge: input should be a valid integer"),
        (request("charge", "0.0"), "inputs.charge: input should be a valid integer"),
        (request("params", '{"opt": "yes"}'), "inputs.params.opt: input should be a valid boolean"),
        (request("params", '{"opt": 1}'), "inputs.params.opt: input should be a valid boolean"),
        ('{"kind": "echo", "name": "../../x"}', 'the name "../../x" is a path'),
        ('{"kind": "echo", "payload": "\\ud800"}', "half of a surrogate pair is no text"),
    ],
)
def test_a_request_that_is_none(nox: Nox, line: str, words: str) -> None:
    """
    What is no JSON, no request, or read differently by different programs is refused.
    """
    assert words in refused(nox, "-", stdin=line)


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "/etc/x",
        "..",
        "x" * 300,
        "-rf",
        "CON",
        "\u202eevil",
        "a" + "\u0301" * 20,
        "\x1b[31m",
        "a\nb",
        "",
    ],
)
def test_a_name_that_is_none(nox: Nox, name: str) -> None:
    """
    A name that could be taken for a path or an option, or steers a terminal, is refused with the rule.
    """
    assert "hint: a name has 1 to 255 bytes" in refused(nox, f"--name={name}", "--kind", "echo")


def test_a_batch_has_a_name_of_the_same_kind(nox: Nox) -> None:
    """
    The name of a batch obeys the rule of names.
    """
    assert 'the batch name "../x" is a path' in refused(nox, "--batch=../x", "--kind", "echo")


@pytest.mark.parametrize(
    "words",
    [
        ["--gfn", "7"],
        ["--engine", "$(touch owned)"],
        ["--opt", "--sp"],
        ["--chrg", "one"],
        ["--uhf", "-1"],
        ["--acc", "nan"],
        ["--etemp", "inf"],
        ["--priority", "101"],
        ["--memory", "much"],
        ["--time", "soon"],
        ["--tag", "x"],
        ["--kind", "shell"],
        ["-c", "\u0661"],
        ["-c", "1_0"],
        ["-c", " 0"],
        ["-u", "\u0661"],
        ["--mult", "1_0"],
        ["--cores=\uff11"],
        ["--acc", "1_0"],
        ["--unknown"],
    ],
)
def test_options_that_make_no_sense(nox: Nox, words: list[str]) -> None:
    """
    An option nobody knows, or a value it cannot have, is an error of usage; nothing is stored or run.
    """
    (nox.cwd / "w.xyz").write_text(WATER)
    ended = nox("submit", "w.xyz", *words)

    assert (2, "") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith("error: ")
    assert not (nox.home / "nox.sqlite3").exists()
    assert not (nox.cwd / "owned").exists()


def test_bad_input_one_bad_file_among_many(nox: Nox) -> None:
    """
    One bad file refuses a whole submit, and the refusal names it.
    """
    for i in range(50):
        (nox.cwd / f"w{i}.xyz").write_text(WATER)
    (nox.cwd / "w7.xyz").write_text("")

    assert "error: w7.xyz: the file is empty; nothing was submitted" in refused(
        nox, *(f"w{i}.xyz" for i in range(50))
    )


def test_bad_input_many_bad_files_are_counted(nox: Nox) -> None:
    """
    Of many bad files ten are named and the others counted; in JSON they are named as details.
    """
    names = [f"gone{i}.xyz" for i in range(15)]
    said = refused(nox, *names).splitlines()
    error = json.loads(nox("submit", *names, "--json").stderr)["error"]

    assert "error: 15 of 15 inputs were refused; nothing was submitted" == said[0]
    assert ("  gone0.xyz: no such file", "  and 5 more") == (said[1], said[11])
    assert ("input_refused", 11) == (error["code"], len(error["details"]))


def test_a_state_directory_that_cannot_be_written(nox: Nox, tmp_path: Path) -> None:
    """
    Where the state directory cannot be made nothing is submitted, and the code is the store's.
    """
    (tmp_path / "file").touch()
    ended = nox("submit", "--kind", "echo", env={"NOX_HOME": f"{tmp_path}/file/state"})

    assert (4, "") == (ended.returncode, ended.stdout)
    assert "the job was not submitted" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_good_submit_after_bad_ones_is_the_first(nox: Nox) -> None:
    """
    Refused inputs leave no trace: the next job is number 1 and the only one.
    """
    refused(nox, "gone.xyz")
    number = json.loads(nox("submit", "--kind", "echo", "--json", "--no-start", check=True).stdout)["jobs"][
        0
    ]["number"]
    with sqlite3.connect(nox.home / "nox.sqlite3") as connection:
        count = connection.execute("SELECT count(*) FROM jobs").fetchone()[0]
    connection.close()

    assert (1, 1) == (number, count)


@pytest.mark.parametrize("command", ["submit", "run"])
def test_bad_input_one_bad_structure_among_many_in_a_file(nox: Nox, command: str) -> None:
    """
    --skip-bad leaves out the structure that cannot be read, and reports it with its line; names keep their
    numbers.
    """
    bad = WATER.replace("O ", "Oz ", 1)
    (nox.cwd / "many.xyz").write_text(WATER + bad + WATER + WATER[:-30])
    refusing = nox("submit", "many.xyz", "--split")
    assert 5 == refusing.returncode
    assert "2 of 4 inputs were refused" in refusing.stderr

    start = ("--slots", "1") if command == "run" else ("--no-start",)
    ended = nox(command, "many.xyz", "--split", "--skip-bad", "--json", *start, check=True)
    found = json.loads(ended.stdout)
    jobs = found["jobs" if command == "submit" else "items"]

    assert ["many-0001", "many-0003"] == [job["name"] for job in jobs]
    assert 2 == found["skipped"]["count"]
    first, last = (one["message"] for one in found["skipped"]["inputs"])
    assert first == 'many.xyz:8:1: "Oz" is not an element'
    assert last.startswith("many.xyz:16:1: 3 atoms are said here, the file ends after 2") or ":18:" in last
    assert "warning: 2 inputs were refused and left out" in ended.stderr
    assert f"warning: {first}" in ended.stderr
