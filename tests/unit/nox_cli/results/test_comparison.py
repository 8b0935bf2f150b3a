"""What may be compared with what, and what comes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.results.comparison import Comparison, ComparisonOptions, compare
from nox_cli.results.geometry import Geometry
from nox_cli.results.record import ResultRecord
from nox_cli.results.rows import Row
from workers.job import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

KCAL = 1 / 627.5094740631
ROOM_KCAL = 0.592484


def row(number: int, kcal: float | None, *, stretch: float = 1.0, **values: Any) -> Row:
    """Make a row whose energy lies this much above -5 Eh; conformers differ by their stretch."""
    job = Job(f"{number:032x}", number, JobState.DONE, "ada", "opt", 0, name=f"c{number}")
    plain: dict[str, Any] = {
        "energy_hartree": None if kcal is None else -5.0 + kcal * KCAL,
        "converged": True,
        "formula": "H2O",
        "charge": 0,
        "unpaired_electrons": 0,
        "method": "gfn2",
        "electronic_temperature_k": 300.0,
        "engine": "xtb",
        "engine_version": "22.1",
    }
    places = ((0.0, 0.0, 0.12), (0.0, 0.76 * stretch, -0.47), (0.0, -0.76 * stretch, -0.47))
    record = ResultRecord(number, job.id, **(plain | values))
    return Row(job, record, geometry=Geometry(("O", "H", "H"), places))


def relative(found: Comparison, rows: Sequence[Row]) -> list[float | None]:
    """Name relative energies in kcal/mol."""
    energies = [found.of(one).relative_hartree for one in rows]
    return [None if energy is None else round(energy / KCAL, 6) for energy in energies]


def test_reference_the_lowest() -> None:
    """
    Energies are counted from the lowest of the rows, wherever it stands.
    """
    rows = [row(1, 2.0), row(2, 0.0), row(3, 5.5)]

    assert [2.0, 0.0, 5.5] == relative(compare(rows), rows)


@pytest.mark.parametrize(
    "changes",
    [
        {"formula": "H2O2"},
        {"charge": 1},
        {"method": "gfn1"},
        {"solvent": "water"},
        {"solvation": "alpb"},
        {"electronic_temperature_k": 1_000.0},
        {"engine": "tblite"},
        {"engine_version": "22.2"},
        {"spin_polarised": True},
        {"own_options": ("--foo", "7")},
        {"program_input": "$fix"},
    ],
)
def test_comparison_only_what_is_equal_is_compared(changes: dict[str, Any]) -> None:
    """
    A row that differs in formula, charge, method, solvent, electronic temperature, engine or what the
    xtb program was handed stands alone.
    """
    rows = [row(1, 2.0), row(2, 0.0), row(3, -9.0, **changes)]

    assert [2.0, 0.0, None] == relative(compare(rows), rows)


@pytest.mark.parametrize("changes", [{"converged": False}, {"bonds_changed": ["H8 moved"]}])
def test_comparison_what_is_doubtful_is_not_compared(changes: dict[str, Any]) -> None:
    """
    A row that is not converged, or whose bonds changed, is compared with nothing.
    """
    rows = [row(1, 2.0), row(2, 0.0), row(3, -9.0, **changes), row(4, None)]

    assert [2.0, 0.0, None, None] == relative(compare(rows), rows)


def test_reacted_rows_may_be_kept() -> None:
    """
    Bonds that changed keep a row out unless somebody wants it in.
    """
    rows = [row(1, 2.0), row(2, 0.0, bonds_changed=["x"])]

    assert [None, None] == relative(compare(rows), rows)
    assert [2.0, 0.0] == relative(compare(rows, keep_reacted=True), rows)


def test_a_saddle_point_is_no_reference_and_has_no_weight() -> None:
    """
    A row with an imaginary mode is compared, but nothing is counted from it and it has no weight.
    """
    rows = [row(1, 2.0), row(2, 3.0, stretch=1.1), row(3, 0.0, imaginary_modes=1)]
    found = compare(rows, weigh=True)

    assert [0.0, 1.0, -2.0] == relative(found, rows)
    assert found.of(rows[2]).weight is None
    assert 1.0 == pytest.approx(sum(found.of(one).weight or 0.0 for one in rows))


def test_gibbs_energies_where_all_have_them() -> None:
    """
    G is compared if every row that is compared has it; else E is, and that is said.
    """
    with_gibbs = [row(1, 2.0, gibbs_hartree=-4.9), row(2, 0.0, gibbs_hartree=-4.9 + KCAL)]
    found = compare(with_gibbs)

    assert (frozenset({"gibbs_hartree"}), "dG") == (found.quantities, found.symbol)
    assert [0.0, 1.0] == relative(found, with_gibbs)

    mixed = [*with_gibbs, row(3, 4.0, gibbs_hartree=None)]
    found = compare(mixed)

    assert [2.0, 0.0, 4.0] == relative(found, mixed)
    assert ["not every row has a G: E is compared"] == found.remarks


def test_comparison_of_energies_where_all_have_a_free_energy() -> None:
    """
    Energies are compared in place of G where that is asked for, and weighed at 298.15 K.
    """
    at = {"temperature_k": 500.0, "pressure_pa": 101_325.0}
    rows = [row(1, 1.0, gibbs_hartree=-4.9, **at), row(2, 0.0, gibbs_hartree=-4.8, stretch=1.1, **at)]
    found = compare(rows, weigh=True, electronic=True)

    assert "dE" == found.symbol
    assert [1.0, 0.0] == relative(found, rows)
    assert math.exp(-1.0 / ROOM_KCAL) == pytest.approx(_ratio(found, rows), rel=1e-4)


def _ratio(found: Comparison, rows: Sequence[Row]) -> float:
    first, second = (found.of(one).weight or 0.0 for one in rows)
    return first / second


def test_comparison_names_the_row_that_energies_are_counted_from() -> None:
    """
    Rows that are compared with each other share the job that their energies are counted from.
    """
    rows = [row(1, 2.0), row(2, 0.0), row(3, 1.0, method="gfn1"), row(4, 0.5, method="gfn1"), row(5, None)]
    found = compare(rows)

    assert [2, 2, 4, 4, None] == [found.of(one).reference for one in rows]


def test_comparison_names_why_a_row_is_not_compared() -> None:
    """
    Each row that is not compared has its reason; one that is has none.
    """
    at = {"temperature_k": 298.15, "pressure_pa": 101_325.0}
    rows = [
        row(1, 2.0, gibbs_hartree=-4.9, **at),
        row(2, 0.0, gibbs_hartree=-4.9, **at),
        row(3, 1.0, verdicts=("not_stationary",)),
        row(4, None),
        row(5, 0.0, converged=False),
        row(6, 0.0, bonds_changed=("broken O1-H2",)),
        row(7, 0.0, formula="H2O2"),
    ]
    found = compare(rows)

    assert [None, None, "not_stationary", "no_energy", "not_converged", "bonds_changed", "alone"] == [
        found.of(one).obstacle for one in rows
    ]


def test_comparison_each_group_is_compared_by_what_its_rows_have() -> None:
    """
    G where every row of a comparable group has it, whatever rows of other groups lack; the remark names
    the groups that fall back.
    """
    rows = [
        row(1, 2.0, gibbs_hartree=-4.9),
        row(2, 0.0, gibbs_hartree=-4.9 + KCAL),
        row(3, 5.0, formula="CH4", gibbs_hartree=-4.9),
        row(4, 7.0, formula="CH4"),
        row(5, 3.0, method="gfn1"),
        row(6, 6.0, method="gfn1"),
        row(7, 9.0, charge=1, gibbs_hartree=-4.0),
    ]
    found = compare(rows, weigh=True)

    assert [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, None] == relative(found, rows)
    assert ["gibbs_hartree"] * 2 + ["energy_hartree"] * 4 == [found.of(one).quantity for one in rows[:6]]
    assert "dG,dE" == found.symbol
    assert ["not every row of CH4 has a G: E is compared"] == found.remarks


def test_free_energies_are_compared_under_equal_conditions() -> None:
    """
    G at another temperature or pressure is another quantity; a slope has none and stays out.
    """
    room: dict[str, Any] = {"temperature_k": 298.15, "pressure_pa": 101_325.0}
    rows = [
        row(1, 0.0, gibbs_hartree=-4.9, **room),
        row(2, 0.0, gibbs_hartree=-4.9 + KCAL, **room),
        row(3, 0.0, gibbs_hartree=-4.8, **room | {"pressure_pa": 1e5}),
        row(4, 0.0, gibbs_hartree=-4.8, **room | {"temperature_k": 300.0}),
        row(5, 9.0, gibbs_hartree=None, verdicts=["not_stationary"]),
    ]
    found = compare(rows)

    assert frozenset({"gibbs_hartree"}) == found.quantities
    assert [0.0, 1.0, None, None, None] == relative(found, rows)


def test_weights_are_of_the_temperature() -> None:
    """
    A row has a weight for each temperature, where they are named.
    """
    rows = [
        row(number, kcal, stretch=1 + number / 10, temperature_k=kelvin)
        for kelvin in (200.0, 400.0)
        for number, kcal in ((1, 0.0), (2, 1.0))
    ]
    found = compare(rows, weigh=True, at_temperatures=True)
    cold, hot = (found.of(rows[i + 1]).weight or 0.0 for i in (0, 2))

    assert math.exp(-1.0 / 0.397441) == pytest.approx(cold / (1 - cold), rel=1e-4)
    assert math.exp(-1.0 / 0.794882) == pytest.approx(hot / (1 - hot), rel=1e-4)


def test_weights_follow_boltzmann() -> None:
    """
    Weights sum to 1, and fall with exp(-dE/RT).
    """
    rows = [row(1, 0.0), row(2, 1.0, stretch=1.1), row(3, 2.0, stretch=1.2)]
    found = compare(rows, weigh=True)
    weights = [found.of(one).weight or 0.0 for one in rows]

    assert 1.0 == pytest.approx(sum(weights))
    assert math.exp(-1.0 / ROOM_KCAL) == pytest.approx(weights[1] / weights[0], rel=1e-5)
    assert weights[1] ** 2 == pytest.approx(weights[0] * weights[2], rel=1e-9)


def test_a_conformer_counts_once() -> None:
    """
    Rows within 0.05 kcal/mol and 1 % of the moments of inertia are one conformer, the lowest of them.
    """
    rows = [
        row(1, 0.04),
        row(2, 0.0, stretch=1.001),
        row(3, 0.02, stretch=1.1),
        row(4, 0.2),
        row(5, 0.01, unpaired_electrons=2),
    ]
    found = compare(rows, weigh=True)

    assert [2, None, None, None, None] == [found.of(one).same_as for one in rows]
    assert found.of(rows[0]).weight is None
    assert 1.0 == pytest.approx(sum(found.of(one).weight or 0.0 for one in rows))


def test_comparison_without_weights_nothing_is_merged() -> None:
    """
    Equal conformers are looked for only where weights are asked for.
    """
    rows = [row(1, 0.0), row(2, 0.01)]
    found = compare(rows)

    assert [(None, None), (None, None)] == [(found.of(one).same_as, found.of(one).weight) for one in rows]


def test_engines_that_part_rows_are_named() -> None:
    """
    Where only the engine keeps rows apart, that is said.
    """
    found = compare([row(1, 2.0), row(2, 0.0), row(3, 1.0, engine="tblite", engine_version="0.8.0")])

    assert ["rows of different engines are not compared: tblite 0.8.0, xtb 22.1"] == found.remarks


def test_spins_are_compared_with_a_warning() -> None:
    """
    Different spins are compared, and without spin polarisation their order is called unsure.
    """
    plain = [row(1, 2.0), row(2, 0.0, unpaired_electrons=2)]
    polarized = [row(1, 2.0, spin_polarised=True), row(2, 0.0, unpaired_electrons=2, spin_polarised=True)]

    [remark] = compare(plain).remarks

    assert "different spins are compared without --spinpol: their order is not sure" == remark
    assert [] == compare(polarized).remarks
    assert [2.0, 0.0] == relative(compare(polarized), polarized)


def test_comparison_nothing_is_compared_with_nothing() -> None:
    """
    No rows, or one, are fine.
    """
    assert [] == compare([]).remarks
    assert [None] == relative(compare([row(1, 0.0)], weigh=True), [row(1, 0.0)])


PEROXIDE = ((0.0, 0.7, 0.0), (0.0, -0.7, 0.0), (0.8, 0.9, 0.45), (-0.8, -0.9, 0.45))


def peroxide(number: int, kcal: float, hand: int = 1, *, flat: bool = False, **values: Any) -> Row:
    """Make a row of hydrogen peroxide, twisted one way or the other, or flat."""
    places = tuple((x, y, 0.0 if flat else z * hand) for x, y, z in PEROXIDE)
    return row(number, kcal, **values)._replace(geometry=Geometry(("O", "O", "H", "H"), places))


def counted(found: Comparison, rows: Sequence[Row]) -> list[int | None]:
    """Name how often each row's conformer is counted."""
    return [found.of(one).degeneracy for one in rows]


