"""Commands by name, and what every one of them has in common."""

from __future__ import annotations

import pytest
from typer.exceptions import TyperException

from nox_cli.commandline import registry


@pytest.mark.parametrize("name", registry.COMMANDS)
def test_numbers_are_plain_ascii(name: str) -> None:
    """
    No option takes for a number what Python's `int` and `float` would: other digits, `1_0`, blanks.
    """
    command = registry.load(name)
    found = [
        param
        for one in (command, *getattr(command, "commands", {}).values())
        for param in one.params
        if param.type.name.startswith(("int", "float"))
    ]

    for param in found:
        least = getattr(param.type, "min", None) or 1
        assert least == param.type(str(least), param, None)
        for odd in ("\u0661", "\uff11", "1_0", " 1", "1\n", ""):
            with pytest.raises(TyperException, match="is not a plain number"):
                param.type(odd, param, None)
