"""Final geometries of results as text: extended xyz for programs, blocks for a supporting information."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.render import jobs
from nox_cli.render.results_table import circumstances, conditions_in_words, in_words
from nox_cli.results.energies import EnergyUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.commands.results import Results
    from nox_cli.results.geometry import Geometry
    from nox_cli.results.rows import Row

_ENERGIES = ("energy_", "gibbs_", "relative_", "boltzmann_")
_PROPERTIES = "Properties=species:S:1:pos:R:3"
_KEYS = ("state", "formula", "method", "engine", "engine_version", "gradient_norm_hartree_per_bohr")


def extxyz(results: Results) -> Iterator[str]:
    """A frame a job; charge and spin stand in the comment as nox reads them."""
    for row in results.rows():
        if row.geometry is not None:
            yield from row.geometry.xyz(_comment(row, row.geometry, results))


def _comment(row: Row, geometry: Geometry, results: Results) -> str:
    values = row.values
    energies = [
        name for name in results.compared.fields() if name.startswith(("energy_", "relative_", "boltzmann_"))
    ]
    pairs = {
        "name": values["name"],
        "number": row.job.number,
        "job_id": row.job.id,
        "attempt": values["attempt"] if row.note else None,
        "charge": values["charge"],
        "uhf": values["unpaired_electrons"],
        **{name: values[name] for name in (*energies, *_KEYS)},
    }
    said = (f"{key}={_quoted(value)}" for key, value in pairs.items() if value is not None)
    return " ".join([*said, geometry.cell, _PROPERTIES])


def _quoted(value: object) -> str:
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def supporting_information(results: Results) -> Iterator[str]:
    """A block a job: its name, how it was computed, its energies, its atoms."""
    for row in results.rows():
        if row.geometry is None:
            continue
        yield row.job.name or f"job {row.job.number}"
        yield in_words(circumstances(row, results.conditions))
        yield f"{row.values['formula']}, {_charge_and_spin(row)}"
        yield from _energies(row, results)
        yield from (f"! {doubt}" for doubt in _doubts(row))
        yield from row.geometry.xyz("" if row.geometry.lattice_angstrom is None else row.geometry.cell)
        yield ""


def _doubts(row: Row) -> Iterator[str]:
    """Say what keeps a geometry from being a result, and what else was warned of."""
    if row.note:
        yield row.note
    elif not row.is_result:
        yield f"{row.job.state} {jobs.reason(row.job)}".rstrip()
    yield from row.values["warnings"]


def _charge_and_spin(row: Row) -> str:
    charge, unpaired = row.values["charge"] or 0, row.values["unpaired_electrons"] or 0
    return f"charge {jobs.signed(charge)}, multiplicity {unpaired + 1}"


def _energies(row: Row, results: Results) -> Iterator[str]:
    """Write the energies a paper needs, each on a line."""
    unit = results.compared.unit or EnergyUnit.HARTREE
    values = row.values
    at = ", ".join(conditions_in_words(row, results.conditions))
    named = {"E": "energy", "ZPE": "zpe", f"H({at})": "enthalpy", f"G({at})": "gibbs"}
    for symbol, name in named.items():
        value = values[unit.named(name)]
        if value is not None:
            yield f"{symbol} = {value:.{unit.decimals}f} {unit.words}"
    if values["imaginary_modes"] is not None:
        yield f"imaginary modes: {values['imaginary_modes']}"
    if values["lowest_mode_cm1"] is not None:
        yield f"lowest mode: {values['lowest_mode_cm1']:.1f} cm-1"
