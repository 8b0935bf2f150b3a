"""The reader of QCSchema molecules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.inputs.files import Input
from nox_cli.inputs.formats import holds_molecule
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.qcschema import read_records
from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.inputs.comment import Frame

WATER: dict[str, Any] = {
    "schema_name": "qcschema_molecule",
    "schema_version": 2,
    "name": "wat",
    "symbols": ["O", "H", "H"],
    "geometry": [0.0, 0.0, 0.2, 0.0, 1.5, -0.9, 0.0, -1.5, -0.9],
    "molecular_charge": 1.0,
    "molecular_multiplicity": 2,
}


def read(value: object) -> list[Frame]:
    """Read a file `f.json` that holds this value."""
    return all_or_refused(read_records(Input("f.json", json.dumps(value).encode())))


def test_reads_bohr_charge_and_multiplicity() -> None:
    """
    Positions come in Å; a multiplicity is one more than what is unpaired.
    """
    [frame] = read(WATER)

    assert ("O", "H", "H") == frame.symbols
    assert 1.5 * 0.529177210903 == pytest.approx(frame.positions_angstrom[1][1], abs=1e-12)
    assert (1, 1, "QCSchema") == (frame.comment.charge, frame.comment.unpaired, frame.comment.origin)
    assert "wat" == frame.name


def test_qcschema_other_shapes_are_the_same() -> None:
    """
    Positions in rows, the molecule within an input, and no word of charge are read too.
    """
    rows = WATER | {"geometry": [WATER["geometry"][i : i + 3] for i in (0, 3, 6)]}
    bare = {name: WATER[name] for name in ("symbols", "geometry")}
    inside = {"schema_name": "qcschema_input", "molecule": WATER, "driver": "energy"}

    assert read(WATER) == read(rows) == read(inside)
    assert (None, None) == (read(bare)[0].comment.charge, read(bare)[0].comment.unpaired)


def test_a_list_is_several() -> None:
    """
    Several molecules come in a list, or one a line.
    """
    lines = "\n".join([json.dumps(WATER)] * 3)

    assert 2 == len(read([WATER, WATER]))
    assert 3 == len(all_or_refused(read_records(Input("f.ndjson", lines.encode()))))


def test_molecules_are_told_from_requests() -> None:
    """
    A request has a kind, a molecule symbols and a geometry.
    """
    request = {"kind": "echo", "payload": WATER}

    assert holds_molecule(Input("a.json", json.dumps(WATER).encode()))
    assert not holds_molecule(Input("a.json", json.dumps(request).encode()))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_name": "qcschema_output"}, "f.json:1: this is no QCSchema molecule"),
        ({"symbols": []}, "symbols: a list of symbols was expected"),
        ({"symbols": ["O", "H", "D"]}, "symbols[2]: 'D' is not an element"),
        ({"symbols": ["O", "H", 1]}, "symbols[2]: '1' is not an element"),
        ({"symbols": ["H"] * 1_001}, "symbols: 1,001 atoms, more than 1,000"),
        ({"geometry": [0.0] * 8}, "geometry: 9 numbers in bohr were expected"),
        ({"geometry": [0.0] * 8 + ["1"]}, "geometry[8]: 1 is no coordinate in bohr"),
        ({"geometry": [0.0] * 8 + [1e9]}, "geometry[8]: 1000000000.0 is no coordinate in bohr"),
        ({"real": [True, True, False]}, "real: ghost atoms are not for xTB"),
        ({"mass_numbers": [16, 2, 1]}, "mass_numbers[1]: 2 is an isotope of H"),
        ({"masses": [17.999, 1.008, 1.008]}, "masses[0]: 17.999 is an isotope of O"),
        ({"masses": [15.999]}, "masses: 3 numbers were expected"),
        ({"mass_numbers": [16, None, 1]}, "mass_numbers[1]: None is no number"),
        ({"molecular_charge": 0.5}, "molecular_charge: 0.5 is not a whole number"),
        ({"molecular_multiplicity": 0}, "molecular_multiplicity: 0 is not from 1 to"),
    ],
)
def test_a_refusal_names_the_field(changes: dict[str, Any], words: str) -> None:
    """
    What is malformed, a ghost or no whole number is refused with the field's name.
    """
    with pytest.raises(InputRefused) as caught:
        read(WATER | changes)

    assert words in caught.value.what


def test_common_masses_are_no_isotopes() -> None:
    """
    What programs write unasked passes: the most common isotopes, their masses, weights, or -1.
    """
    common = {"H": 1, "B": 11, "C": 12, "O": 16, "Cl": 35, "Ca": 40, "Se": 80, "Br": 79, "Sn": 120, "Te": 130}
    atoms = {"symbols": list(common), "geometry": [float(place) for place in range(3 * len(common))]}

    assert 1 == len(read(atoms | {"mass_numbers": list(common.values())}))
    assert 1 == len(read(WATER | {"masses": [15.99491462, 1.00782503, 1.008], "mass_numbers": [-1, -1, 1]}))


def test_qcschema_what_is_no_json_is_refused() -> None:
    """
    A file that is cut off is refused with its line.
    """
    with pytest.raises(InputRefused, match=r"f.json:1: not JSON at column"):
        all_or_refused(read_records(Input("f.json", json.dumps(WATER)[:-5].encode())))
