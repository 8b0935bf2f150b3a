"""`nox retry SEL...`: run ended jobs again, or go on from where they stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.arguments import Json, Selected
from nox_cli.changing import AnyUser, Changed, change, refuse_others
from nox_cli.interrupts import Interrupts
from nox_cli.selectors import look_up, select
from nox_cli.session import Form, session
from nox_cli.storing import Stored, hand_over
from nox_cli.waking import wake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.exits import ExitCode
    from nox_cli.session import Session


@dataclass(frozen=True, slots=True)
class Restarted:
    """New jobs that go on from where others stopped.  Interrupts are held until its `exit` is read."""

    stored: Stored
    of: tuple[str, ...]  # the ids of these others, in order
    interrupts: Interrupts
    kind: str  # of the store
    where: str

    @property
    def exit(self) -> ExitCode:
        """How it went.

        Raises:
            KeyboardInterrupt: there was an interrupt.
            StoreError: why some of the jobs are not stored.
        """
        from nox_cli.exits import ExitCode

        self.interrupts.let_go()
        if self.stored.cut is not None:
            raise self.stored.cut
        return ExitCode.DONE


def run(call: Session, words: Sequence[str], *, any_user: bool) -> Changed:
    """Queue ended jobs again, and see to it that a worker looks at them.

    Raises:
        UsageError: some jobs are other people's; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read or written.
    """
    done = change(
        call, words, lambda store, job_ids, owner: store.retry(job_ids, owner=owner), any_user=any_user
    )
    wake(call)
    return done


def restart(call: Session, words: Sequence[str], *, any_user: bool) -> Restarted:
    """Submit a job for each that is named, on its last geometry.

    Raises:
        InputRefused: one has none; nothing was submitted.
        KeyboardInterrupt: before anything was stored.
        UsageError, NothingMatched, JobNotFound, StoreError: as `run`.
    """
    from nox_cli.restarting import restarts

    owner, store = call.settings.owner, call.store
    job_ids = select(store, words, owner=owner, stdin=call.streams.stdin)
    if not any_user:
        refuse_others(tuple(look_up(store, job_ids)), owner, "submitted", "go on from")
    jobs, interrupts = list(restarts(store, job_ids)), Interrupts()
    stored = hand_over(store, jobs, interrupts)
    wake(call)
    return Restarted(stored, job_ids, interrupts, store.kind, store.where)


def command(
    ctx: typer.Context,
    selected: Selected,
    from_last_geometry: Annotated[
        bool,
        typer.Option("--from-last-geometry", help="New jobs, on from where optimisations did not converge."),
    ] = False,
    any_user: AnyUser = False,
    json: Json = False,
) -> Changed | Restarted:
    """Run ended jobs again: the same calculation, earlier attempts kept."""
    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    return (restart if from_last_geometry else run)(call, selected, any_user=any_user)
