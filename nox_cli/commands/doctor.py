"""`nox doctor`: checks all that jobs depend on, and reports what to do about problems."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.commandline.arguments import Json
from nox_cli.commandline.context import session
from nox_cli.doctor.accuracy import AccuracyComparison
from nox_cli.doctor.examination import Examination
from workers.errors import UsageError

FILES = "With --numbers: compare on these structures instead of nox's own."


def command(
    ctx: typer.Context,
    json: Json = False,
    numbers: Annotated[
        bool,
        typer.Option("--numbers", help="Only compare the engines' numbers with those of the xtb program."),
    ] = False,
    chrg: Annotated[
        int | None, typer.Option("--chrg", "-c", metavar="CHARGE", help="Charge of every structure.")
    ] = None,
    uhf: Annotated[
        str | None,
        typer.Option(
            "--uhf", "-u", metavar="UNPAIRED", help="Number of unpaired electrons of every structure."
        ),
    ] = None,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help=FILES, show_default=False)
    ] = None,
) -> Examination | AccuracyComparison:
    """Check the store, the workers, the engines and this machine, and report what to do; change nothing.

    With --numbers, compare the engines' numbers with recorded ones and with an xtb on PATH.

    Exits 0 if there is no problem, 4 if the store has one, 2 if settings cannot be used, else 1.
    """
    call = session(ctx, json=json)
    call.interrupted = "not everything was checked"
    if numbers:
        from nox_cli.doctor.accuracy import comparison, read_subjects

        return comparison(read_subjects(files or (), chrg, uhf, call.settings.owner, call.streams.stdin))
    if files or chrg is not None or uhf is not None:
        raise UsageError("doctor takes structures to compare engines on only", hint="add --numbers")
    from nox_cli.config.settings import environment
    from nox_cli.doctor.checks import examination
    from workers.store.opening import open_existing

    return examination(call.settings, environment(), lambda: call.open(open_existing))
