"""The jobs that one selector names: a number, an id, a name, a batch or a group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nox_cli.selectors.words import LAST, group
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.store.base import Store
    from workers.store.values import Query

MAX_JOBS = 100_000
# The number of words that are looked up as names in one call: each is a search of all names.
MAX_NAMES = 100
_ID_LENGTH = 32
_MIN_PREFIX = 4
_LARGEST_NUMBER = 2**53
_SHOWN_MATCHES = 8
_NUMBERS = re.compile(r"\d{1,16}(?:-\d{1,16})?(?:,\d{1,16}(?:-\d{1,16})?)*", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{1,32}")


class Finder:
    """Finds the jobs that single selectors name, in one call of a command."""

    def __init__(self, store: Store, user: str, *, any_user: bool = False) -> None:
        """Find jobs in a store; groups contain those of the user, or those of all users."""
        self._store = store
        self._user = user
        self._owner = None if any_user else user
        self._names = 0  # that were looked up

    def find(self, word: str) -> Query | Iterable[str]:
        """Find the jobs that one selector names: the query of a group, or ids.

        Raises:
            JobNotFound: there is no job of that number, id or prefix.
            UsageError: it is no selector, or names several jobs by one prefix or name.
        """
        if word == LAST:
            return self._store.last(self._user)
        if (query := group(word)) is not None:
            return query._replace(owner=self._owner)
        lowered = word.lower()
        if len(word) == _ID_LENGTH and _HEX.fullmatch(lowered):
            return [lowered]
        if _NUMBERS.fullmatch(word):
            return _numbered(self._store, word, self._owner)
        ids = _prefixed(self._store, lowered) if _HEX.fullmatch(lowered) else []
        from nox_cli.selectors.bare_names import find, no_group

        if ids:
            return find(self._store, word, self._owner, ids)
        if word.startswith("@"):
            raise no_group(word)
        self._names += 1
        if self._names > MAX_NAMES:
            raise UsageError(
                f"more than {MAX_NAMES} names are looked up at once", hint="use numbers, ids or name:GLOB"
            )
        return find(self._store, word, self._owner)


def _numbered(store: Store, word: str, owner: str | None) -> Iterator[str]:
    """Find jobs by numbers and ranges of numbers; a range may have holes.

    Raises:
        JobNotFound: a single number has no job.
        UsageError: a range runs backwards.
    """
    for part in word.split(","):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high < low:
            from nox_cli.selectors.bare_names import backwards

            raise backwards(store, part, owner)
        ids = (
            []
            if low > _LARGEST_NUMBER
            else store.with_numbers(low, min(high, _LARGEST_NUMBER), limit=MAX_JOBS + 1)
        )
        if not ids and not dash:
            from nox_cli.selectors.bare_names import not_numbered

            raise not_numbered(store, part, owner)
        yield from ids


def _prefixed(store: Store, prefix: str) -> list[str]:
    """Find the one job whose id starts with `prefix`; none if it is too short, or no id does.

    Raises:
        UsageError: there are several.
    """
    if len(prefix) < _MIN_PREFIX:
        return []
    ids = store.with_prefix(prefix, limit=_SHOWN_MATCHES + 1)
    if len(ids) > 1:
        shown = " ".join(ids[:_SHOWN_MATCHES]) + (" ..." if len(ids) > _SHOWN_MATCHES else "")
        by_name = f"; name:{prefix} names jobs by name"
        raise UsageError(f"{prefix} is the beginning of several ids", hint=f"one of {shown}{by_name}")
    return ids
