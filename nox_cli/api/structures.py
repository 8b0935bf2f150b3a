"""Inputs of a submit as Python has them: paths, ASE Atoms and requests, one or many."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from nox_cli.api.ase_atoms import input_of, is_atoms
from nox_cli.inputs.files import STDIN, Input
from nox_cli.submission.handover import NOT_SUBMITTED
from workers.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms

    Structure: TypeAlias = str | os.PathLike[str] | Atoms | Mapping[str, Any]
    # A path, ASE Atoms, a request (`nox schema request`), or any number of them.
    Structures: TypeAlias = Structure | Iterable[Structure]


def inputs_of(given: Any) -> list[str | Input]:
    """Turn inputs into paths and contents, in order.

    Args:
        given: a path, ASE Atoms, a request as a dict, or an iterable of these.

    Raises:
        UsageError: something is none of these.
        InputRefused: Atoms or a request cannot be read.
    """
    try:
        return [_read(one, place) for place, one in enumerate(_flat(given))]
    except InputRefused as error:
        error.did = NOT_SUBMITTED
        raise


def _flat(given: Any) -> Iterator[Any]:
    is_one = isinstance(given, str | bytes | os.PathLike | Mapping | Input) or is_atoms(given)
    if is_one or not isinstance(given, Iterable):
        yield given
        return
    for one in given:
        yield from _flat(one)


def _read(one: Any, place: int) -> str | Input:
    if isinstance(one, str | os.PathLike) and one != STDIN:
        return _path(os.fsdecode(one))
    if is_atoms(one):
        return input_of(one, f"Atoms [{place}]")
    if isinstance(one, Mapping):
        return _request(one, f"request [{place}]")
    raise UsageError(
        f"a {type(one).__name__} is no structure",
        did=NOT_SUBMITTED,
        hint="pass paths, ASE Atoms or requests (nox schema request)",
    )


def _path(path: str) -> str:
    if "\n" in path and not os.path.lexists(path):
        raise InputRefused(
            f'"{path.splitlines()[0][:40]} ...": a text of several lines is no path',
            hint='write it to a file, or pass ase.io.read(io.StringIO(text), format="xyz")',
        )
    return path


def _request(request: Mapping[str, Any], place: str) -> Input:
    try:
        text = json.dumps(dict(request), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputRefused(f"{place}: {error}") from None
    return Input(STDIN, text.encode(), label=place)
