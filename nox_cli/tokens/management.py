"""Creation, list and revocation of tokens of the HTTP API."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.config.settings import is_user_name
from nox_cli.times import iso, now_ms
from workers.errors import UsageError
from workers.store.tokens import Ceilings, Token, digest_of, new_secret

if TYPE_CHECKING:
    from nox_cli.results.json_objects import Page
    from nox_cli.tokens.json_objects import NewTokenRecord, RevokedRecord, TokenRecord
    from workers.store.base import Store

OWN_NAME = "server"  # of the token that each server has for itself
NOT_MADE = "no token was made"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class TokenScope(StrEnum):
    """The rights of a token; each scope includes those before it."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


class TokenOptions(NamedTuple):
    """The owner, the end and the ceilings of a new token."""

    owner: str | None = None  # None: the user of the settings
    expires: float | None = None  # seconds from now; None: when it is revoked
    max_jobs: int | None = None
    max_cores: int | None = None
    max_memory: int | None = None  # bytes
    max_stored: int | None = None  # bytes
    max_streams: int | None = None

    @property
    def ceilings(self) -> Ceilings:
        """The ceilings as a store keeps them."""
        most = (self.max_jobs, self.max_cores, self.max_memory, self.max_stored, self.max_streams)
        return Ceilings(*(one or 0 for one in most))


class NewToken(NamedTuple):
    """A new token, with its secret, which is kept nowhere else."""

    token: Token
    secret: str
    kind: str  # of the store
    where: str

    def document(self) -> NewTokenRecord:
        """Return the token and its secret."""
        return {
            "store": {"kind": self.kind, "where": self.where},
            "secret": self.secret,
            "token": token_record(self.token),
        }


class Tokens(NamedTuple):
    """The tokens of a store."""

    tokens: tuple[Token, ...]

    def document(self) -> Page[TokenRecord]:
        """Return the tokens, without their secrets."""
        return {"items": list(map(token_record, self.tokens)), "cursor": None}


class Revoked(NamedTuple):
    """A token that is no longer valid."""

    name: str
    kind: str  # of the store
    where: str

    def document(self) -> RevokedRecord:
        """Return the name of the token."""
        return {"store": {"kind": self.kind, "where": self.where}, "revoked": self.name}


def token_record(token: Token) -> TokenRecord:
    """Describe a token as JSON has it: no secret, no hash."""
    most = token.ceilings
    return {
        "name": token.name,
        "scope": token.scope,
        "owner": token.owner,
        "created_at": str(iso(token.created_ms)),
        "expires_at": iso(token.expires_ms),
        "last_used_at": iso(token.used_ms),
        "ceilings": {
            "jobs": most.jobs or None,
            "cores": most.cores or None,
            "memory_bytes": most.memory_bytes or None,
            "stored_bytes": most.stored_bytes or None,
            "streams": most.streams or None,
        },
    }


def create(store: Store, named: tuple[str, TokenScope], options: TokenOptions, user: str) -> NewToken:
    """Make a token and store its hash.

    Args:
        store: the store.
        named: the name of the token, unique in its store, and its rights.
        options: its owner, end and ceilings.
        user: the user of the settings, whose jobs it handles by default.

    Raises:
        UsageError: the name or the owner is not valid.
        InputRefused: another token has that name, or there are too many.
        StoreError: the store cannot be written.
    """
    name, scope = named
    if not _NAME.fullmatch(name) or name == OWN_NAME:
        raise UsageError(
            f'"{name[:80]}" cannot be the name of a token',
            did=NOT_MADE,
            hint=f'1 to 64 letters, digits, dots, dashes and underscores, and not "{OWN_NAME}"',
        )
    owner = user if options.owner is None else options.owner
    if not is_user_name(owner):
        raise UsageError(f'"{owner[:80]}" is not the name of a user', did=NOT_MADE)
    secret, created_ms = new_secret(), now_ms()
    token = Token(
        digest=digest_of(secret),
        name=name,
        scope=scope.value,
        owner=owner,
        created_ms=created_ms,
        expires_ms=None if options.expires is None else created_ms + round(1_000 * options.expires),
        ceilings=options.ceilings,
    )
    store.add_token(token)
    return NewToken(token, secret, store.kind, store.where)


def list_tokens(store: Store) -> Tokens:
    """List tokens, the oldest first.

    Raises:
        StoreError: the store cannot be read.
    """
    return Tokens(tuple(store.tokens()))


def revoke(store: Store, name: str) -> Revoked:
    """Remove a token: servers refuse it, and close its streams, within a second.

    Raises:
        NothingMatched: there is none of that name.
        StoreError: the store cannot be written.
    """
    store.revoke_token(name)
    return Revoked(name, store.kind, store.where)
