"""`nox doctor`: is everything jobs depend on as it should be, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from nox_cli.arguments import Json
from nox_cli.checkups.examination import Examination
from nox_cli.session import Form, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.session import Session


def run(call: Session, environ: Mapping[str, str]) -> Examination:
    """Prepare the checks; they are made while what they find is read."""
    from nox_cli.checkups.order import examination

    return examination(call, environ)


def command(ctx: typer.Context, json: Json = False) -> Examination:
    """Check the store, the workers, the engines and this machine, and say what to do; nothing is changed.

    Exits 0 if there is no problem, 4 if one is the store's, 2 if settings cannot be used, else 1.
    """
    from nox_cli.config import environment

    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    call.interrupted = "not everything was checked"
    return run(call, environment())
