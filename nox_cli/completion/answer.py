"""`nox __complete`: candidates for the completion script of a shell, without Typer.

    nox __complete bash KIND LINE BREAKS        the line up to the cursor, and $COMP_WORDBREAKS
    nox __complete zsh|fish KIND WORD... TYPED  the words before the one at the cursor, and that one

It prints a line for each candidate: the word, a tab, its description; nothing if something goes wrong.
If the store does not answer within `LIMIT_S`, it ends with the exit code 1.
"""

from __future__ import annotations

import faulthandler
import os
import re
import shlex
import sys
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nox_cli.completion.candidates import Asked, Candidate
    from workers.store.base import Store

# The time to wait for a store, until the process ends, also while it waits in the system.
LIMIT_S = 0.35
# The longest description, in characters.
MEANS = 60
_BARE = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
_IN_DOUBLE = re.compile(r'[\\"$`]')
_KEEPS_EMPTY = "x"


class Word(NamedTuple):
    """A word of a command line as the shell reads it, and the quotation mark that is open at its end."""

    text: str
    quote: str = ""

    def inserted(self, whole: str, breaks: str) -> str:
        """Write a candidate so that bash can put it in the place of this word; empty: it cannot.

        Args:
            whole: the candidate.
            breaks: the characters at which readline begins a new word; it replaces that part only.
        """
        if self.quote == "'":
            return "" if "'" in whole else whole
        if self.quote == '"':
            return "" if "!" in whole else _IN_DOUBLE.sub(r"\\\g<0>", whole)
        typed = self.text
        start = max(typed.rfind(sign) + 1 for sign in ":=" if sign in breaks) if breaks else 0
        if "@" in breaks:
            start = max(start, typed.rfind("@"))
        return "".join(
            f"\\{sign}" if sign.isascii() and _BARE.match(sign) else sign for sign in whole[start:]
        )


def split(line: str) -> tuple[list[str], Word]:
    """Split a command line as a shell does, into the words before the last one and that one.

    Raises:
        ValueError: it cannot be split.
    """
    for quote in ("", '"', "'"):
        with suppress(ValueError):
            *before, last = shlex.split(f"{line}{_KEEPS_EMPTY}{quote}")
            return before, Word(last.removesuffix(_KEEPS_EMPTY), quote)
    raise ValueError(line)


def main(argv: Sequence[str]) -> int:
    """Print candidates; `argv`: the words after `nox __complete`."""
    with suppress(Exception):
        lines = "".join(_lines(argv))
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stdout.write(lines)
        sys.stdout.flush()
    return 0


def _lines(argv: Sequence[str]) -> Iterator[str]:
    shell, kind, *rest = argv
    breaks = ""
    if shell == "bash":
        line, breaks = rest
        before, word = split(line)
    else:
        *before, last = rest
        word = split(last)[1] if shell == "fish" else Word(last)
    if word.text.startswith("--") and "=" in word.text:
        word = word._replace(text=word.text.partition("=")[2])
    for one in _offered(kind, before, word.text):
        inserted = word.inserted(one.word, breaks) if shell == "bash" else one.word
        if inserted:
            shown = f"{one.word}  {one.means}" if shell == "bash" and one.means else one.means
            yield f"{inserted}\t{shown}\n"


def _offered(kind: str, before: Sequence[str], typed: str) -> Iterator[Candidate]:
    """Find the candidates that fit what is typed, each once; control characters are in none."""
    known: set[str] = set()
    for one in _found(kind, before, typed):
        word, means = one.word, "".join(filter(str.isprintable, one.means))[:MEANS]
        if word.startswith(typed) and word not in known and word.isprintable() and not word.startswith("-"):
            known.add(word)
            yield one._replace(means=means)


def _found(kind: str, before: Sequence[str], typed: str) -> Iterable[Candidate]:
    from nox_cli import argv
    from nox_cli.completion import candidates
    from nox_cli.completion.candidates import Asked
    from nox_cli.config import settings
    from workers.store.opening import open_existing

    call = argv.parse([word for word in before[1:] if word == "--local"])
    asked = Asked(typed, before[2:], settings.load_to_look(settings.environment(), call))
    finders: dict[str, Callable[[Asked, Store], Iterator[Candidate]]] = {
        "jobs": candidates.jobs,
        "batches": candidates.batches,
        "names": candidates.names,
        "tags": candidates.tags,
        "files": candidates.files,
        "workers": candidates.workers,
        "pools": candidates.pools,
    }
    if kind in {"profiles", "keys", "values"}:
        return {"profiles": candidates.profiles, "keys": candidates.keys, "values": candidates.values}[kind](
            asked
        )
    import_module(f"workers.store.{'sqlite' if asked.settings.store.redis_url is None else 'redis'}.store")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        faulthandler.dump_traceback_later(LIMIT_S, exit=True, file=nowhere)
        try:
            store = open_existing(asked.settings.store)
            if store is None:
                return []
            with closing(store):
                return list(finders[kind](asked, store))
        finally:
            faulthandler.cancel_dump_traceback_later()
