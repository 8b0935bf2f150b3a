"""Checks of a structure: refuses what engines would crash on or compute wrongly.

Pure Python, quick to import: the command line checks before it stores, and the engine process checks again.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from workers.engine.molecule.elements import COVALENT_RADII_ANGSTROM, MAX_NUMBER, NUMBERS, ORBITALS, VALENCE
from workers.engine.molecule.units import MAX_COORDINATE_ANGSTROM
from workers.errors import InputRefused
from workers.names import MAX_ATOMS, Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    Position = Sequence[float]

# The smallest distance of two atoms, as a share of the sum of their covalent radii.  The shortest known bonds
# have 0.66 (V2) to 0.77 (N2) of it, H2 at 1.16; at 0.4 N2 is compressed to half its length.
CONTACT = 0.4
# Where closer contacts are asked for: below it two atoms are at one point.
COINCIDENCE_ANGSTROM = 1e-3
METHODS = tuple(Method)


def check(
    symbols: Sequence[str],
    positions_angstrom: Sequence[Position],
    charge: int,
    unpaired: int,
    method: str,
    *,
    close_contacts: bool = False,
) -> None:
    """Refuse what cannot be computed.

    Args:
        symbols: one element symbol an atom.
        positions_angstrom: shape (atoms, 3).
        charge: in e.
        unpaired: the number of unpaired electrons.
        method: one of `METHODS`.
        close_contacts: atoms may be as near to each other as they are.

    Raises:
        InputRefused: it cannot; the message names atoms by number, from 1, and symbol.
    """
    check_method(method)
    check_atoms(symbols)
    check_positions(symbols, positions_angstrom, close_contacts=close_contacts)
    check_electrons(symbols, charge, unpaired)
    check_orbitals(symbols, charge, unpaired, method)


def check_method(method: str) -> None:
    """Refuse a method that is not there.

    Raises:
        InputRefused: it is not.
    """
    if method not in METHODS:
        raise InputRefused(f"unknown method {method!r}", hint=f"methods are {', '.join(METHODS)}")


def check_atoms(symbols: Sequence[str]) -> None:
    """Refuse unknown elements, those without parameters, none and too many atoms.

    Raises:
        InputRefused: there are such.
    """
    if not symbols:
        raise InputRefused("the structure has no atoms")
    if len(symbols) > MAX_ATOMS:
        raise InputRefused(f"the structure has {len(symbols)} atoms, more than the limit of {MAX_ATOMS}")
    numbers = atomic_numbers(symbols)
    if max(numbers) <= MAX_NUMBER:
        return
    number, symbol = next((at, symbols[at - 1]) for at, z in enumerate(numbers, 1) if z > MAX_NUMBER)
    raise InputRefused(
        f"atom {number} is {symbol} (element {NUMBERS[symbol]}): "
        f"the methods have parameters for elements 1 to {MAX_NUMBER} (H to Rn)"
    )


def check_positions(
    symbols: Sequence[str], positions_angstrom: Sequence[Position], *, close_contacts: bool = False
) -> None:
    """Refuse coordinates that are not finite, and atoms that are too near to each other.

    Raises:
        InputRefused: there are such.
    """
    if len(symbols) != len(positions_angstrom):
        raise InputRefused(f"{len(symbols)} atoms, but {len(positions_angstrom)} positions")
    for number, position in enumerate(positions_angstrom, 1):
        if len(position) != 3 or not _is_near(*position):  # noqa: PLR2004
            raise InputRefused(f"atom {number} ({symbols[number - 1]}) {_fault(position)}")
    close = closest_contact(positions_angstrom, contacts(symbols, close_contacts=close_contacts))
    if close is not None:
        first, second, distance, least = close
        again = "" if close_contacts else " --force computes it all the same"
        raise InputRefused(
            f"atoms {first + 1} ({symbols[first]}) and {second + 1} ({symbols[second]}) are "
            f"{distance:.3f} Å apart, less than {least:.3g} Å",
            hint=f"are the coordinates in Å, and is an atom listed twice?{again}",
        )


def _is_near(x: float, y: float, z: float) -> bool:
    """Whether a position is finite and not absurdly far out: what is no number is in no range."""
    far = MAX_COORDINATE_ANGSTROM
    return -far <= x <= far and -far <= y <= far and -far <= z <= far


def _fault(position: Position) -> str:
    """Say what is wrong with a position."""
    if len(position) != 3:  # noqa: PLR2004
        return f"has {len(position)} coordinates, not 3"
    if not all(math.isfinite(value) for value in position):
        return "has a coordinate that is not a finite number"
    return f"lies more than {MAX_COORDINATE_ANGSTROM:g} Å from the origin"


def check_electrons(symbols: Sequence[str], charge: int, unpaired: int) -> None:
    """Refuse a charge or a number of unpaired electrons that the structure cannot have.

    Raises:
        InputRefused: it cannot.
    """
    count = electrons(symbols, charge)
    if count < 1:
        raise InputRefused(
            f"a charge of {charge:+d} leaves {formula(symbols)} without an electron (it has {count + charge})"
        )
    if unpaired < 0:
        raise InputRefused(f"the number of unpaired electrons cannot be {unpaired}")
    if unpaired > count:
        raise InputRefused(
            f"{unpaired} unpaired electrons, but only {count} electrons at charge {_signed(charge)}"
        )
    if (count - unpaired) % 2:
        raise InputRefused(
            f"{_parity(count, charge, unpaired)}{uncounted(symbols)}", hint=_parity_hint(count, charge)
        )


def check_orbitals(symbols: Sequence[str], charge: int, unpaired: int, method: str) -> None:
    """Refuse electrons that the method's orbitals cannot hold: an engine would overwrite its own memory.

    Raises:
        InputRefused: there are too few valence electrons, or too many.
    """
    if method not in ORBITALS:
        return  # a force field has none
    numbers = atomic_numbers(symbols)
    if max(numbers, default=0) > MAX_NUMBER:
        return  # that is `check_atoms`' to refuse
    valence = sum(VALENCE[number - 1] for number in numbers) - charge
    orbitals = sum(ORBITALS[method][number - 1] for number in numbers)
    if valence < 0:
        raise InputRefused(
            f"a charge of {charge:+d} is more than the {valence + charge} valence electrons "
            f"of {formula(symbols)}"
        )
    if unpaired > valence:
        raise InputRefused(f"{unpaired} unpaired electrons, but only {valence} valence electrons")
    if (valence + unpaired + 1) // 2 > orbitals:
        raise InputRefused(
            f"{valence} valence electrons, {unpaired} of them unpaired, do not fit into the "
            f"{orbitals} orbitals of {method}"
        )


def check_frozen(frozen: Sequence[int], kind: str, atoms: int) -> None:
    """Refuse atoms to freeze that are not there, all of them, and any where nothing is optimised alone.

    Args:
        frozen: atoms, counted from 1.
        kind: of the calculation.
        atoms: how many there are.

    Raises:
        InputRefused: there are such.
    """
    if not frozen:
        return
    if kind != "opt":
        raise InputRefused(
            "atoms can be frozen in an optimisation alone: frequencies would be those of another molecule",
            hint="ask for --opt",
        )
    if max(frozen) > atoms:
        raise InputRefused(f"atom {max(frozen)} cannot be frozen: there are {atoms}")
    if len(set(frozen)) == atoms:
        raise InputRefused("every atom is frozen: nothing is left to optimise", hint="ask for --sp")


def electrons(symbols: Sequence[str], charge: int) -> int:
    """Count the electrons that can be paired or not: all but those of 4f shells, which xTB keeps in the core.

    Raises:
        InputRefused: a symbol is not an element's.
    """
    numbers = atomic_numbers(symbols)
    return sum(numbers) - sum(map(_in_4f, numbers)) - charge


def uncounted(symbols: Sequence[str]) -> str:
    """Say which electrons of a structure are not in the count, where there are such."""
    has_4f = any(_in_4f(NUMBERS.get(symbol, 0)) for symbol in symbols)
    return "; 4f electrons do not count, xTB keeps them in the core" if has_4f else ""


def formula(symbols: Sequence[str]) -> str:
    """Write the formula in Hill order: C, H, then the others by name; by name alone without C."""
    counts = Counter(symbols)
    first = [symbol for symbol in ("C", "H") if "C" in counts and symbol in counts]
    rest = sorted(symbol for symbol in counts if symbol not in first)
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in first + rest)


def atomic_numbers(symbols: Sequence[str]) -> list[int]:
    """Look elements up.

    Raises:
        InputRefused: there is none of such a symbol; the message names the atom and the nearest symbol.
    """
    try:
        return [NUMBERS[symbol] for symbol in symbols]
    except KeyError:
        return [atomic_number(symbol, atom) for atom, symbol in enumerate(symbols, 1)]


def atomic_number(symbol: str, atom: int | None = None) -> int:
    """Look an element up.

    Raises:
        InputRefused: there is none of that symbol; the nearest is suggested.
    """
    known = NUMBERS.get(symbol)
    if known is not None:
        return known
    near = _near(symbol)
    where = "" if atom is None else f"atom {atom}: "
    raise InputRefused(
        f"{where}unknown element {symbol!r}", hint=f"did you mean {' or '.join(near)}?" if near else ""
    )


def _in_4f(number: int) -> int:
    """Return the number of 4f electrons by xTB: those of cerium to lutetium beyond three."""
    return number - NUMBERS["La"] if NUMBERS["La"] <= number <= NUMBERS["Lu"] else 0


def _near(symbol: str) -> list[str]:
    """Name the symbols that `symbol` may have been meant for."""
    spelled = symbol.strip().capitalize()
    if spelled in NUMBERS:
        return [spelled]
    if symbol in ("D", "T"):
        return ["H"]
    from difflib import get_close_matches

    return get_close_matches(spelled, NUMBERS, n=2, cutoff=0.5)


def _parity(count: int, charge: int, unpaired: int) -> str:
    kind = "odd" if count % 2 else "even"
    have = "without unpaired electrons" if unpaired == 0 else f"with {unpaired} unpaired"
    return f"an {kind} number of electrons ({count} at charge {_signed(charge)}) cannot be {have}"


def _signed(charge: int) -> str:
    return f"{charge:+d}" if charge else "0"


def _parity_hint(count: int, charge: int) -> str:
    spin = "--uhf 1 (a doublet)" if count % 2 else "--uhf 0 (all paired) or --uhf 2 (a triplet)"
    return f"give the spin, {spin}, or another charge than --chrg {charge}"


def contacts(symbols: Sequence[str], *, close_contacts: bool) -> list[float]:
    """Name each atom's share of the least distance to another, in Å."""
    if close_contacts:
        return [COINCIDENCE_ANGSTROM / 2] * len(symbols)
    return [CONTACT * COVALENT_RADII_ANGSTROM[number - 1] for number in atomic_numbers(symbols)]


def closest_contact(
    positions: Sequence[Position], shares: Sequence[float]
) -> tuple[int, int, float, float] | None:
    """Find the pair of atoms that is furthest below its least distance.

    Atoms are sorted by x, so that only those near each other in this order have to be compared.

    Args:
        positions: in Å.
        shares: the share of each atom in the least distance of a pair, in Å.

    Returns:
        Both atoms, their distance and the least one, the sum of their shares; None: no pair is too near.
    """
    xs = [position[0] for position in positions]
    order = sorted(range(len(xs)), key=xs.__getitem__)
    reach = 2 * max(shares, default=0.0)
    best: tuple[int, int, float, float] | None = None
    for at, index in enumerate(order):
        for back in range(at - 1, -1, -1):
            other = order[back]
            if xs[index] - xs[other] >= reach:
                break
            distance, least = math.dist(positions[index], positions[other]), shares[index] + shares[other]
            if distance < least and (best is None or distance * best[3] < best[2] * least):
                best = (min(other, index), max(other, index), distance, least)
    return best
