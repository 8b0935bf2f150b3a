"""Tokens of the HTTP API in Redis, and what their jobs use.  The keys: `lua/shared.lua`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from workers.store import tokens
from workers.store.redis.reads import RedisReads
from workers.store.redis.records import in_groups
from workers.store.tokens import MAX_TOKENS, TokenUsage, packed_token, read_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.store.tokens import Token


class RedisTokens(RedisReads):
    """The part of the Redis store that keeps tokens."""

    def acting_as(self, token: str) -> Self:
        """Return this store for changes in the name of a token; see `Store.acting_as`."""
        return type(self)(self._client.acting_as(token))

    def add_token(self, token: Token) -> None:
        """Store a new token; see `Store.add_token`."""
        words = (token.name, token.digest, packed_token(token), MAX_TOKENS)
        answer = self._client.call("add_token", *words)
        if answer == b"taken":
            raise tokens.name_taken(token.name)
        if answer == b"full":
            raise tokens.too_many()

    def tokens(self) -> list[Token]:
        """List tokens; see `Store.tokens`."""
        found = in_groups(self._client.call("tokens"), 2)
        return tokens.in_order(read_token(raw, int(used) if used.isdigit() else None) for raw, used in found)

    def revoke_token(self, name: str) -> None:
        """Remove a token; see `Store.revoke_token`."""
        if not self._client.call("revoke_token", name):
            raise tokens.no_token(name)

    def note_tokens(self, digests: Iterable[str]) -> None:
        """Note the use of tokens; see `Store.note_tokens`."""
        self._client.call("note_tokens", *digests)

    def token_usage(self, name: str, jobs: int) -> TokenUsage:
        """Count what the jobs of a token use; see `Store.token_usage`."""
        after = 0
        while True:
            found, stored, after = self._client.call("token_usage", name, after, jobs)
            if found <= jobs or not after:
                return TokenUsage(found, stored)
