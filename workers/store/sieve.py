"""Filters that let all jobs pass that a list has, and few others, for less than reading the jobs costs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# One character in UTF-8: its first byte, and the others.  A text matches in one way only.
_REST = b"[\x80-\xbf]*"
_ANY = b"[^\x80-\xbf]" + _REST
_SET = re.compile(r"\[(!?)((?:\w-\w|\w)+)\]", re.ASCII)
_PLAIN = re.compile(r"[\w. -]+", re.ASCII)
_LONGEST = 200


def lua_patterns(glob: str) -> list[bytes]:
    """Translate a shell pattern into patterns of Lua, of which each is looked for after the one before.

    Stars divide a shell pattern into these parts.  The list is empty where no name can be left out: there is
    no pattern, only stars, or a pattern that cannot be translated.
    """
    if len(glob) > _LONGEST or "\0" in glob or "[" in _SET.sub("", glob):
        return []
    first, *rest = (_translated(part) for part in glob.split("*"))
    if not rest:
        return [b"^" + first + b"$"] if first else []
    *between, last = rest
    found = [b"^" + first] if first else []
    return [*found, *filter(None, between), *([last + b"$"] if last else [])]


def texts_of(tags: Mapping[str, str]) -> list[str]:
    """Return texts that the JSON of these tags contains; words that JSON may escape are left out."""
    words = [word for pair in tags.items() for word in pair]
    return [f'"{word}"' if _PLAIN.fullmatch(word) else "{" for word in words]


def _translated(part: str) -> bytes:
    found, at = b"", 0
    while at < len(part):
        if is_set := _SET.match(part, at):
            negated, members = is_set[1], is_set[2].encode()
            found += b"[^" + members + b"\x80-\xbf]" + _REST if negated else b"[" + members + b"]"
            at = is_set.end()
            continue
        one, at = part[at], at + 1
        if one == "?":
            found += _ANY
        elif one.isascii() and not one.isalnum():
            found += b"%" + one.encode()
        else:
            found += one.encode(errors="replace")
    return found
