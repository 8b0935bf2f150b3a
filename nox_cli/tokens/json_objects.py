"""JSON objects about tokens, as types."""

from __future__ import annotations

from typing_extensions import TypedDict

from nox_cli.results.json_objects import Record, StoreRecord, Time, closed


@closed
class CeilingsRecord(TypedDict):
    """The most that a token may use; null: no ceiling."""

    jobs: int | None
    cores: int | None
    memory_bytes: int | None
    stored_bytes: int | None
    streams: int | None


@closed
class TokenRecord(TypedDict):
    """A token, without its secret."""

    name: str
    scope: str
    owner: str
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    ceilings: CeilingsRecord


@closed
class NewTokenRecord(Record):
    """The output of `nox token new --json`."""

    store: StoreRecord
    secret: str
    token: TokenRecord


@closed
class LinkRecord(Record):
    """The output of `nox serve link --json`."""

    link: str  # valid once
    host: str  # the machine of the server
    tunnel: str | None  # the command that makes the link reachable; null: it is
    expires_at: Time


@closed
class RevokedRecord(Record):
    """The output of `nox token revoke --json`."""

    store: StoreRecord
    revoked: str
