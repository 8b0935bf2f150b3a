"""Tokens of the HTTP API in the local store, and what their jobs use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Self

from workers.store import tokens
from workers.store.sqlite.clock import now
from workers.store.sqlite.errors import damaged
from workers.store.sqlite.reads import SqliteReads
from workers.store.sqlite.statements import QUERIES, SQL, statements
from workers.store.tokens import MAX_TOKENS, TokenUsage, packed_token, read_token

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from workers.store.tokens import Token


class SqliteTokens(SqliteReads, ABC):
    """The part of the local store that keeps tokens."""

    _acting = ""  # the token in whose name jobs are changed

    def acting_as(self, token: str) -> Self:
        """Return this store for changes in the name of a token, if its file is still in its place."""
        self._database.follow()
        if not self._database.path.exists():
            raise damaged(self._database.path, "the file is gone")
        store = copy(self)
        store._acting = token  # noqa: SLF001
        return store

    @abstractmethod
    def _change_store(self, *, durable: bool = True) -> AbstractContextManager[sqlite3.Connection]:
        """Lend the connection that writes, to the nox that may write."""

    @contextmanager
    def _acts(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Note the token that acts while a change is made."""
        if not self._acting:
            yield
            return
        _extend(connection)
        connection.execute(QUERIES["act"], {"token": self._acting})
        yield
        connection.execute(QUERIES["stop_acting"])

    def add_token(self, token: Token) -> None:
        """Store a new token."""
        with self._change_store() as connection:
            _extend(connection)
            same = connection.execute(QUERIES["token_named"], {"name": token.name}).fetchone()
            if same is not None and same["digest"] != token.digest:
                raise tokens.name_taken(token.name)
            if same is not None:
                return
            if connection.execute(QUERIES["count_tokens"]).fetchone()["n"] >= MAX_TOKENS:
                raise tokens.too_many()
            values = {"digest": token.digest, "name": token.name, "record": packed_token(token)}
            connection.execute(QUERIES["add_token"], values)

    def tokens(self) -> list[Token]:
        """List tokens."""
        with self._database.read() as connection:
            rows = connection.execute(QUERIES["tokens"]).fetchall() if _is_extended(connection) else []
        return tokens.in_order(read_token(row["record"], row["used_ms"]) for row in rows)

    def revoke_token(self, name: str) -> None:
        """Remove a token."""
        with self._change_store() as connection:
            _extend(connection)
            if not connection.execute(QUERIES["revoke_token"], {"name": name}).rowcount:
                raise tokens.no_token(name)

    def note_tokens(self, digests: Iterable[str]) -> None:
        """Note the use of tokens."""
        with self._change_store(durable=False) as connection:
            _extend(connection)
            used = [{"digest": digest, "now": now().utc_ms} for digest in digests]
            connection.executemany(QUERIES["note_token"], used)

    def token_usage(self, name: str, jobs: int) -> TokenUsage:  # noqa: ARG002  the count is exact
        """Count what the jobs of a token use."""
        with self._database.read() as connection:
            if not _is_extended(connection):
                return TokenUsage(0, 0)
            row = connection.execute(QUERIES["token_usage"], {"token": name}).fetchone()
        return TokenUsage(row["jobs"], max(0, row["bytes"])) if row else TokenUsage(0, 0)


def _is_extended(connection: sqlite3.Connection) -> bool:
    return connection.execute(QUERIES["has_tokens"]).fetchone() is not None


def _extend(connection: sqlite3.Connection) -> None:
    """Add what tokens need to the store, unless it is there."""
    if not _is_extended(connection):
        for statement in statements((SQL / "tokens.sql").read_text(encoding="utf-8")):
            connection.execute(statement)
