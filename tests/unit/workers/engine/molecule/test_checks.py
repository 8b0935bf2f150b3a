"""`workers.engine.molecule.checks`: what is refused before an engine sees it, and in which words."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standin import molecules
from workers.engine.molecule import checks
from workers.engine.molecule.checks import atomic_number, check, electrons, formula
from workers.engine.molecule.elements import MAX_NUMBER, NUMBERS, ORBITALS, SYMBOLS, VALENCE
from workers.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.standin.molecules import Structure

WATER = molecules.WATER


def refusal(structure: Structure, charge: int = 0, unpaired: int = 0, method: str = "gfn2") -> InputRefused:
    """The refusal of a structure that must be refused."""
    with pytest.raises(InputRefused) as refused:
        check(*structure, charge, unpaired, method)
    return refused.value


@pytest.mark.parametrize("name", ["water", "caffeine", "glycine", "benzene"])
def test_real_molecules_pass(name: str) -> None:
    """
    Ordinary molecules are not refused, under either method.
    """
    for method in checks.METHODS:
        check(*molecules.molecule(name), 0, 0, method)


@pytest.mark.parametrize(
    ("symbol", "hint"),
    [
        ("Xx", ""),
        ("CL", "did you mean Cl?"),
        ("cl", "did you mean Cl?"),
        ("D", "did you mean H?"),
        ("", ""),
        ("C1", "did you mean C"),
        (" O", "did you mean O?"),
    ],
)
def test_an_unknown_element_is_named_with_the_nearest(symbol: str, hint: str) -> None:
    """
    A symbol that is no element's is told by atom, with what may have been meant.
    """
    error = refusal((["O", symbol], [[0, 0, 0], [0, 0, 1]]))

    assert f"atom 2: unknown element {symbol!r}" == error.what
    assert error.hint.startswith(hint)


def test_elements_without_parameters_are_refused() -> None:
    """
    Beyond radon neither method has parameters.
    """
    error = refusal((["H", "Fr"], [[0, 0, 0], [0, 0, 3]]))

    assert (
        "atom 2 is Fr (element 87): the methods have parameters for elements 1 to 86 (H to Rn)" == error.what
    )


def test_checks_nothing_is_no_structure() -> None:
    """
    A structure has at least one atom.
    """
    assert "the structure has no atoms" == refusal(([], [])).what


def test_checks_too_many_atoms_are_refused() -> None:
    """
    The limit of atoms is told.
    """
    many: Structure = (["H"] * 1_001, [[float(n), 0, 0] for n in range(1_001)])

    assert "the structure has 1001 atoms, more than the limit of 1000" == refusal(many).what


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_coordinates_are_finite(value: float) -> None:
    """
    What is not a number is told by atom.
    """
    error = refusal((["O", "H"], [[0, 0, 0], [0, value, 0]]))

    assert "atom 2 (H) has a coordinate that is not a finite number" == error.what


def test_coordinates_are_three_and_near() -> None:
    """
    Two coordinates, too few positions and light years are refused too.
    """
    assert "atom 1 (O) has 2 coordinates, not 3" == refusal((["O"], [[0, 0]])).what
    assert "2 atoms, but 1 positions" == refusal((["O", "H"], [[0, 0, 0]])).what
    assert "atom 1 (O) lies more than 1e+06 Å from the origin" == refusal((["O"], [[0, 0, 1e300]])).what


def test_atoms_on_each_other_are_named_with_their_distance() -> None:
    """
    The pair that is furthest below its least distance is told by number and symbol.
    """
    error = refusal((["O", "H", "H"], [[0, 0, 0], [0, 0, 0.09], [0.03, 0, 0.09]]))

    assert "atoms 2 (H) and 3 (H) are 0.030 Å apart, less than 0.256 Å" == error.what
    check(["H", "H"], [[0, 0, 0], [0, 0, 0.27]], 0, 0, "gfn2")


@given(
    st.lists(
        st.tuples(*[st.floats(-0.3, 0.3) | st.floats(-5, 5)] * 3),
        min_size=2,
        max_size=12,
    )
)
def test_the_closest_pair_is_found_wherever_it_lies(positions: Sequence[Sequence[float]]) -> None:
    """
    The cells find what looking at every pair finds.
    """
    pairs = [
        (math.dist(first, second), i, j)
        for j, second in enumerate(positions)
        for i, first in enumerate(positions[:j])
    ]
    distance = min(pairs)[0]
    found = checks.closest_contact(positions, [0.05] * len(positions))

    assert (None if distance >= 0.1 else distance) == (None if found is None else found[2])


@pytest.mark.parametrize(
    ("symbols", "length"),
    [("HH", 0.741), ("NN", 1.098), ("OO", 1.207), ("CO", 1.128), ("HF", 0.917), ("VV", 1.77), ("CH", 1.09)],
)
def test_compressed_bonds_pass_and_atoms_on_each_other_do_not(symbols: str, length: float) -> None:
    """
    The shortest bonds known pass at two thirds of their length, not at a quarter, unless that is forced.
    """
    near = [[0.0, 0.0, 0.0], [0.0, 0.0, length / 4]]

    checks.check_positions(list(symbols), [[0, 0, 0], [0, 0, length * 2 / 3]])
    with pytest.raises(InputRefused, match="Å apart, less than"):
        checks.check_positions(list(symbols), near)
    checks.check_positions(list(symbols), near, close_contacts=True)
    with pytest.raises(InputRefused, match=r"apart, less than 0\.001 Å"):
        checks.check_positions(list(symbols), [[0, 0, 0], [0, 0, 1e-4]], close_contacts=True)


def test_an_odd_count_without_a_word_about_spin_is_refused_with_what_to_type() -> None:
    """
    The refusal says how many electrons there are and which options settle it.
    """
    error = refusal((["O", "H"], [[0, 0, 0], [0, 0, 1]]))

    assert "an odd number of electrons (9 at charge 0) cannot be without unpaired electrons" == error.what
    assert "give the spin, --uhf 1 (a doublet), or another charge than --chrg 0" == error.hint
    assert "--uhf 2" in refusal(WATER, unpaired=1).hint
    check(["O", "H"], [[0, 0, 0], [0, 0, 1]], 0, 1, "gfn2")
    check(["O", "H"], [[0, 0, 0], [0, 0, 1]], -1, 0, "gfn2")


@pytest.mark.parametrize(
    ("charge", "unpaired", "what"),
    [
        (10, 0, "a charge of +10 leaves H2O without an electron (it has 10)"),
        (1_000, 0, "a charge of +1000 leaves H2O without an electron (it has 10)"),
        (9, 1, "a charge of +9 is more than the 8 valence electrons of H2O"),
        (0, -2, "the number of unpaired electrons cannot be -2"),
        (0, 12, "12 unpaired electrons, but only 10 electrons at charge 0"),
        (0, 10, "10 unpaired electrons, but only 8 valence electrons"),
        (0, 8, "8 valence electrons, 8 of them unpaired, do not fit into the 6 orbitals of gfn2"),
        (-6, 0, "14 valence electrons, 0 of them unpaired, do not fit into the 6 orbitals of gfn2"),
    ],
)
def test_impossible_charges_and_spins_are_refused(charge: int, unpaired: int, what: str) -> None:
    """
    Electrons are counted: all of them, those of the valence, and the orbitals that hold them.
    """
    assert what == refusal(WATER, charge, unpaired).what


def test_a_core_without_valence_electrons_is_an_ion_like_others() -> None:
    """
    Li+ has electrons, a proton has none.
    """
    check(["Li"], [[0, 0, 0]], 1, 0, "gfn2")
    assert "a charge of +1 leaves H without an electron (it has 1)" == refusal((["H"], [[0, 0, 0]]), 1).what


def test_methods_are_named() -> None:
    """
    A method that is not there is refused with those that are.
    """
    error = refusal(WATER, method="gfn9")

    assert "unknown method 'gfn9'" == error.what
    assert error.hint.startswith("methods are gfn2, gfn1, ")


@pytest.mark.parametrize(
    ("symbols", "written"),
    [
        (["O", "H", "H"], "H2O"),
        (["H", "C", "Cl", "H", "H"], "CH3Cl"),
        (["Na", "Cl"], "ClNa"),
        (["H", "H"], "H2"),
        (["O", "C", "O"], "CO2"),
        (["Br", "C", "H"], "CHBr"),
        (["H", "Br"], "BrH"),
        ([], ""),
    ],
)
def test_formulas_are_in_hill_order(symbols: list[str], written: str) -> None:
    """
    Carbon first, then hydrogen, then by name; without carbon all by name.
    """
    assert written == formula(symbols)


def test_electrons_are_counted() -> None:
    """
    Nuclear charges less the charge.
    """
    assert (10, 9, 11) == tuple(electrons(["O", "H", "H"], charge) for charge in (0, 1, -1))
    assert 86 == atomic_number("Rn")


@pytest.mark.parametrize(
    ("symbol", "charge", "unpaired"), [("La", 0, 1), ("Ce", 3, 0), ("Gd", 3, 0), ("Gd", 0, 1), ("Lu", 3, 0)]
)
def test_4f_electrons_are_of_the_core(symbol: str, charge: int, unpaired: int) -> None:
    """
    Each atom from cerium to lutetium has three valence electrons, whether its own number is odd or even.
    """
    check([symbol, "F"], [[0, 0, 0], [0, 0, 2]], charge - 1, unpaired, "gfn2")
    error = refusal(([symbol, "F"], [[0, 0, 0], [0, 0, 2]]), charge - 1, unpaired + 1)

    assert (symbol != "La") == error.what.endswith("4f electrons do not count, xTB keeps them in the core")
    for number in range(1, MAX_NUMBER + 1):
        assert VALENCE[number - 1] % 2 == electrons([SYMBOLS[number - 1]], 0) % 2


def test_the_tables_have_every_element() -> None:
    """
    118 elements, of which 86 have valence electrons and orbitals in both methods.
    """
    assert 118 == len(SYMBOLS) == len(NUMBERS)
    assert (6, 26, 86, 118) == tuple(NUMBERS[symbol] for symbol in ("C", "Fe", "Rn", "Og"))
    assert {MAX_NUMBER} == {len(VALENCE), *map(len, ORBITALS.values())}


def test_checking_loads_neither_numpy_nor_pydantic() -> None:
    """
    The command line checks without waiting for heavy modules.
    """
    code = "import sys, workers.engine.molecule.checks; print({'numpy', 'pydantic'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == ended.stdout
