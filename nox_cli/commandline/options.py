"""Options several commands share: the fields of a dataclass become options of each command that takes it."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable


def takes(shared: type, argument: str = "options") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the fields of `shared` as options, and pass them to it as its argument `options`.

    The fields carry Typer's annotations, as parameters of a command do.
    """

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        names = [field.name for field in fields(shared)]

        @functools.wraps(command)
        def called(**given: Any) -> Any:
            options = shared(**{name: given.pop(name) for name in names})
            return command(**given, **{argument: options})

        own = [p for p in _parameters(command) if p.name != argument]
        parameters = [*_fields(shared), *own]
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


def _fields(shared: type) -> list[inspect.Parameter]:
    hints = get_type_hints(shared, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(shared)
    ]
