"""No content breaks a reader of structures: it gives finite numbers or a refusal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.inputs import gen, molfile, pdb, qcschema, smiles, turbomole, xyz
from nox_cli.inputs.files import Input
from nox_cli.inputs.lines import all_or_refused
from workers.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nox_cli.inputs.comment import Frame

NAMES = {
    "a.mol": molfile,
    "a.pdb": pdb,
    "coord": turbomole,
    "a.gen": gen,
    "a.json": qcschema,
    "a.smi": smiles,
    "a.xyz": xyz,
}
PIECES = (
    "  2  1  0  0  0  0  0  0  0  0999 V2000", "    0.0000    0.0000    1.0000 H   0  0  0  0",
    "M  CHG  1   1  -1", "M  RAD  1   2   2", "M  END", "$$$$", "$coord", "$end", "$eht charge=1",
    " 0.0 0.0 1.0 h", "2 C", "H He", "1 1 0.0 0.0 0.0", "2 2 0.0 0.0 1.0", "MODEL 1", "ENDMDL", "CRYST1",
    "END", "3", "H 0 0 0", "CO x", "[H", "\x00", "", "é", "nan inf 1e999", "[1]",
    "ATOM      1  H   MOL     1       0.000   0.000   0.000  1.00  0.00           H  ",
    "HETATM    2  H   MOL     1       0.000   0.000   0.960  1.00  0.00           H1+",
    '{"symbols": ["H"], "geometry": [0, 0, 1]}', '{"symbols": {}, "geometry": [[]]}',
)  # fmt: skip
text = st.lists(st.sampled_from(PIECES), max_size=9).map("\n".join)


def outcome(name: str, content: str) -> list[Frame] | str:
    """Read a file, or hand over the words of its refusal."""
    read_records: Callable[[Input], Iterable[Frame | InputRefused]] = NAMES[name].read_records
    try:
        return all_or_refused(read_records(Input(name, content.encode())))
    except InputRefused as error:
        return error.what


@pytest.mark.parametrize("name", NAMES)
@given(content=text)
def test_pieces_of_files_in_any_order(name: str, content: str) -> None:
    """
    Text made of the pieces of all formats is read as atoms with finite positions, or refused by name.
    """
    found = outcome(name, content)
    frames = [] if isinstance(found, str) else found

    assert frames or str(found).startswith(name)
    for frame in frames:
        assert len(frame.symbols) == len(frame.positions_angstrom) > 0
        assert all(math.isfinite(x) for row in frame.positions_angstrom for x in row)
