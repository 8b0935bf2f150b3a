"""Tokens of the HTTP API as stores keep them: their names, rights and ceilings, and the form of the record.

A store keeps the SHA-256 of a token, never the token.  The token itself has 256 random bits, so that its hash
needs no salt and cannot be guessed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.errors import InputRefused, NothingMatched
from workers.store.values import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# The start of every token, by which scanners for leaked secrets recognise one.
PREFIX = "nox_"
MAX_TOKENS = 1_000
_RANDOM_BYTES = 32


class Ceilings(NamedTuple):
    """The most that a token may use; 0: no ceiling."""

    jobs: int = 0  # unfinished jobs that it submitted
    cores: int = 0  # of one job
    memory_bytes: int = 0  # of one job
    stored_bytes: int = 0  # of its jobs: calculations, results and artifacts in the store
    streams: int = 0  # open at one time


class Token(NamedTuple):
    """A token, without its secret."""

    digest: str  # SHA-256 of the token, 64 hexadecimal digits
    name: str
    scope: str  # read, submit or admin; a newer nox may have written another, which allows nothing
    owner: str  # of the jobs that it sees and submits
    created_ms: int
    expires_ms: int | None = None
    used_ms: int | None = None  # the last use, within a minute
    ceilings: Ceilings = Ceilings()

    def is_expired(self, now_ms: int) -> bool:
        """Whether the token was valid only until now."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


class TokenUsage(NamedTuple):
    """The jobs of a token that have not ended, and the bytes that the store keeps of all its jobs."""

    jobs: int
    stored_bytes: int


def new_secret() -> str:
    """Make a token: the prefix and 43 characters that carry 256 random bits."""
    import secrets

    return f"{PREFIX}{secrets.token_urlsafe(_RANDOM_BYTES)}"


def digest_of(secret: str) -> str:
    """Return the hash under which a store keeps a token."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def packed_token(token: Token) -> str:
    """Write a token's record as both stores keep it."""
    known = token._asdict() | {"ceilings": token.ceilings._asdict()}
    del known["used_ms"]
    return json.dumps(known)


def read_token(raw: str | bytes, used_ms: int | None) -> Token | None:
    """Read a token's record, in which a newer nox may have written further fields; None: it is damaged."""
    try:
        known: dict[str, Any] = json.loads(raw)
        ceilings = Ceilings(**fields_of(Ceilings, known["ceilings"]))
        token = Token(**fields_of(Token, known) | {"ceilings": ceilings, "used_ms": used_ms})
    except (KeyError, TypeError, ValueError):
        return None
    numbers = (token.created_ms, token.expires_ms or 0, *ceilings)
    texts = (token.digest, token.name, token.scope, token.owner)
    is_typed = all(type(one) is int for one in numbers) and all(type(one) is str for one in texts)
    return token if is_typed else None


def in_order(tokens: Iterable[Token | None]) -> list[Token]:
    """Sort tokens, the oldest first, without those that are damaged."""
    return sorted((one for one in tokens if one is not None), key=lambda one: (one.created_ms, one.name))


def name_taken(name: str) -> InputRefused:
    """Describe a new token whose name another one has."""
    return InputRefused(
        f"there is a token {name!r} already",
        did="no token was made",
        hint=f"choose another name, or remove that one first: nox token revoke {name}",
    )


def too_many() -> InputRefused:
    """Describe a new token for which there is no room."""
    return InputRefused(
        f"the store has {MAX_TOKENS:,} tokens, which is the most",
        did="no token was made",
        hint="remove some that are out of use: nox token list, nox token revoke NAME",
    )


def no_token(name: str) -> NothingMatched:
    """Describe a token that is to be removed and does not exist."""
    return NothingMatched(f"there is no token {name!r}", hint="nox token list shows the names")