def test_a_chiral_conformer_counts_with_its_mirror_image() -> None:
    """
    Its weight is twice that of an achiral one of equal energy; --no-mirror counts it once.
    """
    rows = [peroxide(1, 0.0), peroxide(2, 0.0, flat=True)]
    found, plain = compare(rows, weigh=True), compare(rows, weigh=True, mirrored=False)

    assert [2, 1] == counted(found, rows)
    assert [2 / 3, 1 / 3] == pytest.approx([found.of(one).weight for one in rows])
    assert [1, 1] == counted(plain, rows)
    assert [0.5, 0.5] == pytest.approx([plain.of(one).weight for one in rows])


def test_a_mirror_image_among_the_rows_counts_itself() -> None:
    """
    Each of the two counts once, and is no repetition of the other, also where energies differ a little; what
    is there again is that of its own hand.
    """
    rows = [
        peroxide(1, 0.0),
        peroxide(2, 0.02, -1),
        peroxide(3, 0.03),
        peroxide(4, 0.04, -1),
        peroxide(5, 1.0, flat=True),
    ]
    found = compare(rows, weigh=True)

    assert [1, 1, None, None, 1] == counted(found, rows)
    assert [None, None, 1, 2, None] == [found.of(one).same_as for one in rows]
    plain = compare(rows, weigh=True, mirrored=False)
    assert [None, 1, 1, 1, None] == [plain.of(one).same_as for one in rows]
    apart = [peroxide(1, 0.0), peroxide(2, 0.3, -1), peroxide(3, 1.0, flat=True)]
    assert [1, 1, 1] == counted(compare(apart, weigh=True), apart)


