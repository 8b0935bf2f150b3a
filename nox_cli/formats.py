"""What nox does not read as a structure: told by a file's name, or by its first bytes."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.files import Input

_UNPACK = "unpack it first"
_OTHER = {
    "mol": "a molfile",
    "mol2": "mol2",
    "sdf": "sdf",
    "pdb": "pdb",
    "ent": "pdb",
    "cif": "cif",
    "mmcif": "cif",
    "gjf": "a Gaussian input",
    "com": "a Gaussian input",
    "fchk": "a Gaussian checkpoint",
    "inp": "a program's input",
    "in": "a program's input",
    "out": "a program's output",
    "log": "a program's output",
    "coord": "Turbomole coord",
    "tmol": "Turbomole coord",
    "gen": "DFTB+ gen",
    "poscar": "POSCAR",
    "contcar": "POSCAR",
    "vasp": "POSCAR",
    "cml": "cml",
    "smi": "SMILES",
    "traj": "an ASE trajectory",
    "molden": "molden",
    "cube": "a cube file",
}
_PACKED = frozenset({"gz", "bz2", "xz", "zst", "zip", "tgz", "7z"})
_PACKED_STARTS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")


def refuse_other_formats(path: str, shown: str) -> None:
    """Refuse a file whose name says that it is not xyz, before it is read.

    Raises:
        InputRefused: it says so.
    """
    pure = PurePath(path)
    kind = (pure.suffix.lstrip(".") or pure.name).lower()
    if kind in _PACKED:
        raise InputRefused(f"{shown}: compressed; nox reads xyz as it is", hint=_UNPACK)
    if kind in _OTHER:
        raise InputRefused(
            f"{shown}: nox reads xyz, and this is named like {_OTHER[kind]}", hint="convert it to xyz"
        )


def refuse_binary(source: Input) -> None:
    """Refuse bytes that are no text, or text of another encoding.

    Raises:
        InputRefused: they are.
    """
    content = source.content
    if content.startswith(_PACKED_STARTS):
        raise InputRefused(f"{source.shown}: compressed; nox reads xyz as it is", hint=_UNPACK)
    if content.startswith(_UTF16_STARTS):
        raise InputRefused(f"{source.shown}:1:1: the text is UTF-16", hint="save it as UTF-8")
    at = content.find(b"\0")
    if at >= 0:
        line, column = content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)
        what = f"{source.shown}:{line}:{column}: a NUL byte, as in no plain text"
        raise InputRefused(what, hint="save it as UTF-8, if it is UTF-16")
