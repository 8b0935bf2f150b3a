"""Names and tags: what may be shown, selected by and made into a file name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.names import job_name, name_from, tags
from workers.errors import InputRefused, UsageError

BAD = [
    "",
    "../../x",
    "/etc/x",
    "a/b",
    ".",
    "..",
    "a\0b",
    "a\nb",
    "\x1b[31mred",
    "x" * 256,
    "é" * 128,
    "-rf",
    "CON",
    "con.txt",
    "lpt1",
    "\u202eevil",
    "a\u200eb",
    "a" + "\u0301" * 9,
    " a",
    "a ",
    "\ud800",
]


@pytest.mark.parametrize(
    "name", ["a", "x" * 255, "ts1 (guess)", "été", "e\u0301te\u0301", "水", ".hidden", "a..b", "a\\b"]
)
def test_keeps_names(name: str) -> None:
    """
    Printable text of at most 255 bytes is a name, in any script.
    """
    assert name == job_name(name)


@pytest.mark.parametrize("name", BAD)
def test_refuses_what_is_no_name(name: str) -> None:
    """
    Paths, options, device names and what cannot be printed as it is are refused, with the rule.
    """
    with pytest.raises(InputRefused) as caught:
        job_name(name)

    assert "a name has 1 to 255 bytes" in caught.value.hint
    assert caught.value.what.isprintable()


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("water", "water"),
        ("a\nb", "a_b"),
        ("-rf", "_rf"),
        ("CON", "_CON"),
        ("", "_"),
        ("..", "_.."),
        (" a ", "a"),
        ("\udc80x", "_x"),
        ("x" * 300, "x" * 255),
    ],
)
def test_makes_names_of_files(stem: str, name: str) -> None:
    """
    What a name may not hold becomes an underscore.
    """
    assert name == name_from(stem)


@given(st.one_of(st.text(max_size=300), st.sampled_from(BAD)))
def test_names_what_it_makes_is_a_name(stem: str) -> None:
    """
    The name made of any file's is a name.
    """
    name = name_from(stem)

    assert name == job_name(name)


def test_reads_tags() -> None:
    """
    A tag is a key and whatever stands behind the first equals sign.
    """
    assert {"set": "a=b", "n": ""} == tags(["set=a=b", "n=", "set=a=b"])


@pytest.mark.parametrize("words", [["a"], ["=b"], ["a b=c"], ["a=1", "a=2"], [f"k{i}=1" for i in range(17)]])
def test_refuses_what_are_no_tags(words: list[str]) -> None:
    """
    A tag has a plain key, comes once, and there are 16 at most.
    """
    with pytest.raises(UsageError):
        tags(words)


@pytest.mark.parametrize("value", ["\x1b", "x" * 256, "\u202e"])
def test_refuses_values_that_cannot_be_shown(value: str) -> None:
    """
    A tag's value is printable text of at most 255 bytes.
    """
    with pytest.raises(InputRefused):
        tags([f"a={value}"])
