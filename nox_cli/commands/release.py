"""`nox release SEL...`: let held jobs start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from nox_cli.changes import Changed, change
from nox_cli.commandline.arguments import AnyUser, Json, Selected
from nox_cli.commandline.context import session
from nox_cli.session import Form
from nox_cli.submission.local_worker import wake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.session import Session


def run(call: Session, words: Sequence[str], *, any_user: bool) -> Changed:
    """Let held jobs wait for what is next, and see to it that a worker looks at them.

    Raises:
        UsageError: some jobs are other people's; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    done = change(
        call, words, lambda store, job_ids, owner: store.release(job_ids, owner=owner), any_user=any_user
    )
    wake(call)
    return done


def command(ctx: typer.Context, selected: Selected, any_user: AnyUser = False, json: Json = False) -> Changed:
    """Let held jobs start."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return run(call, selected, any_user=any_user)
