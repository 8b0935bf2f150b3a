"""Files of settings with anything in them: exit 2 with file, line and key, or they are read; never a bug."""

from __future__ import annotations

import io
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.config.settings import KEYS
from nox_cli.exits import ExitCode
from nox_cli.main import program
from nox_cli.session import Streams

NAMES = [key.name for key in KEYS]
GOOD = (
    "",
    "# a remark",
    "# one with \u2028 and \x85 in it",
    'user = "ada"',
    'color = "never"',
    'prefix = "nox:"',
)
# Values no setting can have.
BAD = ("1", "true", "1979-05-27", '["a"]', "{}", "1e999", "-0.0", "[[1], [2]]")
ALMOST = st.text("[]={}\"'.\n\\#\0 a1", max_size=60)
PLAIN = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=40).filter(
    lambda name: name not in NAMES
)


def listed(folder: Path) -> tuple[ExitCode, str]:
    """Run `nox list` in this process with the settings of a folder; the code, and what was said."""
    said = io.StringIO()
    environ = {
        "HOME": str(folder),
        "XDG_CONFIG_DIRS": str(folder / "site"),
        "NOX_HOME": str(folder / "state"),
    }
    return program(["list"], Streams(io.StringIO(), io.StringIO(), said), environ), said.getvalue()


def told(content: bytes) -> tuple[ExitCode, str, Path]:
    """Say what `nox list` does about a file of settings, and where that was."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / ".config/nox/config.toml"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return (*listed(Path(name)), path)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode), ALMOST.map(str.encode)))
def test_malformed_config_whatever_a_file_holds(content: bytes) -> None:
    """
    Any bytes are settings or an error of usage that names the file, in printable words.
    """
    code, said, path = told(content)

    assert code in {ExitCode.DONE, ExitCode.USAGE}, said
    assert (code is ExitCode.USAGE) is said.startswith(f"error: {path}")
    assert all(char.isprintable() or char == "\n" for char in said)


@given(st.lists(st.sampled_from(GOOD), max_size=5, unique=True), PLAIN, st.sampled_from(('"x"', *BAD)))
def test_a_setting_nobody_knows(before: list[str], name: str, value: str) -> None:
    """
    It is named, with file and line, wherever it stands and however it is quoted.
    """
    for key in (name, f'"{name}"', f"'{name}'"):
        code, said, path = told("\n".join([*before, f"{key} = {value}", "# after"]).encode())

        assert ExitCode.USAGE is code
        assert said.startswith(f"error: {path}, line {len(before) + 1}: there is no setting {name!r}")


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.sampled_from(GOOD[:3]), max_size=5), st.sampled_from(BAD))
def test_a_value_of_the_wrong_kind(name: str, before: list[str], value: str) -> None:
    """
    The setting is named, with file and line, and how to write it.
    """
    code, said, path = told("\n".join([*before, f"{name} = {value}"]).encode())

    assert ExitCode.USAGE is code
    assert said.startswith(f"error: {path}, line {len(before) + 1}: {name} is not text")
    assert f'{name} = "..."' in said


@given(
    st.lists(st.sampled_from(GOOD), max_size=5, unique=True),
    st.sampled_from(("x", "= 1", 'x = "', "[", "x = \\", "a b")),
)
def test_a_line_that_is_no_toml(before: list[str], line: str) -> None:
    """
    The line and the column at which the file cannot be read on are named.
    """
    code, said, path = told("\n".join([*before, line, ""]).encode())

    assert ExitCode.USAGE is code
    assert said.startswith(f"error: {path}, line {len(before) + 1}, column ")
