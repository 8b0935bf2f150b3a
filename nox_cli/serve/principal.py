"""The identity behind a request: a token, what it may do, and whose jobs it sees."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Scope(IntEnum):
    """The rights of a token; each scope includes those below it."""

    READ = 1
    SUBMIT = 2
    ADMIN = 3


class Principal(NamedTuple):
    """The holder of a token."""

    name: str  # of the token
    scope: Scope
    owner: str  # of the jobs that it submits and sees
    sees_all: bool = False  # the jobs of every owner
    token_id: str = ""

    def may_see(self, owner: str) -> bool:
        """Whether jobs of an owner are visible."""
        return self.sees_all or owner == self.owner

    @property
    def changes(self) -> str | None:
        """The owner whose jobs it may change; None: those of any."""
        return None if self.sees_all and self.scope is Scope.ADMIN else self.owner
