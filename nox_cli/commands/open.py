"""`nox open SEL [NAME]`: show the geometries of jobs, or a file of one, in a molecular viewer."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from nox_cli.commandline.arguments import Json
from nox_cli.commandline.context import selected_ids, session
from nox_cli.config.settings import environment
from nox_cli.interrupts import left_to_program
from nox_cli.selectors.reader import look_up
from nox_cli.viewers.programs import NOT_OPENED, choose
from nox_cli.viewers.structures import Opened, open_jobs


def command(
    ctx: typer.Context,
    selected: Annotated[str, typer.Argument(metavar="SEL", help="Jobs: 42, 40-45,50, @last, name:GLOB, ...")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="A file of one job, such as trajectory.xyz (default: the final geometry, or the input).",
            show_default=False,
        ),
    ] = "",
    viewer: Annotated[
        str,
        typer.Option(metavar="PROGRAM", help="Program to use (default: that of the settings, or of PATH)."),
    ] = "",
    json: Json = False,
) -> Opened:
    """Show geometries in a molecular viewer: avogadro2, jmol, pymol, vmd, or your own.

    Several jobs become one file of several structures.
    """
    call = session(ctx, json=json)
    call.interrupted = NOT_OPENED
    fetched = shlex.join(["nox", "fetch", selected, *([name] if name else [])])
    program = choose(viewer or call.settings.viewer, environment(), fetched)
    jobs = tuple(look_up(call.store, selected_ids(call, [selected])))
    opened = open_jobs(call.store, jobs, name, program, call.settings.home, left_to_program())
    call.interrupted = "the viewer goes on"
    return opened
