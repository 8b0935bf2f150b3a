"""`workers.documents` and `workers.result`: the only way into a store, and what an engine may say."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workers.documents import REQUEST, SPEC, XtbRequest
from workers.job import Reason
from workers.keeper.messages import read_spec
from workers.result import ChemistryResult, EchoResult, Failure, Orbitals, OutcomeRecord, read_result
from workers.result import written as written_result
from workers.spec import (
    MAX_ATOMS,
    MAX_JSON_DEPTH,
    ChemistrySpec,
    EchoSpec,
    Method,
    NotFinite,
    engine_key,
    written,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
WATER: dict[str, Any] = {
    "symbols": ["O", "H", "H"],
    "positions_angstrom": [[0.0, 0.0, 0.119], [0.0, 0.763, -0.477], [0.0, -0.763, -0.477]],
}
REQUESTED: dict[str, Any] = {
    "engine": "xtb",
    "kind": "opt_properties",
    "inputs": {"xyz": "1\n\nH 0 0 0\n", "charge": 0, "multiplicity": 2, "params": {"gfn": 2, "opt": True}},
}


def spec(**changes: Any) -> dict[str, Any]:
    """Describe a calculation as a plain document."""
    return {"kind": "opt", "structure": WATER, **changes}


def calculation(document: dict[str, Any]) -> ChemistrySpec:
    """Read a calculation."""
    found = SPEC.validate_python(document)
    assert isinstance(found, ChemistrySpec)
    return found


def result(**changes: Any) -> dict[str, Any]:
    """Describe what an engine found as a plain document."""
    found = {"method": "gfn2", "engine": "xtb", "engine_version": "22.1", "charge": 0, "unpaired": 0}
    return {"kind": "sp", **found, **WATER, "energy_hartree": -5.07, **changes}


@given(payload=JSON)
def test_an_echo_job_survives_its_trip(payload: Any) -> None:
    """
    Any bounded JSON payload is stored and read as it was given, in the specification and in the result.
    """
    asked = SPEC.validate_python({"kind": "echo", "payload": payload})
    found = read_result(json.dumps({"kind": "echo", "payload": payload}))

    assert asked == SPEC.validate_json(SPEC.dump_json(asked)) == read_spec(SPEC.dump_json(asked))
    assert EchoSpec(payload=payload) == asked
    assert found == read_result(written_result(found))
    assert EchoResult(payload=payload) == found


@given(numbers=st.lists(FINITE, min_size=9, max_size=9), charge=st.integers(-1_000, 1_000))
def test_a_calculation_survives_its_trip(numbers: list[float], charge: int) -> None:
    """
    Positions come back to the last bit.
    """
    structure = WATER | {"positions_angstrom": [numbers[0:3], numbers[3:6], numbers[6:9]]}
    asked = calculation(spec(structure=structure, charge=charge))

    assert asked == SPEC.validate_json(SPEC.dump_json(asked))
    assert asked == SPEC.validate_json(written(asked)) == read_spec(written(asked).encode())


CELL = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]


def test_a_molecule_is_written_as_before_there_were_cells() -> None:
    """
    Its structure has two fields, so that its digest is what it was; a cell is one more.
    """
    crystal = WATER | {"lattice_angstrom": CELL}
    molecule_json, crystal_json = (
        written(calculation(spec(structure=structure))) for structure in (WATER, crystal)
    )

    assert WATER == json.loads(molecule_json)["structure"]
    assert crystal == json.loads(crystal_json)["structure"]
    assert calculation(spec(structure=crystal)) == SPEC.validate_json(crystal_json)


def test_a_calculation_has_xtbs_defaults() -> None:
    """
    Whoever says nothing gets GFN2, no charge, closed shell, 300 K and accuracy 1.
    """
    asked = calculation(spec())

    assert (Method.GFN2, 0, 0) == (asked.method, asked.charge, asked.unpaired)
    assert (1.0, 300.0, 250) == (asked.accuracy, asked.electronic_temperature_k, asked.iterations)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "echo", "payload": 1, "extra": 1},
        {"kind": "shell"},
        {"payload": 1},
        [],
        spec(callback="os.system"),
        spec(structure=WATER | {"comment": "x"}),
        spec(source={"url": "http://x"}),
        spec(kind="md"),
        spec(method="dft"),
        spec(engine="os.system"),
        spec(opt_level="perfect"),
        spec(solvent="water"),
        spec(solvation="alpb"),
        spec(solvation="cosmo", solvent="water"),
        spec(temperature_k=0.0),
        spec(symmetry_number=0),
        {"kind": "opt"},
    ],
)
def test_documents_what_is_not_named_is_refused(document: Any) -> None:
    """
    A field, kind, method, engine or level that nox does not know is an error, never ignored.
    """
    for read in (SPEC.validate_json, read_spec):
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, or msgspec's
            read(json.dumps(document).encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize(
    "document",
    [
        '{"kind": "echo", "payload": %s}',
        '{"kind": "echo", "payload": {"a": [1, %s]}}',
        '{"kind": "sp", "structure": {"symbols": ["H"], "positions_angstrom": [[0, 0, %s]]}}',
        '{"kind": "sp", "structure": {"symbols": [], "positions_angstrom": []}, "accuracy": %s}',
    ],
)
def test_numbers_that_are_not_finite_are_refused(document: str, number: str) -> None:
    """
    No NaN and no infinity gets in, neither by name nor by a number too large, not even inside a payload.
    """
    for read in (SPEC.validate_json, read_spec):
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, or msgspec's
            read((document % number).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"charge": 1_001},
        {"charge": 0.5},
        {"unpaired": -1},
        {"accuracy": 0.0},
        {"electronic_temperature_k": 0.0},
        {"iterations": 0},
        {"cycles": 0},
        {"engine_version": "1" * 33},
        {"source": {"file": "x" * 4_097}},
        {"structure": WATER | {"symbols": ["Abcd"]}},
        {"structure": {"symbols": ["H"] * (MAX_ATOMS + 1), "positions_angstrom": []}},
        {"structure": {"symbols": [], "positions_angstrom": [[0, 0, 0]] * (MAX_ATOMS + 1)}},
        {"structure": {"symbols": ["H"], "positions_angstrom": [[0, 0]]}},
        {"structure": WATER | {"lattice_angstrom": CELL[:2]}},
        {"structure": WATER | {"lattice_angstrom": [[9, 0], *CELL[1:]]}},
        {"structure": WATER | {"lattice_angstrom": [[float("inf"), 0, 0], *CELL[1:]]}},
    ],
)
def test_documents_what_is_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    """
    Every number and every text has its limits.
    """
    for read in (SPEC.validate_json, read_spec):
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, or msgspec's
            read(json.dumps(spec(**changes)).encode())


@pytest.mark.parametrize(
    ("depth", "fits"), [(MAX_JSON_DEPTH, True), (MAX_JSON_DEPTH + 1, False), (100_000, False)]
)
def test_deep_payloads_are_refused(depth: int, fits: bool) -> None:
    """
    A payload may be nested so deep and no deeper; far beyond, nothing overflows.
    """
    document = '{"kind": "echo", "payload": ' + "[" * depth + "]" * depth + "}"

    for read in (SPEC.validate_json, read_spec):
        if fits:
            assert read(document.encode())
        else:
            with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, or msgspec's
                read(document.encode())


def test_a_specification_does_not_change() -> None:
    """
    What was checked stays what was checked.
    """
    asked = calculation(spec())

    with pytest.raises(FrozenInstanceError):
        asked.charge = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("version", "key"),
    [("", "xtb"), ("22.1", "xtb@22.1"), ("22.1.3", "xtb@22.1"), ("22", "xtb@22")],
)
def test_an_engine_is_pinned_by_its_first_two_numbers(version: str, key: str) -> None:
    """
    A patch release of an engine runs the same jobs.
    """
    assert key == engine_key("xtb", version)
    assert key == calculation(spec(engine_version=version)).engine_key


def test_a_request_of_the_documented_form_is_read() -> None:
    """
    The two request forms of the command line's documentation are understood.
    """
    asked = REQUEST.validate_python(REQUESTED)

    assert isinstance(asked, XtbRequest)
    assert (2, True) == (asked.inputs.params.gfn, asked.inputs.params.opt)
    assert {"x": 1} == REQUEST.validate_python({"kind": "echo", "payload": {"x": 1}}).model_dump()["payload"]


@pytest.mark.parametrize(
    "changes",
    [{"engine": "orca"}, {"kind": "sp"}, {"name": "x" * 256}, {"priority": 5}, {"inputs": {"xyz": ""}}],
)
def test_a_request_with_anything_else_is_refused(changes: dict[str, Any]) -> None:
    """
    A request is as strict as a specification.
    """
    with pytest.raises(ValidationError):
        REQUEST.validate_python(REQUESTED | changes)


@pytest.mark.parametrize("name", ["energy_hartree", "dipole_debye", "gap_ev", "wall_s"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_result_is_finite(name: str, number: str) -> None:
    """
    An engine that says NaN gave no result.
    """
    document = json.dumps(result(**{name: "HERE"})).replace('"HERE"', number)

    with pytest.raises(msgspec.DecodeError):
        read_result(document)


def test_numbers_an_engine_does_not_give_are_null() -> None:
    """
    A result needs its energy and geometry; the rest may be missing.
    """
    found = msgspec.convert(result(), ChemistryResult)

    assert -5.07 == found.energy_hartree
    assert (None, None, None) == (found.gap_ev, found.dipole_debye, found.convergence)
    with pytest.raises(msgspec.ValidationError):
        read_result(json.dumps(result(energy_hartree=None)))


def test_a_number_that_is_not_finite_is_never_written_as_null() -> None:
    """
    A dipole moment that is not a number would otherwise be read as one that was not computed.
    """
    found = msgspec.convert(result(), ChemistryResult)
    orbitals = Orbitals(energies_ev=(-1.0, math.inf), occupations=(2.0, 0.0))
    wrong: list[dict[str, Any]] = [
        {"dipole_debye": math.nan},
        {"charges_e": (0.0, math.nan)},
        {"gradient_hartree_per_bohr": ((0.0, 0.0, 0.0), (0.0, -math.inf, 0.0))},
        {"orbitals": orbitals},
    ]

    assert written_result(found)
    for changes in wrong:
        with pytest.raises(NotFinite, match=next(iter(changes))):
            written_result(msgspec.structs.replace(found, **changes))


def test_an_outcome_may_have_a_failure_and_a_result() -> None:
    """
    A failed optimisation keeps the last geometry; the whole record survives its trip under its public names.
    """
    failure = Failure(reason=Reason.NOT_CONVERGED, message="200 steps", evidence=("energy rose",))
    reached = msgspec.Raw(json.dumps(result()).encode())
    record = OutcomeRecord(attempt=2, worker="n-1-a", nox_version="1", result=reached, failure=failure)
    text = record.written()

    assert 1 == json.loads(text)["schema"]
    assert record == msgspec.json.decode(text, type=OutcomeRecord)
    assert msgspec.convert(result(), ChemistryResult) == read_result(record.result)


@pytest.mark.parametrize(
    "changes",
    [{"message": "x" * 2_001}, {"evidence": ["x"] * 41}, {"evidence": ["x" * 501]}, {"reason": "bad luck"}],
)
def test_a_failure_is_bounded(changes: dict[str, Any]) -> None:
    """
    An engine that prints without end fills no store.
    """
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"reason": "scf", "message": "x", **changes}, Failure)
