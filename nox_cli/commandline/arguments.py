"""Arguments and options that several commands have, with the same words everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from nox_cli.commandline import groups
from nox_cli.selectors import HELP
from nox_cli.session import Form
from workers.errors import UsageError

Selected = Annotated[list[str], typer.Argument(metavar="SEL...", help=HELP, show_default=False)]
OptionallySelected = Annotated[
    list[str] | None, typer.Argument(metavar="[SEL]...", help=HELP, show_default=False)
]
Json = Annotated[bool, groups.output("--json", help="Print JSON.")]
ATTEMPT = groups.selection("--attempt", metavar="N", min=1, help="Use what attempt N produced.")
OfAttempt = Annotated[int | None, ATTEMPT]
AnyUser = Annotated[bool, groups.selection("--any-user", help="Include the jobs of other users.")]
Quiet = Annotated[bool, groups.output("-q", "--quiet", help="Print only the ids.")]


class TableForm(StrEnum):
    """What `-o` takes where jobs are listed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    IDS = "ids"


Output = Annotated[
    TableForm,
    groups.output("-o", "--output", metavar="FORM", help="Format: table, json, jsonl, csv, tsv or ids."),
]
COLUMNS = groups.output(metavar="NAME,...", help="Columns to show, by name: any of those of -o csv.")

Raw = Annotated[
    bool,
    groups.output(
        "--raw", help="With -o csv or tsv: write text unchanged, even formulas that a spreadsheet would run."
    ),
]
_TABLES = frozenset({Form.CSV, Form.TSV})


def form(output: Form | TableForm, *, json: bool = False, quiet: bool = False, raw: bool = False) -> Form:
    """Choose the form of the output: `--json` and `-q` go before `-o`.

    Raises:
        UsageError: `--raw`, and the output is neither CSV nor TSV.
    """
    usual = Form.IDS if quiet else Form(output)
    chosen = Form.JSON if json else usual
    if raw and chosen not in _TABLES:
        raise UsageError("--raw is about CSV and TSV", hint="add -o csv, or -o tsv")
    return chosen
