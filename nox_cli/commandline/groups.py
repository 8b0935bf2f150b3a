"""Options by the heading under which the help of a command with many options lists them."""

from functools import partial

import typer

calculation = partial(typer.Option, rich_help_panel="Calculation")
method = partial(typer.Option, rich_help_panel="Method")
charge = partial(typer.Option, rich_help_panel="Charge and spin")
structures = partial(typer.Option, rich_help_panel="Structures")
jobs = partial(typer.Option, rich_help_panel="Jobs")
resources = partial(typer.Option, rich_help_panel="Resources")
limits = partial(typer.Option, rich_help_panel="Limits")
failures = partial(typer.Option, rich_help_panel="Failures")
start = partial(typer.Option, rich_help_panel="Start and dependencies")
duplicates = partial(typer.Option, rich_help_panel="Duplicates")
store = partial(typer.Option, rich_help_panel="Store")
afterwards = partial(typer.Option, rich_help_panel="After submission")
here = partial(typer.Option, rich_help_panel="On this machine")
selection = partial(typer.Option, rich_help_panel="Which jobs")
changes = partial(typer.Option, rich_help_panel="Changes")
removal = partial(typer.Option, rich_help_panel="What is removed")
comparison = partial(typer.Option, rich_help_panel="Comparison")
thermochemistry = partial(typer.Option, rich_help_panel="Thermochemistry")
end = partial(typer.Option, rich_help_panel="When the worker stops")
wait = partial(typer.Option, rich_help_panel="End of the wait")
notification = partial(typer.Option, rich_help_panel="At the end")
files = partial(typer.Option, rich_help_panel="Files")
output = partial(typer.Option, rich_help_panel="Output")
