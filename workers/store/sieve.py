"""Filters of lists: which job matches, and for less than reading it costs, which may match."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.job import Job
    from workers.store.values import Query

# One character in UTF-8: its first byte, and the others.  A text matches in one way only.
_REST = b"[\x80-\xbf]*"
_ANY = b"[^\x80-\xbf]" + _REST
_SET = re.compile(r"\[(!?)((?:\w-\w|\w)+)\]", re.ASCII)
_RANGE = re.compile(r"(\w)-(\w)")
_LITERAL = re.compile(r"[^*?\[\0]*")
_LONGEST = 200


def matches(job: Job, query: Query) -> bool:
    """Whether every filter of a query lets a job through."""
    return (
        query.owner in {None, job.owner}
        and (not query.states or job.state in query.states)
        and query.reason in {None, job.reason}
        and query.batch in {"", job.batch}
        and (query.since_ms is None or job.created_ms >= query.since_ms)
        and (not query.name_glob or fnmatchcase(job.name, query.name_glob))
        and query.tags.items() <= job.tags.items()
    )


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


def beginning_of(glob: str) -> str:
    """Return the text with which every name begins that a shell pattern lets pass."""
    found = _LITERAL.match(glob)
    return found[0] if found else ""


def sql_glob(glob: str) -> str:
    """Translate a shell pattern for SQLite, or only its beginning where it cannot be translated."""
    if "\0" in glob or "[" in _SET.sub("", glob):
        return f"{beginning_of(glob)}*"
    return _SET.sub(_sql_set, glob) or "*"


def _sql_set(found: re.Match[str]) -> str:
    negation, members = found.groups()
    if negation and any(low > high for low, high in _RANGE.findall(members)):
        return "?"  # fnmatch takes such a range for empty, SQLite for its first character
    return f"[{'^' * bool(negation)}{members}]"


def texts_of(tags: Mapping[str, str], *, colon: str) -> list[str]:
    """Return texts that the JSON of these tags contains, where a key and its value are divided by `colon`.

    A tag with characters that JSON may escape in several ways is looked for as any tag.
    """
    return [
        _text(name) + colon + _text(value) if (name + value).isprintable() else "{"
        for name, value in tags.items()
    ]


def _text(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)


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
        elif one < " ":
            found += b"%c"
        elif one.isascii() and not one.isalnum():
            found += b"%" + one.encode()
        else:
            found += one.encode(errors="replace")
    return found
