"""Warnings about results that are converged and finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from workers.engine.bonds import since_first_input
from workers.engine.levels import STATIONARY
from workers.engine.molecule.checks import atomic_numbers
from workers.engine.molecule.connectivity import FAR_APART, repulsion
from workers.engine.molecule.units import ANGSTROM_PER_BOHR
from workers.errors import NotConverged
from workers.result import ChemistryResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers.result import BondsChanged
    from workers.spec import ChemistrySpec

# Below this gap another electronic state is near enough to spoil convergence.
SMALL_GAP_EV = 0.5
GAMMA_POINT = "computed at the gamma point alone: compare with a supercell before you trust a small cell"
_SHOWN = 4
_ID_SHOWN = 12  # digits of an id, by which nox finds a job


def judged(result: ChemistryResult, warn: Callable[[str], None]) -> ChemistryResult:
    """Note the verdicts in a result, and say each in words."""
    found = dict(_verdicts(result))
    for words in found.values():
        warn(words)
    if _is_unbound(result) and result.charge < 0:
        warn(f"note: {_unbound(result)}, as often with anions: a solvent may hold it")
    return replace(result, verdicts=tuple(found)) if found else result


def judged_whatever(
    spec: ChemistrySpec, compute: Callable[[], ChemistryResult], warn: Callable[[str], None]
) -> ChemistryResult:
    """Judge what a calculation gives, also where it did not converge, by what its chain of jobs began with.

    Raises:
        NotConverged: as `compute` does; its `partial` is judged too.
        EngineError: whatever else it raises.
    """
    try:
        return judged(since_first_input(spec, compute()), warn)
    except NotConverged as error:
        if isinstance(error.partial, ChemistryResult):
            error.partial = judged(since_first_input(spec, error.partial), warn)
        raise


def _verdicts(result: ChemistryResult) -> Iterator[tuple[Verdict, str]]:
    if result.lattice_angstrom is not None:
        yield Verdict.GAMMA_POINT, GAMMA_POINT
    changes = result.bonds_changed
    if changes is not None and (changes.broken or changes.formed):
        since = f" since the input of job {changes.first_job[:_ID_SHOWN]}" if changes.first_job else ""
        yield Verdict.BONDS_CHANGED, f"bonds changed{since}: {_changes(changes, result.symbols)}"
    apart = _apart(result)
    if apart:
        yield Verdict.COULOMB_EXPLOSION, apart
    vibrations = result.vibrations
    if vibrations is not None and result.thermochemistry is None:
        yield Verdict.NOT_STATIONARY, _slope(result)
    if vibrations is not None and vibrations.imaginary_modes:
        count = vibrations.imaginary_modes
        lowest = ", ".join(f"{-value:.0f}i" for value in vibrations.frequencies_cm1[: min(count, _SHOWN)])
        more = ", ..." if count > _SHOWN else ""
        yield Verdict.IMAGINARY_MODES, f"{count} imaginary mode{'s' * (count > 1)}, {lowest}{more} cm-1"
    # A lone ion of a metal has no valence electrons left, so its energy is positive.
    if result.energy_hartree > 0 and result.method != "gfnff" and len(result.symbols) > 1:
        yield (
            Verdict.POSITIVE_ENERGY,
            f"the total energy is positive, {result.energy_hartree:.4f} Eh: look at the geometry",
        )
    if _is_unbound(result) and result.charge >= 0:
        yield Verdict.UNBOUND, f"{_unbound(result)}: look at geometry and charge"
    if result.gap_ev is not None and result.gap_ev < SMALL_GAP_EV:
        yield Verdict.SMALL_GAP, f"small gap: {result.gap_ev:.2f} eV, another state may be near"


def _apart(result: ChemistryResult) -> str:
    """Describe two charged pieces that an optimisation has left far apart; empty: there are none."""
    if result.convergence is None or abs(result.charge) < 2 or result.lattice_angstrom:  # noqa: PLR2004
        return ""
    numbers = np.array(atomic_numbers(result.symbols), dtype=np.int32)
    positions = np.array(result.positions_angstrom) / ANGSTROM_PER_BOHR
    found = repulsion(numbers, positions, np.array(result.charges_e))
    if found is None or found[0] < FAR_APART:
        return ""
    distance, *charges = found
    held = " and ".join(f"{charge:+.1f}" for charge in charges)
    return (
        f"pieces of {held} e fly apart, {distance * ANGSTROM_PER_BOHR:.0f} Å by now: there is no minimum to "
        "optimise to"
    )


def _is_unbound(result: ChemistryResult) -> bool:
    return result.homo_ev is not None and result.homo_ev > 0


def _unbound(result: ChemistryResult) -> str:
    return f"the highest occupied orbital is unbound, at {result.homo_ev:.2f} eV"


def _slope(result: ChemistryResult) -> str:
    norm = result.gradient_norm_hartree_per_bohr or 0.0
    then = "--ohess optimises first" if result.convergence is None else "optimise further: --ohess tight"
    return (
        f"not a stationary point: |g| is {norm:.1e} Eh/bohr, above {STATIONARY:.0e}: frequencies, but no H, "
        f"S and G ({then})"
    )


def _changes(changes: BondsChanged, symbols: tuple[str, ...]) -> str:
    """Name the pairs; an atom that left one for another has moved."""
    broken, formed = list(changes.broken), list(changes.formed)
    moved = []
    for pair in changes.broken:
        following = next(
            (new for new in formed if len({*pair} & {*new}) == 1 and _lightest(pair, new, symbols)), None
        )
        if following is not None:
            (atom,) = {*pair} & {*following}
            start, end = sum(pair) - atom, sum(following) - atom
            moved.append(f"{_name(atom, symbols)} moved {_name(start, symbols)} -> {_name(end, symbols)}")
            broken.remove(pair)
            formed.remove(following)
    told = [
        *moved,
        *(f"{_bond(pair, symbols)} broken" for pair in broken),
        *(f"{_bond(pair, symbols)} formed" for pair in formed),
    ]
    rest = len(told) - _SHOWN
    return ", ".join(told[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _lightest(pair: tuple[int, int], new: tuple[int, int], symbols: tuple[str, ...]) -> bool:
    """Whether what two bonds share is a hydrogen: that is what moves, and not what it leaves."""
    (atom,) = {*pair} & {*new}
    return symbols[atom - 1] == "H"


def _bond(pair: tuple[int, int], symbols: tuple[str, ...]) -> str:
    return "-".join(_name(atom, symbols) for atom in pair)


def _name(atom: int, symbols: tuple[str, ...]) -> str:
    return f"{symbols[atom - 1]}{atom}"
