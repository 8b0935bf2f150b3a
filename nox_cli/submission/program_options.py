"""What is handed to the xtb program as it is: the file of `--input`, and the words after `--`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.inputs.files import read_file
from workers.engine.program_options import check_input, check_options
from workers.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def program_options(words: Sequence[str] | None, solvation: str | None) -> tuple[str, ...]:
    """Check what follows `--`, where nox itself asks for a model of `solvation` or for none.

    Raises:
        UsageError: the program may not be handed it, or it contradicts the model.
    """
    found = tuple(words or ())
    try:
        check_options(found, solvation)
    except InputRefused as error:
        raise UsageError(error.what, hint=error.hint) from None
    return found


def program_input(path: str | None) -> str:
    """Read and check the file of `--input`; empty: there is none.

    Raises:
        InputRefused: it cannot be read, or the program may not be handed it.
    """
    if path is None:
        return ""
    source = read_file(path)
    try:
        text = source.content.decode("ascii")
    except UnicodeDecodeError:
        raise InputRefused(f"{source.shown}: an input of the xtb program's is plain ASCII text") from None
    try:
        check_input(text)
    except InputRefused as error:
        raise InputRefused(f"{source.shown}: {error.what}", hint=error.hint) from None
    return text
