"""`nox cite [SEL...]`: a methods sentence, with versions and references, for what jobs used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from nox_cli.commandline.arguments import Json, OptionallySelected
from nox_cli.commandline.context import session
from nox_cli.results.citations import Account, account
from nox_cli.results.rows import rows_of
from nox_cli.selectors import select
from nox_cli.session import Form
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.store.base import Store


@dataclass(frozen=True, slots=True)
class Citation:
    """How jobs were computed, and how many of them."""

    account: Account
    jobs: int


def run(store: Store, job_ids: Sequence[str]) -> Citation:
    """Say how jobs that were completed were computed.

    Raises:
        NothingMatched: none of them is a calculation that was completed.
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    done = [
        row.values
        for row in rows_of(store, job_ids)
        if row.is_result and row.values["energy_hartree"] is not None
    ]
    if not done:
        raise NothingMatched("no completed calculation is among these jobs", hint="nox list")
    return Citation(account(done), len(done))


def command(ctx: typer.Context, selected: OptionallySelected = None, json: Json = False) -> Citation:
    """Write a methods sentence for jobs, with versions and references."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    words = selected or ["@last"]
    job_ids = select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    return run(call.store, job_ids)
