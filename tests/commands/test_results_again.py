"""`nox results`: free energies at other temperatures, in another standard state, from stored frequencies."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.results.query import read_results
from nox_cli.results.thermochemistry import Conditions, Temperatures
from tests.support.ended import complete, water
from workers.errors import UsageError

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

KCAL = 1 / 627.5094740631
STRETCHED = [[0.0, 0.0, 0.1], [0.0, 0.9, -0.4], [0.0, -0.9, -0.4]]


def curved(store: Store, name: str, softest_cm1: float, **changes: Any) -> None:
    """End an optimisation with frequencies, whose G is a rough one."""
    gas = {
        "temperature_k": 298.15,
        "pressure_pa": 101_325.0,
        "symmetry_number": 2,
        "symmetry_number_origin": "detected",
        "mass_u": 18.015,
        "moments_of_inertia_u_angstrom2": [0.6, 1.2, 1.8],
        "rotor_cutoff_cm1": 50.0,
        "zpe_hartree": 0.02,
        "enthalpy_hartree": -5.04,
        "entropy_hartree_per_k": 7e-5,
        "entropy_rrho_hartree_per_k": 7e-5,
        "gibbs_hartree": -5.06,
        "gibbs_rrho_hartree": -5.06,
    }
    modes = {
        "frequencies_cm1": [softest_cm1, 3_600.0, 3_700.0],
        "ir_intensities_km_per_mol": [1.0, 2.0, 3.0],
        "imaginary_modes": int(softest_cm1 < 0),
        "imaginary_cutoff_cm1": -20.0,
        "lowest_mode_cm1": softest_cm1,
        "gradients": 12,
        "step_bohr": 0.005,
    }
    kind = {"kind": "ohess"}
    made: dict[str, Any] = {"kind": "ohess", "thermochemistry": gas, "vibrations": modes} | changes
    complete(store, water(name, spec=kind, **kind), **made)


def rows(nox: Nox, *words: str) -> list[dict[str, str]]:
    """Read results as CSV."""
    return list(csv.DictReader(StringIO(nox("results", "@all", *words, "-o", "csv", check=True).stdout)))


def test_results_again_several_temperatures(any_nox: Nox, any_store: Store) -> None:
    """
    Each job has a row for each temperature, and is compared with others at that temperature only.
    """
    curved(any_store, "stiff", 1_500.0)
    curved(any_store, "soft", 100.0, positions_angstrom=STRETCHED)
    found = rows(any_nox, "--temp", "200:400:100", "--boltzmann")
    stiff, soft = found[:3], found[3:]

    assert [200.0, 300.0, 400.0] == [float(row["temperature_k"]) for row in stiff]
    assert {"gibbs"} == {row["compared_by"] for row in found}
    assert ["0.0000000000"] * 3 == [row["relative_kcal_per_mol"] for row in soft]
    assert sorted(float(row["relative_kcal_per_mol"]) for row in stiff) == [
        float(row["relative_kcal_per_mol"]) for row in stiff
    ]
    for one, other in zip(stiff, soft, strict=True):
        assert 1.0 == pytest.approx(float(one["boltzmann_weight"]) + float(other["boltzmann_weight"]))
    assert 2 == len(any_nox("results", "@all", "--temp", "200:400:100", "-q").stdout.split())


def test_results_again_another_standard_state(nox: Nox, store: Store) -> None:
    """
    1 M lies RT ln 24.47 above 1 atm; a symmetry number moves G by RT ln of it.
    """
    curved(store, "a", 1_500.0)
    atm, molar, single = (
        float(rows(nox, *words)[0]["gibbs_hartree"])
        for words in (["--temp", "298.15"], ["--standard-state", "1M"], ["--symmetry-number", "1"])
    )

    assert 1.894 == pytest.approx((molar - atm) / KCAL, abs=1e-3)
    assert 0.4107 == pytest.approx((atm - single) / KCAL, abs=1e-3)


def test_the_table_says_under_which_conditions(nox: Nox, store: Store) -> None:
    """
    Conditions that all rows share stand above them, else in each row.
    """
    curved(store, "a", 1_500.0)
    plain = nox("results", check=True).stdout.splitlines()
    molar = nox("results", "--standard-state", "1M", check=True).stdout.splitlines()
    several = nox("results", "--temp", "200:300:100", check=True).stdout.splitlines()

    assert "opt normal + freq · GFN2-xTB · gas phase · 298.15 K, 1 atm · xtb 22.1" == plain[0]
    assert "298.15 K, 1 M" in molar[0]
    assert "opt normal + freq · GFN2-xTB · gas phase · 1 atm · xtb 22.1" == several[0]
    assert ["200 K", "300 K"] == [" ".join(line.split()[-2:]) for line in several[2:]]


def test_results_again_what_has_no_frequencies_is_told(nox: Nox, store: Store) -> None:
    """
    A job without frequencies keeps its row, and is counted.
    """
    complete(store)
    curved(store, "a", 1_500.0)
    said = nox("results", "1-2", "--standard-state", "1M", "-o", "csv")

    assert 3 == len(said.stdout.splitlines())
    assert ["1 job without thermochemistry to work out again"] == said.stderr.splitlines()


def test_a_warning_has_a_word_in_its_row(nox: Nox, store: Store) -> None:
    """
    A row that something is said of has it in a word; the words stand below.
    """
    for verdict in ("imaginary_modes", "bonds_changed", "not_stationary", "small_gap"):
        curved(store, verdict, -300.0, verdicts=[verdict], warnings=[f"beware of {verdict}"])
    said = nox("results", "1-4", check=True).stdout.splitlines()

    assert ["! saddle", "! bonds", "! slope", "! gap"] == [" ".join(line.split()[-2:]) for line in said[2:6]]
    assert "! 1: beware of imaginary_modes" == said[6]
    assert "! beware of small_gap" in nox("results", "4", "-o", "si", check=True).stdout.splitlines()


def test_a_supporting_information_has_free_energies(nox: Nox, store: Store) -> None:
    """
    A block has ZPE, H and G with their conditions, and the imaginary modes.
    """
    curved(store, "a", 1_500.0)
    block = nox("results", "-o", "si", check=True).stdout.splitlines()
    in_kj = nox("results", "-o", "si", "--unit", "kj", check=True).stdout.splitlines()

    assert [
        "E = -5.07054412 Eh",
        "ZPE = 0.02000000 Eh",
        "H(298.15 K, 1 atm) = -5.04000000 Eh",
        "G(298.15 K, 1 atm) = -5.06000000 Eh",
        "imaginary modes: 0",
        "lowest mode: 1500.0 cm-1",
    ] == block[3:9]
    assert "ZPE = 52.5100 kJ/mol" == in_kj[4]


@pytest.mark.parametrize(
    "words",
    [["--temp", "hot"], ["--temp", "400:300:10"], ["--standard-state", "1"], ["--symmetry-number", "0"]],
)
def test_conditions_that_are_none(nox: Nox, store: Store, words: list[str]) -> None:
    """
    A temperature, a state or a number that is none is an error of usage.
    """
    curved(store, "a", 1_500.0)

    assert 2 == nox("results", *words).returncode


def test_results_again_as_many_rows_as_asked_for(nox: Nox, store: Store) -> None:
    """
    Every job has all its rows; more than a million are an error of usage.
    """
    for name in ("a", "b"):
        curved(store, name, 1_500.0)
    said = nox("results", "1-2", "--temp", "1:1000:1", "--columns", "number", "-o", "tsv", check=True).stdout
    thousand = Conditions(temp=Temperatures((300.0,) * 1_000))

    assert 2_001 == len(said.splitlines())
    assert read_results(store, ["x"] * 1_000, conditions=thousand)
    with pytest.raises(UsageError, match="1,001,000 rows"):
        read_results(store, ["x"] * 1_001, conditions=thousand)