@pytest.mark.parametrize(
    "held",
    [{"is_frozen": True}, {"program_input": "$opt\n$end\n $constrain\n dihedral: 1,2,3,4,60\n$end"}],
)
def test_comparison_what_is_held_in_place_has_no_mirror_image(held: dict[str, Any]) -> None:
    """
    With frozen atoms or restraints the mirror image is another question's answer.
    """
    rows = [peroxide(1, 0.0, **held), peroxide(2, 0.0, flat=True, **held)]

    assert [1, 1] == counted(compare(rows, weigh=True), rows)


def test_crystals_and_rows_without_geometry_count_once() -> None:
    """
    There is nothing to mirror.
    """
    cell = ((9.0, 0.0, 0.0), (0.0, 9.0, 0.0), (0.0, 0.0, 9.0))
    crystal = [
        one._replace(geometry=Geometry(("O", "O", "H", "H"), PEROXIDE, cell))
        for one in (peroxide(1, 0.0), peroxide(2, 1.0))
    ]
    bare = [one._replace(geometry=None) for one in crystal]

    assert [1, 1] == counted(compare(crystal, weigh=True), crystal)
    assert [1, 1] == counted(compare(bare, weigh=True), bare)


def test_comparison_what_cannot_be_told_is_not_doubled_and_said() -> None:
    """
    A chiral shell about a metal may be fixed, or not.
    """
    shell = [(2.0, 0, 0), (-2.0, 0, 0), (0, 2.0, 0), (0, 0, 2.0), (0.3, -1.9, 0.4), (0.2, 0.5, -1.9)]
    geometry = Geometry(("Fe", "F", "Cl", "Br", "N", "O", "S"), ((0.0, 0.0, 0.0), *shell))
    metal = [row(number, kcal)._replace(geometry=geometry) for number, kcal in ((1, 0.0), (2, 1.0))]
    found = compare(metal, weigh=True)

    assert [1, 1] == counted(found, metal)
    assert ["mirror images are not counted where chirality cannot be told: job 1, 2"] == found.remarks


def test_comparison_columns_keep_their_places() -> None:
    """
    Scripts that count columns find the weights behind what is compared; later columns are at the end.
    """
    wanted = ("relative_kcal_per_mol", "compared_by", "boltzmann_weight", "same_conformer_as", "degeneracy")

    assert (*wanted, "reference", "not_compared") == ComparisonOptions(boltzmann=True).fields()[-7:]
