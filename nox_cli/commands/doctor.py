"""`nox doctor`: is everything jobs depend on as it should be, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline.arguments import Json
from nox_cli.commandline.context import session
from nox_cli.doctor.accuracy import AccuracyComparison
from nox_cli.doctor.examination import Examination
from nox_cli.session import Form
from workers.errors import InputRefused, NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.doctor.accuracy import Subject
    from nox_cli.session import Session

FILES = "With --numbers: compare on these structures instead of nox's own."


def run(call: Session, environ: Mapping[str, str]) -> Examination:
    """Prepare the checks; they are made while what they find is read."""
    from nox_cli.doctor.checks import examination

    return examination(call, environ)


def compare(subjects: Sequence[Subject], environ: Mapping[str, str]) -> AccuracyComparison:
    """Prepare the comparison of engines; it is made while its rows are read.

    Raises:
        NothingMatched: no engine is installed here.
    """
    from nox_cli.doctor import accuracy
    from nox_cli.doctor.accuracy_program import Program
    from nox_cli.doctor.engine_child import Child
    from workers.engine.registry import available

    engines = available()
    if not engines:
        raise NothingMatched("no engine is installed here", did="nothing was compared", hint="nox doctor")
    source, known = accuracy.recorded()
    return accuracy.AccuracyComparison(engines, subjects or known, Program.found(environ), Child, source)


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
            "--uhf", "-u", metavar="N|auto", help="Number of unpaired electrons of every structure."
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
    from nox_cli.config.settings import environment

    call = session(ctx)
    call.form = Form.JSON if json else Form.TABLE
    call.interrupted = "not everything was checked"
    if numbers:
        return compare(_subjects(call, files or [], chrg, uhf), environment())
    if files or chrg is not None or uhf is not None:
        raise UsageError("doctor takes structures to compare engines on only", hint="add --numbers")
    return run(call, environment())


def _subjects(call: Session, files: Sequence[str], chrg: int | None, uhf: str | None) -> list[Subject]:
    """Read structures as submit reads them.

    Raises:
        UsageError: there is a charge or a spin of no structure, or a request that has none.
        InputRefused: one cannot be computed.
    """
    from json import loads

    from nox_cli.doctor.accuracy import Subject, spec_of
    from nox_cli.submission.options import SubmitOptions
    from nox_cli.submission.prepare import CallContext, prepare
    from workers.names import Method

    if not files:
        if chrg is not None or uhf is not None:
            raise UsageError("a charge or a spin is of files, and none is given")
        return []
    context = CallContext(call.settings.owner, call.streams.stdin, tuple)
    try:
        jobs = prepare(files, SubmitOptions(split=True, chrg=chrg, uhf=uhf), context).jobs
    except InputRefused as error:
        error.did = "nothing was compared"
        raise
    specs = [(job.name, loads(job.spec_json)) for job in jobs]
    if any("structure" not in spec for _, spec in specs):
        raise UsageError("an echo job has no numbers to compare")
    if any("lattice_angstrom" in spec["structure"] for _, spec in specs):
        raise UsageError("engines are compared on molecules, and a crystal is given", hint="leave it out")
    return [
        Subject(
            name,
            spec_of(
                spec["structure"]["symbols"],
                spec["structure"]["positions_angstrom"],
                spec["charge"],
                spec["unpaired"],
            ),
            {Method.GFN2.value: None},
        )
        for name, spec in specs
    ]
