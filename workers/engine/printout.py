"""The log of a calculation, as `nox logs` shows it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from workers import __version__
from workers.engine.molecule.cells import volume
from workers.engine.molecule.checks import formula
from workers.engine.program_options import interpreted
from workers.engine.summary import threads
from workers.names import METHOD_TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workers.engine.calculator import Passed
    from workers.engine.levels import Level
    from workers.result import ChemistryResult, Thermochemistry, Vibrations
    from workers.spec import ChemistrySpec

KINDS = {
    "sp": "singlepoint",
    "grad": "gradient",
    "opt": "optimisation",
    "hess": "frequencies",
    "ohess": "optimisation and frequencies",
    "bhess": "frequencies near the structure",
}


def header(spec: ChemistrySpec, engine: str, version: str) -> None:
    """Say what is going to be computed."""
    symbols = spec.structure.symbols
    _print(
        f"nox {__version__}: {KINDS[spec.kind]} with {engine} {version}",
        f"  structure    {formula(symbols)}, {len(symbols)} atoms",
        *(f"  cell         {words}" for words in _cell(spec)),
        f"  method       {METHOD_TITLES[spec.method]}{_surroundings(spec)}, charge {spec.charge}, "
        f"unpaired electrons {spec.unpaired}",
        f"  settings     accuracy {spec.accuracy:g}, electronic temperature "
        f"{spec.electronic_temperature_k:g} K, {spec.iterations} iterations, threads {threads()}",
        *(f"  passed on    {words}" for words in _passed_on(spec)),
    )


def _cell(spec: ChemistrySpec) -> Iterator[str]:
    """Tell the lengths of the cell's vectors and its volume; a molecule has none."""
    lattice = spec.structure.lattice_angstrom
    if lattice is not None:
        lengths = ", ".join(f"{math.hypot(*vector):.3f}" for vector in lattice)
        yield f"vectors of {lengths} Å, {volume(lattice):.2f} Å^3, gamma point"


def _passed_on(spec: ChemistrySpec) -> Iterator[str]:
    """List what the xtb program is handed as it is."""
    if spec.program_options:
        yield " ".join(spec.program_options)
    yield from spec.program_input.splitlines()


def _surroundings(spec: ChemistrySpec) -> str:
    passed = interpreted(spec.program_options, spec.program_input)
    model, name = spec.solvation or passed.solvation, spec.solvent or passed.solvent
    solvent = f", {model.upper()}({name})" if model else ""
    return f"{solvent}, spin-polarised" if spec.spin_polarised else solvent


def optimisation(level: Level, cycles: int, optimiser: str) -> None:
    """Print the level and limits of an optimisation."""
    _print(
        f"  optimiser    {optimiser}, {level.name}: |dE| < {level.energy_change:g} Eh and "
        f"|g| < {level.gradient_norm:g} Eh/bohr, at most {cycles} steps",
    )


def table_head() -> None:
    """Open the table of steps."""
    _print("", " step        energy / Eh        dE / Eh    |g| / Eh/bohr")


def step(number: int, point: Passed, change: float | None) -> None:
    """Write one line of the table of steps; `change`: of the energy, hartree; None at the first step."""
    shown = "-" if change is None else f"{change:.3e}"
    _print(f"{number:5d} {point.energy:18.10f} {shown:>14} {point.norm:16.6e}")


def rejected(number: int, point: Passed | None, best: Passed) -> None:
    """Write the line of a step that was not taken."""
    shown = f"{'not computed':>18}"
    if point is not None:
        shown = f"{point.energy:18.10f} {point.energy - best.energy:>14.3e} {point.norm:16.6e}"
    _print(f"{number:5d} {shown}   rejected")


def note(text: str) -> None:
    """Write a line of words."""
    _print(f"  {text}")


def vibrations(found: Vibrations, gas: Thermochemistry | None) -> None:
    """Write frequencies and, where there is any, thermochemistry."""
    _print("", " mode   frequency / cm-1   IR / km/mol")
    pairs = zip(found.frequencies_cm1, found.ir_intensities_km_per_mol, strict=True)
    _print(
        *(f"{number:5d} {value:18.2f} {strength:13.2f}" for number, (value, strength) in enumerate(pairs, 1))
    )
    if gas is None:
        return
    _print(
        "",
        f"thermochemistry at {gas.temperature_k:g} K and {gas.pressure_pa:g} Pa, symmetry number "
        f"{gas.symmetry_number} ({gas.symmetry_number_origin}), rotor cutoff {gas.rotor_cutoff_cm1:g} cm-1",
        f"  ZPE          {gas.zpe_hartree:.10f} Eh",
        f"  H            {gas.enthalpy_hartree:.10f} Eh",
        f"  S            {gas.entropy_hartree_per_k:.10f} Eh/K",
        f"  G            {gas.gibbs_hartree:.10f} Eh",
        f"  G (RRHO)     {gas.gibbs_rrho_hartree:.10f} Eh",
    )


def footer(result: ChemistryResult) -> None:
    """Write the numbers of the end."""
    verdict = result.convergence
    if verdict is not None:
        how = "converged" if verdict.converged else "not converged"
        _print("", f"{how} after {verdict.steps} steps")
    _print(
        "",
        f"  energy       {result.energy_hartree:.10f} Eh",
        f"  |gradient|   {_or_dash(result.gradient_norm_hartree_per_bohr, '.6e')} Eh/bohr",
        f"  dipole       {_or_dash(result.dipole_debye, '.4f')} D",
        f"  HOMO         {_or_dash(result.homo_ev, '.4f')} eV",
        f"  LUMO         {_or_dash(result.lumo_ev, '.4f')} eV",
        f"  gap          {_or_dash(result.gap_ev, '.4f')} eV",
        f"  time         {result.wall_s:.3f} s wall, {result.cpu_s:.3f} s cpu",
        f"  memory       {result.peak_memory_bytes / 1024**2:.0f} MiB peak",
    )


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _print(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
