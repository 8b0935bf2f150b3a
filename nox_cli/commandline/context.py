"""The session of a command and the jobs that it changes; commands and parameters as Typer describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from nox_cli.session import Form, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer import Context
    from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

    from nox_cli.interrupts import Interrupts
    from workers.errors import StoreError
    from workers.store.values import Outline

    Command = TyperCommand | TyperGroup
    Parameter = TyperArgument | TyperOption


LOOKED_UP = "jobs looked up:"


def session(ctx: Context, *, json: bool = False) -> Session:
    """Return the session of a command; `json`: its output is one JSON value."""
    found = ctx.find_object(Session)
    if found is None:
        raise RuntimeError("a command was run without a session")
    if json:
        found.form = Form.JSON
    return found


def selected_ids(call: Session, words: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the jobs that selectors name.

    Raises:
        UsageError, NothingMatched, JobNotFound: they name no such jobs.
        StoreError: the store cannot be read.
    """
    from nox_cli.selectors.selection import named

    found = named(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    with call.progress(LOOKED_UP) as progress:
        return tuple(progress.over(found))


class Selection(NamedTuple):
    """The jobs that a command changes, and the user whose jobs they must be; None: any user's."""

    jobs: tuple[Outline, ...]
    owner: str | None

    @property
    def job_ids(self) -> list[str]:
        """The ids of the jobs, in order."""
        return [job.id for job in self.jobs]


def selection(
    call: Session,
    words: Sequence[str],
    *,
    any_user: bool,
    done: str = "changed",
    verb: str = "change",
) -> Selection:
    """Find the jobs to change.

    Args:
        call: the session.
        words: selectors.
        any_user: include the jobs of other users.
        done: the change as a participle, for messages.
        verb: the change as a verb, for messages.

    Raises:
        UsageError: some jobs belong to other users; nothing was changed.
        NothingMatched, JobNotFound: there are no such jobs.
        StoreError: the store cannot be read.
    """
    from nox_cli.changes.selection import refuse_others
    from nox_cli.selectors.selection import outlined

    owner = call.settings.owner
    found = outlined(call.store, words, owner=owner, stdin=call.streams.stdin)
    with call.progress(LOOKED_UP) as progress:
        jobs = tuple(progress.over(found))
    if not any_user:
        refuse_others(jobs, owner, done, f"add --any-user to {verb} them all the same")
    return Selection(jobs, None if any_user else owner)


def settle(interrupts: Interrupts, cut: StoreError | None) -> None:
    """Obey an interrupt that was held back while jobs were handed over, or raise the error that cut it short.

    Raises:
        KeyboardInterrupt: there was an interrupt.
        StoreError: there was an error.
    """
    interrupts.let_go()
    if cut is not None:
        cut.did = f"{cut.did}, and their ids printed"
        raise cut


def shown_parameters(command: Command, context: Context | None = None) -> list[Parameter]:
    """List the arguments and options that help shows; `--help` itself only with a context."""
    params = command.params if context is None else command.get_params(context)
    return [param for param in cast("list[Parameter]", params) if not param.hidden]


def subcommands(command: Command) -> dict[str, Command]:
    """Return the commands below a command, by name."""
    return getattr(command, "commands", {})
