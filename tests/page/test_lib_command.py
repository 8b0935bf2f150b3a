"""The commands of the page are for a POSIX shell."""

from __future__ import annotations

import subprocess
from random import Random

import pytest

from tests.support.hostile import TEXTS
from tests.support.javascript import called

LETTERS = [*map(chr, range(1, 128)), "é", "苯", "\u202e", "\u0085", "\U0001f9ea"]


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_words_reach_a_shell_as_they_are(shell: str) -> None:
    """
    A shell reads each word of a command as it was, whatever letters it has, and the command itself has none
    that a terminal would obey.  A line end at the end of a word is lost, which no name has.
    """
    random = Random(16)
    words = [
        *TEXTS,
        *LETTERS,
        *("".join(random.choices(LETTERS, k=random.randrange(40))) for _ in range(300)),
        "",
    ]
    words = [word.rstrip("\n") for word in words]

    (line,) = called("lib/command", "library.line", [("printf", "%s\\0", *words)])
    ended = subprocess.run(
        [shell, "-c", line], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )

    assert words == ended.stdout.decode().split("\0")[:-1]
    assert line.isprintable()


def test_plain_words_stay_plain() -> None:
    """
    What needs no quotes has none, so that commands look as people type them.
    """
    words = ["nox", "list", "--state=failed", "-o", "x.csv", "@batch:screen", "1-3,7", "a=b"]

    assert [" ".join(words)] == called("lib/command", "library.line", [tuple(words)])
    assert ["nox 'conf_*' 'it'\\''s' ''"] == called(
        "lib/command", "library.line", [("nox", "conf_*", "it's", "")]
    )
