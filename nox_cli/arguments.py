"""Arguments and options that several commands have, with the same words everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.selectors import HELP
from nox_cli.session import Form
from workers.errors import UsageError

Selected = Annotated[list[str], typer.Argument(metavar="SEL...", help=HELP, show_default=False)]
OptionallySelected = Annotated[
    list[str] | None, typer.Argument(metavar="[SEL]...", help=HELP, show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print ids only.")]
Output = Annotated[
    Form, typer.Option("-o", "--output", metavar="FORM", help="table, json, jsonl, csv, tsv or ids.")
]
Columns = Annotated[
    str, typer.Option(metavar="NAME,...", help="Which columns, by name; any of those of -o csv.")
]


def form(output: Form, *, json: bool = False, quiet: bool = False) -> Form:
    """Choose the form of the output: `--json` and `-q` go before `-o`."""
    if json:
        return Form.JSON
    return Form.IDS if quiet else output


def column_names(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read `--columns`; empty: the usual ones.

    Raises:
        UsageError: there is no column of that name.
    """
    names = tuple(word.strip() for word in text.split(",") if word.strip())
    for name in names:
        if name not in known:
            raise UsageError(f'there is no column "{name[:60]}"', hint=f"one of {' '.join(known)}")
    return names
