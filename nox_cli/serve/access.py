"""Dependencies by which routes state what they need of a token."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends

from nox_cli.serve.authentication import require
from nox_cli.serve.principal import Principal, Scope
from nox_cli.serve.problems import Problem
from nox_cli.serve.state import State

Reader = Annotated[Principal, Depends(require(Scope.READ))]
Checker = Annotated[Principal, Depends(require(Scope.SUBMIT))]


def _writer(state: State, principal: Checker) -> Principal:
    """Refuse changes where the server only reads.

    Raises:
        Problem: it does.
    """
    if state.options.read_only:
        what = "this server was started with --read-only; nothing was changed"
        raise Problem(HTTPStatus.FORBIDDEN, "read_only", what)
    return principal


Submitter = Annotated[Principal, Depends(_writer)]
