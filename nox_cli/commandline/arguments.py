"""Arguments and options that several commands have, and named tuples whose fields become options."""

from __future__ import annotations

import functools
import inspect
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from nox_cli.commandline import groups
from nox_cli.selectors.words import HELP
from nox_cli.session import Form
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Selected = Annotated[list[str], typer.Argument(metavar="SEL...", help=HELP, show_default=False)]
OptionallySelected = Annotated[
    list[str] | None, typer.Argument(metavar="[SEL]...", help=HELP, show_default=False)
]
Json = Annotated[bool, groups.output("--json", help="Print JSON.")]
ATTEMPT = groups.selection("--attempt", metavar="NUMBER", min=1, help="Use what attempt NUMBER produced.")
OfAttempt = Annotated[int | None, ATTEMPT]
AnyUser = Annotated[bool, groups.selection("--any-user", help="Include the jobs of other users.")]
Yes = Annotated[bool, groups.removal("-y", "--yes", help="Do not ask for confirmation.")]
Quiet = Annotated[bool, groups.output("-q", "--quiet", help="Print only the ids.")]


class TableForm(StrEnum):
    """The forms of `-o` for lists of jobs."""

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
_NONE: Mapping[str, Any] = MappingProxyType({})


def takes(
    shared: type[NamedTuple], argument: str = "options", declared: Mapping[str, Any] = _NONE
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the fields of a named tuple as options, and pass them to it as one value.

    Args:
        shared: the named tuple; its fields give the type and the default of each option.
        argument: the parameter of the command that receives the value.
        declared: Typer's declarations by field, for a class that knows nothing of the command line; the
            fields of other classes carry Typer's annotations themselves.

    Raises:
        KeyError: when the command is loaded, a field lacks its declaration.
    """

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(**given: Any) -> Any:
            options = shared._make([given.pop(name) for name in shared._fields])
            return command(**given, **{argument: options})

        own = [p for p in _parameters(command) if p.name != argument]
        parameters = [*_fields(shared, declared), *own]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        return called

    return give


def _parameters(command: Callable[..., Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(command, include_extras=True)
    return [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
    ]


def _fields(shared: type[NamedTuple], declared: Mapping[str, Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(shared, include_extras=True)
    if declared:
        hints = {name: Annotated[hints[name], declared[name]] for name in shared._fields}
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=shared._field_defaults.get(name, inspect.Parameter.empty),
            annotation=hints[name],
        )
        for name in shared._fields
    ]


def form(output: Form | TableForm, *, json: bool = False, quiet: bool = False, raw: bool = False) -> Form:
    """Choose the form of the output; `--json` and `-q` override `-o`.

    Raises:
        UsageError: `--raw`, and the output is neither CSV nor TSV.
    """
    usual = Form.IDS if quiet else Form(output)
    chosen = Form.JSON if json else usual
    if raw and chosen not in _TABLES:
        raise UsageError("--raw is about CSV and TSV", hint="add -o csv, or -o tsv")
    return chosen
