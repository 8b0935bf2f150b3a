"""The formats of input files: the reader of each, and formats that are refused by name or first bytes."""

from __future__ import annotations

import importlib
import os
import re
from typing import TYPE_CHECKING

from nox_cli.inputs.comment import PERIODIC, Frame
from workers.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from nox_cli.inputs.files import Input

MAX_STRUCTURES = 100_000
_UNPACK = "unpack it first"
# VASP files are known by their name alone; users add suffixes: `POSCAR_urea`, `CONTCAR.1`.
_VASP_NAME = re.compile(r"(?:POSCAR|CONTCAR)(?:[_-][^.]*|\.\d+)?", re.ASCII)
# The extension of a file, or its whole name -> the module of `nox_cli.inputs`; all others are xyz.
_READERS = {
    "mol": "molfile",
    "sdf": "molfile",
    "sd": "molfile",
    "pdb": "pdb",
    "ent": "pdb",
    "coord": "turbomole",
    "tmol": "turbomole",
    "gen": "gen",
    "smi": "smiles",
    "smiles": "smiles",
    "poscar": "poscar",
    "contcar": "poscar",
    "vasp": "poscar",
}
# The extensions of files that are read, to choose files of a folder by.
EXTENSIONS = frozenset({*_READERS, "xyz", "extxyz", "json", "ndjson", "jsonl"})
_CRYSTALS = {
    "cif": "a cif",
    "mmcif": "a cif",
    "xsf": "an xsf",
    "res": "a SHELX file",
}
_OTHER = {
    "mol2": "mol2",
    "gjf": "a Gaussian input",
    "com": "a Gaussian input",
    "fchk": "a Gaussian checkpoint",
    "inp": "a program's input",
    "in": "a program's input",
    "out": "a program's output",
    "log": "a program's output",
    "cml": "cml",
    "traj": "an ASE trajectory",
    "molden": "molden",
    "cube": "a cube file",
}
_PACKED = frozenset({"bz2", "xz", "zst", "zip", "tgz", "7z"})
_PACKED_STARTS = (b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff")


def reader_of(source: Input) -> ModuleType:
    """Find the reader of a file: by its name, or for JSON by its content."""
    name = "qcschema" if holds_molecule(source) else _READERS.get(_kind(source.plain_path), "xyz")
    return importlib.import_module(f"nox_cli.inputs.{name}")


def records_of(source: Input) -> Iterator[Frame | InputRefused]:
    """Read the structures one by one; one that cannot be read gives the refusal of it.

    Raises:
        InputRefused: the file is not of its format, its only structure cannot be read, or it has too many.
    """
    for count, one in enumerate(reader_of(source).read_records(source)):
        if count == MAX_STRUCTURES:
            what = f"{source.shown}: more than {MAX_STRUCTURES:,} structures"
            raise InputRefused(what, hint="write them into several files")
        yield one


def holds_molecule(source: Input) -> bool:
    """Whether JSON is a QCSchema molecule and not a request, by the keys that each must have."""
    content = source.content
    has_both = b'"symbols"' in content and b'"geometry"' in content
    return has_both and b'"kind"' not in content and content.lstrip()[:1] in {b"{", b"["}


def refuse_other_formats(path: str, shown: str) -> None:
    """Refuse a file by the format in its name, before it is opened.

    Raises:
        InputRefused: nox does not read that format.
    """
    kind = _kind(path)
    if kind in _PACKED:
        raise InputRefused(f"{shown}: compressed, and not by gzip", hint=_UNPACK)
    if kind in _CRYSTALS:
        raise InputRefused(
            f"{shown}: {_CRYSTALS[kind]} holds a cell: {PERIODIC}",
            hint="save the crystal as POSCAR or extended xyz, a molecule as xyz or mol",
        )
    if kind in _OTHER:
        raise InputRefused(f"{shown}: nox does not read {_OTHER[kind]}", hint="convert it to xyz")


def _kind(path: str) -> str:
    """Return the kind of a file: `mol` for `a.mol`, `coord` for `run/coord`, `poscar` for `POSCAR_urea`."""
    name = os.path.basename(path)
    if _VASP_NAME.fullmatch(name):
        return "poscar"
    return (os.path.splitext(name)[1].lstrip(".") or name).lower()


def refuse_binary(source: Input) -> None:
    """Refuse binary content, and text that is not UTF-8.

    Raises:
        InputRefused: the content is such.
    """
    content = source.content
    if content.startswith(_PACKED_STARTS):
        raise InputRefused(f"{source.shown}: compressed, and not by gzip", hint=_UNPACK)
    if content.startswith(_UTF16_STARTS):
        raise InputRefused(f"{source.shown}:1:1: the text is UTF-16", hint="save it as UTF-8")
    at = content.find(b"\0")
    if at >= 0:
        line, column = content.count(b"\n", 0, at) + 1, at - content.rfind(b"\n", 0, at)
        what = f"{source.shown}:{line}:{column}: a NUL byte, as in no plain text"
        raise InputRefused(what, hint="save it as UTF-8, if it is UTF-16")
