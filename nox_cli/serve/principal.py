"""The identity behind a request: a token, what it may do, and whose jobs it sees."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from workers.store.tokens import Ceilings

if TYPE_CHECKING:
    from workers.store.tokens import Token


class Scope(IntEnum):
    """The rights of a token; each scope includes those below it."""

    NONE = 0  # of a token that a newer nox made, with a scope that this one does not know
    READ = 1
    SUBMIT = 2
    ADMIN = 3

    @classmethod
    def named(cls, name: str) -> Scope:
        """Return the scope of a name; NONE if there is no such scope."""
        return next((scope for scope in cls if scope.name.lower() == name), cls.NONE)


class Principal(NamedTuple):
    """The holder of a token."""

    name: str  # of the token
    scope: Scope
    owner: str  # of the jobs that it submits and sees
    sees_all: bool = False  # the jobs of every owner
    token_id: str = ""  # no other token has it, also not a later one of the same name
    ceilings: Ceilings = Ceilings()
    until_ms: int | None = None  # the end of its token or session; None: it has none

    @classmethod
    def of(cls, token: Token) -> Principal:
        """Describe the holder of a stored token."""
        scope = Scope.named(token.scope)
        return cls(
            token.name,
            scope,
            token.owner,
            sees_all=scope is Scope.ADMIN,
            token_id=token.digest[:16],
            ceilings=token.ceilings,
            until_ms=token.expires_ms,
        )

    @property
    def sees(self) -> str | None:
        """The owner whose jobs it sees; None: those of any."""
        return None if self.sees_all else self.owner

    @property
    def changes(self) -> str | None:
        """The owner whose jobs it may change; None: those of any."""
        return None if self.sees_all and self.scope is Scope.ADMIN else self.owner
