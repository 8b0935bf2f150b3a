"""`nox plot [SEL...]`: the convergence, the infrared spectrum or the energies of jobs, as a diagram."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, OptionallySelected, takes
from nox_cli.commandline.context import session
from nox_cli.plots.query import Plot, PlotOptions, plot
from nox_cli.selectors.selection import outlined
from nox_cli.session import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Mapping[str, Any] = {
    "kind": groups.comparison(
        help="What to draw: convergence, ir or energies (default: what the jobs have).", show_default=False
    ),
    "unit": groups.comparison(help="Unit of relative energies (default kcal); kcal and kj are per mole."),
    "width": groups.comparison(
        "--width",
        metavar="WIDTH",
        help="Width of the lines of a spectrum at half height, in cm-1; 0: sticks.",
    ),
}


class PlotOutput(NamedTuple):
    """The form of a plot, and where it goes."""

    output: Annotated[
        Path | None,
        groups.output("-o", "--output", metavar="FILE", help="Write a picture: a .svg, .pdf or .png file."),
    ] = None
    force: Annotated[bool, groups.output("-f", "--force", help="Overwrite a file that exists.")] = False
    data: Annotated[bool, groups.output("--data", help="Print the numbers as CSV.")] = False
    ascii: Annotated[bool, groups.output("--ascii", help="Draw with ASCII characters only.")] = False
    json: Json = False


@takes(PlotOptions, declared=_OPTIONS)
@takes(PlotOutput, "written")
def command(
    ctx: typer.Context, options: PlotOptions, written: PlotOutput, selected: OptionallySelected = None
) -> Plot:
    """Draw the convergence of an optimisation, an IR spectrum, or the energies of several jobs."""
    call = session(ctx, json=written.json)
    if written.data:
        call.form = Form.CSV
    options.check()  # before the store is opened
    if written.output is not None:
        from nox_cli.plots.picture import check_target

        call.interrupted = "nothing was written"
        check_target(written.output, force=written.force)
    words = selected or ["@last"]
    jobs = outlined(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    found = plot(call.store, jobs, options)
    if written.output is not None:
        from nox_cli.plots.picture import write

        write(found.figure, written.output, force=written.force)
    return found._replace(written=written.output, is_ascii=written.ascii)
