"""Charge and unpaired electrons of structures, and their sources.

The first source that has a value is used: an option, the comment line of the structure, `NAME.CHRG` and
`NAME.UHF` in the directory of the file, `.CHRG` and `.UHF` there, else 0.  Such files in the current
directory are not used for structures in others.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted
from nox_cli.inputs.comment import MAX_CHARGE
from nox_cli.inputs.files import STDIN, read_regular, shown
from nox_cli.values import MAX_UNPAIRED
from nox_cli.values import unpaired as read_unpaired
from workers.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.inputs.comment import Comment

DEFAULT = "default"
AUTO = "-u auto"
MAX_NUMBER_FILE_BYTES = 4_096
_WHOLE = re.compile(r"[+-]?\d{1,6}", re.ASCII)


class Sourced(NamedTuple):
    """A number and its source; None: `-u auto`, which the number of electrons decides."""

    value: int | None
    origin: str


class Flags(NamedTuple):
    """The charge and the unpaired electrons that options set for every structure."""

    charge: Sourced | None = None
    unpaired: Sourced | None = None


def flags(charge: int | None, unpaired: str | None, multiplicity: int | None) -> Flags:
    """Read `-c`, `-u` and `--mult`.

    Raises:
        UsageError: both `-u` and `--mult` are given, or `-u` is malformed.
    """
    if unpaired is not None and multiplicity is not None:
        raise UsageError(
            "--uhf and --mult say the same thing", hint=f"-u {max(0, multiplicity - 1)} is enough"
        )
    spin = None
    if multiplicity is not None:
        spin = Sourced(multiplicity - 1, "--mult")
    elif unpaired is not None:
        value = read_unpaired(unpaired)
        spin = Sourced(value, AUTO if value is None else "-u")
    return Flags(None if charge is None else Sourced(charge, "-c"), spin)


class ChargeAndSpin(NamedTuple):
    """Charge and unpaired electrons of one structure, and the source of each."""

    charge: int
    charge_origin: str
    unpaired: int
    unpaired_origin: str


class Surroundings:
    """Reads the `.CHRG` and `.UHF` files in the directories of structures, each of them once."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """Choose where these files are.

        Args:
            files: their contents by path, which a client sent with its structures; None: those on the disk.
        """
        self._files = files
        self._read: dict[str, int | None] = {}

    def decide(self, flags: Flags, comment: Comment, path: str, symbols: tuple[str, ...]) -> ChargeAndSpin:
        """Choose the charge and the unpaired electrons of a structure.

        Args:
            flags: the values of options.
            comment: the comment of the structure.
            path: its file; `-` is standard input.
            symbols: its elements.

        Raises:
            InputRefused: the number of electrons is odd and the spin is unknown, or a source is no number or
                ambiguous.
        """
        beside = path if path != STDIN else ""
        charge = (
            flags.charge
            or _said(comment.charge, comment.origin)
            or self._beside(beside, "CHRG", -MAX_CHARGE, MAX_CHARGE)
            or Sourced(0, DEFAULT)
        )
        unpaired = flags.unpaired or _spin(comment) or self._beside(beside, "UHF", 0, MAX_UNPAIRED)
        return agreed(charge, unpaired, symbols)

    def not_used(self, flags: Flags, paths: list[str]) -> list[str]:
        """Name the `.CHRG` and `.UHF` of the current directory that are ignored: all files are elsewhere."""
        looked_for = (("CHRG", flags.charge), ("UHF", flags.unpaired))
        found = {kind: _glance(f".{kind}") for kind, flag in looked_for if flag is None}
        if not any(found.values()) or any(path != STDIN and _is_here(path) for path in paths):
            return []
        return [f"./.{kind} ({number})" for kind, number in found.items() if number]

    def _beside(self, path: str, kind: str, least: int, most: int) -> Sourced | None:
        if not path:
            return None
        stem, folder = os.path.splitext(path)[0], os.path.dirname(path)
        own, common = f"{stem}.{kind}", os.path.join(folder, f".{kind}")
        value = self._number(own, least, most)
        if value is not None:
            return Sourced(value, shown(os.path.basename(own)))
        if common not in self._read:
            self._read[common] = self._number(common, least, most)
        value = self._read[common]
        return None if value is None else Sourced(value, shown(common))

    def _number(self, path: str, least: int, most: int) -> int | None:
        """Read a file that holds one whole number; None: there is no such file."""
        content = _content(path) if self._files is None else self._files.get(path)
        if content is None:
            return None
        text = content[:MAX_NUMBER_FILE_BYTES].decode("ascii", "replace").strip()
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise InputRefused(
                f'{shown(path)}: "{text[:40]}" is not a whole number from {least} to {most}',
                hint="write the number alone, or take the file away",
            )
        return int(text)


def _is_here(path: str) -> bool:
    return str(PurePath(path).parent) == "."


def _said(value: int | None, origin: str) -> Sourced | None:
    return None if value is None else Sourced(value, origin)


def _spin(comment: Comment) -> Sourced | None:
    """Read the spin of a comment.

    Raises:
        InputRefused: it is ambiguous.
    """
    if comment.unpaired is None and comment.unclear:
        raise InputRefused(comment.unclear, hint="say -u N or --mult M")
    return _said(comment.unpaired, comment.origin)


def agreed(charge: Sourced, unpaired: Sourced | None, symbols: tuple[str, ...]) -> ChargeAndSpin:
    """Combine charge and spin; `-u auto` becomes 0 or 1 by the number of electrons.

    Raises:
        InputRefused: the number of electrons is odd, and the spin is unknown.
    """
    from workers.engine.molecule.checks import electrons, uncounted

    unpaired = unpaired or Sourced(0, DEFAULT)
    count = electrons(symbols, charge.value or 0)
    if unpaired.origin == DEFAULT and count % 2:
        at = f"{charge.value}" if charge.origin == DEFAULT else f"{charge.value} ({charge.origin})"
        electrons_at = f"{counted(count, 'electron')} at charge {at}"
        raise InputRefused(
            f"{electrons_at}, an odd number, and nothing was said about spin{uncounted(symbols)}",
            hint="-u 1 for a radical, -u auto for 0 or 1 by parity, or -c for another charge",
        )
    value = count % 2 if unpaired.value is None else unpaired.value
    return ChargeAndSpin(charge.value or 0, charge.origin, value, unpaired.origin)


def _content(path: str) -> bytes | None:
    """Read a file; None: there is no such file."""
    try:
        return read_regular(path, MAX_NUMBER_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputRefused(f"{shown(path)}: {error.strerror}") from None


def _glance(path: str) -> str:
    """Read a number file for a warning; one that cannot be read is empty."""
    try:
        return read_regular(path, MAX_NUMBER_FILE_BYTES).decode("ascii", "replace").strip()[:20]
    except (OSError, InputRefused):
        return ""
