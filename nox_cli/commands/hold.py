"""`nox hold SEL...`: keep waiting jobs from starting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from nox_cli.changes import Changed, change
from nox_cli.commandline.arguments import AnyUser, Json, Selected
from nox_cli.commandline.context import session
from nox_cli.session import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session


def run(call: Session, words: Sequence[str], *, any_user: bool) -> Changed:
    """Keep waiting jobs from starting.

    Raises:
        UsageError: some jobs are other people's; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    return change(
        call, words, lambda store, job_ids, owner: store.hold(job_ids, owner=owner), any_user=any_user
    )


def command(ctx: typer.Context, selected: Selected, any_user: AnyUser = False, json: Json = False) -> Changed:
    """Keep waiting jobs from starting until nox release."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return run(call, selected, any_user=any_user)
