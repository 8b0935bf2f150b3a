"""Parameters of requests, made of the options of commands: each is declared once, for both."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

from fastapi import Query
from pydantic import ConfigDict, Field, create_model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from pydantic import BaseModel

_MOST_TEXT = 4_096


class Options(NamedTuple):
    """Options of a command that become parameters."""

    shared: type[NamedTuple]  # its fields give names, types and defaults
    declared: Mapping[str, Any]  # Typer's declarations
    leaves_out: frozenset[str] = frozenset()  # fields that are no parameters


def query(name: str, *options: Options, **own: Any) -> Callable[..., Awaitable[tuple[Any, ...]]]:
    """Make a dependency that reads query parameters, and returns each class of options filled in.

    Args:
        name: of the model that describes the parameters.
        options: the options of a command.
        own: further parameters as pydantic describes fields; their values come last, each by itself.
    """
    parsers: dict[str, Callable[[str], Any]] = {}
    described = dict(own)
    for part in options:
        described |= _described(part, parsers)
    model = create_model(name, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **described)

    async def read(given: BaseModel) -> tuple[Any, ...]:
        values = {field: getattr(given, field) for field in given.model_fields_set}
        for field, parse in parsers.items():
            if values.get(field) is not None:
                values[field] = parse(values[field])
        filled = (
            part.shared._make(values.get(field, default) for field, default in _defaults(part))
            for part in options
        )
        return *filled, *(getattr(given, field) for field in own)

    given = inspect.Parameter("given", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[model, Query()])
    read.__signature__ = inspect.Signature([given])  # type: ignore[attr-defined]
    return read


def _defaults(part: Options) -> Iterator[tuple[str, Any]]:
    return ((field, part.shared._field_defaults[field]) for field in part.shared._fields)


def _described(part: Options, parsers: dict[str, Callable[[str], Any]]) -> Iterator[tuple[str, Any]]:
    """Describe the parameters of options, and note how the command reads the texts of some."""
    hints = get_type_hints(part.shared)
    for field in part.shared._fields:
        if field in part.leaves_out:
            continue
        kind, option = hints[field], part.declared[field]
        default = part.shared._field_defaults[field]
        if option.parser is not None:
            kind, default, parsers[field] = str | None, None, option.parser
        limits = {
            "ge": option.min,
            "le": option.max,
            "max_length": _MOST_TEXT if kind == str | None else None,
        }
        described = Field(alias=field.rstrip("_"), description=option.help, **limits)
        yield field, (Annotated[kind, described], default)
