"""Thermochemistry worked out again from stored frequencies."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.results.documents import Document
from nox_cli.results.record import ResultRecord
from nox_cli.results.thermochemistry import Gas, StandardState, gas_of, standard_state, temperatures
from workers.errors import UsageError

ROOM_K, ATM_PA = 298.15, 101_325.0
RT_KCAL = 1.987204259e-3 * ROOM_K
KCAL = 1 / 627.5094740631
RESULT: dict[str, Any] = {
    "energy_hartree": -5.0705,
    "thermochemistry": {
        "temperature_k": ROOM_K,
        "pressure_pa": ATM_PA,
        "symmetry_number": 2,
        "mass_u": 18.015,
        "moments_of_inertia_u_angstrom2": [0.616, 1.156, 1.772],
        "rotor_cutoff_cm1": 50.0,
    },
    "vibrations": {"frequencies_cm1": [1_539.0, 3_643.0, 3_652.0], "imaginary_cutoff_cm1": -20.0},
}


def water() -> Gas:
    """Read the gas of water."""
    found = gas_of(Document(RESULT))
    assert found is not None
    return found


def numbers(gas: Gas, kelvin: float, pascal: float, symmetry_number: int | None) -> dict[str, Any]:
    """Work thermochemistry out under other conditions; return the fields that it changes."""
    empty = ResultRecord(1, "")
    found, before = gas.applied(empty, kelvin, pascal, symmetry_number)._asdict(), empty._asdict()
    names = ("zpe_hartree", "gibbs_hartree", "entropy_hartree_per_k")
    return {name: value for name, value in found.items() if name in names or value != before[name]}


def test_the_entropy_of_water() -> None:
    """
    The standard entropy of water vapour is 188.8 J/(mol K), its zero-point energy half the sum of its modes.
    """
    values = numbers(water(), ROOM_K, 1e5, None)

    assert 188.8 == pytest.approx(values["entropy_hartree_per_k"] * 2_625_499.64, abs=0.5)
    assert (1_539 + 3_643 + 3_652) / 2 / 219_474.63 == pytest.approx(values["zpe_hartree"], rel=1e-6)
    assert values["gibbs_hartree"] == pytest.approx(
        values["enthalpy_hartree"] - ROOM_K * values["entropy_hartree_per_k"], abs=1e-12
    )
    assert (ROOM_K, 1e5, 2) == (values["temperature_k"], values["pressure_pa"], values["symmetry_number"])


def test_thermochemistry_one_mole_a_litre() -> None:
    """
    From 1 atm to 1 M a free energy rises by RT ln 24.47, 1.89 kcal/mol at room temperature.
    """
    molar = StandardState("1 M", molar=1.0).pressure_pa(ROOM_K)
    rise = (
        numbers(water(), ROOM_K, molar, None)["gibbs_hartree"]
        - numbers(water(), ROOM_K, ATM_PA, None)["gibbs_hartree"]
    )

    assert 1.894 == pytest.approx(rise / KCAL, abs=1e-3)


def test_a_symmetry_number_divides_the_rotations() -> None:
    """
    Half the symmetry number means a free energy lower by RT ln 2.
    """
    given, single = (numbers(water(), ROOM_K, ATM_PA, number)["gibbs_hartree"] for number in (None, 1))

    assert RT_KCAL * math.log(2) == pytest.approx((given - single) / KCAL, rel=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"thermochemistry": None},
        {"vibrations": {"frequencies_cm1": [1.0]}},
        {"energy_hartree": "low"},
        {"thermochemistry": RESULT["thermochemistry"] | {"mass_u": None}},
        {"thermochemistry": RESULT["thermochemistry"] | {"mass_u": -1.0}},
        {"thermochemistry": RESULT["thermochemistry"] | {"moments_of_inertia_u_angstrom2": [-1.0]}},
        {"thermochemistry": RESULT["thermochemistry"] | {"moments_of_inertia_u_angstrom2": [1.0, 2.0]}},
        {"thermochemistry": RESULT["thermochemistry"] | {"symmetry_number": 0}},
    ],
)
def test_a_damaged_result_has_no_gas(changes: dict[str, Any]) -> None:
    """
    What is not whole is not worked out again.
    """
    assert gas_of(Document(json.loads(json.dumps(RESULT | changes)))) is None


@pytest.mark.parametrize(
    ("text", "kelvin"),
    [
        ("310", (310.0,)),
        ("273.15", (273.15,)),
        ("273:373:50", (273.0, 323.0, 373.0)),
        ("1:2:0.3", (1.0, 1.3, 1.6, 1.9)),
    ],
)
def test_temperatures(text: str, kelvin: tuple[float, ...]) -> None:
    """
    One temperature, or the first, the last and the step.
    """
    assert kelvin == pytest.approx(temperatures(text).kelvin)


def test_the_last_temperature_is_there() -> None:
    """
    Steps that are no whole binary numbers reach the last temperature all the same.
    """
    assert 4 == len(temperatures("1.1:1.4:0.1").kelvin)


@pytest.mark.parametrize("text", ["", "x", "1:2", "9:3:1", "3:9:0", "0", "1:9999:1", "nan", "-1", "1e3"])
def test_thermochemistry_what_is_no_temperature(text: str) -> None:
    """
    Anything else is an error of usage.
    """
    with pytest.raises(UsageError, match="temperature"):
        temperatures(text)


@pytest.mark.parametrize(
    ("text", "words", "pascal"),
    [
        ("1M", "1 M", 2_478_957.0),
        ("0.5 mol/L", "0.5 M", 1_239_478.5),
        ("1atm", "1atm", 101_325.0),
        ("1bar", "1bar", 1e5),
    ],
)
def test_standard_states(text: str, words: str, pascal: float) -> None:
    """
    A concentration is a pressure that grows with the temperature.
    """
    found = standard_state(text)

    assert words == found.words
    assert pascal == pytest.approx(found.pressure_pa(ROOM_K), rel=1e-5)


@pytest.mark.parametrize("text", ["", "1", "M", "0M", "1 molar", "-1bar"])
def test_thermochemistry_what_is_no_standard_state(text: str) -> None:
    """
    A number alone, or nothing at all, is none.
    """
    with pytest.raises(UsageError, match="standard state"):
        standard_state(text)


number = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**400), 10**400) | st.none()


@given(
    st.fixed_dictionaries(
        {
            "energy_hartree": number,
            "vibrations": st.fixed_dictionaries(
                {"frequencies_cm1": st.lists(number, max_size=3), "imaginary_cutoff_cm1": number}
            ),
            "thermochemistry": st.fixed_dictionaries(
                {
                    "temperature_k": number,
                    "pressure_pa": number,
                    "symmetry_number": st.integers(-2, 2),
                    "mass_u": number,
                    "moments_of_inertia_u_angstrom2": st.lists(number, max_size=3),
                    "rotor_cutoff_cm1": number,
                }
            ),
        }
    ),
    st.floats(1e-6, 1e5),
)
def test_thermochemistry_no_numbers_break_it(result: dict[str, Any], kelvin: float) -> None:
    """
    Whatever a damaged record holds, what is worked out of it is finite, or nothing.
    """
    gas = gas_of(Document(result))
    values = numbers(gas, kelvin, ATM_PA, None) if gas else {}

    assert all(value is None or math.isfinite(value) for value in values.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"vibrations": RESULT["vibrations"] | {"frequencies_cm1": [1e-20]}},
        {"thermochemistry": RESULT["thermochemistry"] | {"moments_of_inertia_u_angstrom2": [1e300] * 3}},
    ],
)
def test_thermochemistry_what_cannot_be_worked_out_is_nothing(changes: dict[str, Any]) -> None:
    """
    A mode of next to nothing or a moment beyond all numbers leaves every number empty.
    """
    gas = gas_of(Document(RESULT | changes))
    assert gas is not None
    values = numbers(gas, ROOM_K, ATM_PA, None)

    assert {None} == {values[name] for name in ("zpe_hartree", "gibbs_hartree", "entropy_hartree_per_k")}
