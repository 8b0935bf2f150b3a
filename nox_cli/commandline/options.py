"""Turns the fields of a dataclass into options of a command."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NONE: Mapping[str, Any] = MappingProxyType({})


def takes(
    shared: type, argument: str = "options", declared: Mapping[str, Any] = _NONE
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the fields of a dataclass as options, and pass them to it as one value.

    Args:
        shared: the dataclass; its fields give the type and the default of each option.
        argument: the parameter of the command that receives the value.
        declared: Typer's declarations by field, for a class that knows nothing of the command line; the
            fields of other classes carry Typer's annotations themselves.

    Raises:
        KeyError: when the command is loaded, a field lacks its declaration.
    """

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        names = [field.name for field in fields(shared)]

        @functools.wraps(command)
        def called(**given: Any) -> Any:
            options = shared(**{name: given.pop(name) for name in names})
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


def _fields(shared: type, declared: Mapping[str, Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(shared, include_extras=True)
    if declared:
        hints = {field.name: Annotated[hints[field.name], declared[field.name]] for field in fields(shared)}
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(shared)
    ]
