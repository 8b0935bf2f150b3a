"""A plan: what prepared jobs would compute, as a client is shown before it submits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from nox_cli.results.documents import document
from nox_cli.results.json_objects import closed
from workers.engine.molecule.checks import electrons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.submission.prepare import Prepared
    from workers.job import NewJob

# The most jobs that are described one by one, and the most atoms whose positions are returned.
MOST_JOBS = 200
MOST_ATOMS = 1_000


@closed
class PlannedStructure(TypedDict):
    """The atoms of a structure: symbols, and positions in Å."""

    symbols: list[str]
    positions_angstrom: list[list[float]]


@closed
class PlannedJob(TypedDict):
    """One job that would be submitted; an echo job has no structure, charge or electrons."""

    name: str
    file: str  # that it was read from; empty: a request
    frame: int | None  # in that file, from 1; null: its only structure
    input_sha256: str  # of the file
    calculation: str
    engine: str  # as jobs are pinned to it
    formula: str
    n_atoms: int
    charge: int | None
    charge_origin: str
    unpaired_electrons: int | None
    unpaired_origin: str
    electrons: int | None  # without those of 4f shells
    structure: PlannedStructure | None  # null: after the first structures with 1,000 atoms together


@closed
class PlannedCharges(TypedDict):
    """Jobs that have the same charge and spin from the same kind of source."""

    charge: int
    unpaired_electrons: int
    origin: str
    count: int


@closed
class Plan(TypedDict):
    """Describes what jobs would compute: the engine of all, their charges, and the first 200 of them."""

    engine: str  # and its version; empty: no calculation
    charges: list[PlannedCharges]
    jobs: list[PlannedJob]


def plan(prepared: Prepared) -> Plan:
    """Describe prepared jobs."""
    return {
        "engine": prepared.engine,
        "charges": [
            {
                "charge": one.charge,
                "unpaired_electrons": one.unpaired,
                "origin": one.origin,
                "count": one.count,
            }
            for one in prepared.groups
        ],
        "jobs": list(_planned(prepared.jobs[:MOST_JOBS])),
    }


def _planned(jobs: list[NewJob]) -> Iterator[PlannedJob]:
    room = MOST_ATOMS
    for job in jobs:
        spec = document(job.spec_json)
        structure = spec.part("structure").fields
        symbols, charge = structure.get("symbols", []), spec.whole("charge")
        room -= job.atoms
        yield {
            "name": job.name,
            "file": spec.part("source").text("file"),
            "frame": spec.part("source").whole("frame"),
            "input_sha256": spec.part("source").text("sha256"),
            "calculation": job.kind,
            "engine": job.engine,
            "formula": job.formula,
            "n_atoms": job.atoms,
            "charge": charge,
            "charge_origin": spec.text("charge_origin"),
            "unpaired_electrons": spec.whole("unpaired"),
            "unpaired_origin": spec.text("unpaired_origin"),
            "electrons": None if charge is None else electrons(symbols, charge),
            "structure": {"symbols": symbols, "positions_angstrom": structure["positions_angstrom"]}
            if symbols and room >= 0
            else None,
        }
