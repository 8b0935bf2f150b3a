"""Which reader a file is for, and what is refused by its name."""

from __future__ import annotations

import pytest

from nox_cli.inputs.files import Input
from nox_cli.inputs.formats import reader_of, refuse_other_formats
from workers.errors import InputRefused


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("a.xyz", "xyz"),
        ("a.extxyz", "xyz"),
        ("a", "xyz"),
        ("-", "xyz"),
        ("dir.mol/a.XYZ", "xyz"),
        ("a.MOL", "molfile"),
        ("a.sdf.gz", "molfile"),
        ("a.pdb", "pdb"),
        ("run/coord", "turbomole"),
        ("a.tmol", "turbomole"),
        ("a.gen", "gen"),
        ("a.smi", "smiles"),
    ],
)
def test_the_name_says_the_format(path: str, reader: str) -> None:
    """
    The end of a file's name, without .gz, says its format; what says nothing is xyz.
    """
    assert f"nox_cli.inputs.{reader}" == reader_of(Input(path, b"3\n")).__name__


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.xsf", "an xsf holds a cell: the structure is periodic"),
        ("a.cif", "a cif holds a cell: the structure is periodic"),
        ("a.mol2", "nox does not read mol2"),
        ("a.log", "nox does not read a program's output"),
        ("a.zip", "compressed, and not by gzip"),
    ],
)
def test_formats_what_is_not_read_is_refused_by_name(path: str, words: str) -> None:
    """
    Crystals, programs' own files and archives are refused before they are opened.
    """
    with pytest.raises(InputRefused, match=words):
        refuse_other_formats(path, path)
