"""Thermochemistry again from stored frequencies: other temperatures, standard states, symmetry numbers."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nox_cli.values import pressure_pa
from workers.errors import UsageError

if TYPE_CHECKING:
    from nox_cli.results.documents import Document
    from workers.engine.vibrations.thermochemistry import Conditions, Molecule

MAX_TEMPERATURES = 1_000
MAX_TEMPERATURE_K = 1e5
_NUMBERS = (
    "zpe_hartree",
    "enthalpy_hartree",
    "entropy_hartree_per_k",
    "gibbs_hartree",
    "gibbs_rrho_hartree",
)
_GAS_CONSTANT = 8.31446261815324  # J/(mol K), CODATA 2018
_LITRES_PER_M3 = 1_000.0
_MOLAR = re.compile(r"(\d+(?:\.\d+)?)\s*(?:M|mol/L)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class StandardState:
    """What a molecule's free energy is counted in: a pressure, or a concentration."""

    words: str
    pascal: float = 0.0
    molar: float = 0.0

    def pressure_pa(self, temperature_k: float) -> float:
        """The pressure of an ideal gas in this state."""
        return self.pascal or self.molar * _LITRES_PER_M3 * _GAS_CONSTANT * temperature_k


@dataclass(frozen=True, slots=True)
class Temperatures:
    """One temperature, or several by rising size."""

    kelvin: tuple[float, ...]


def standard_state(text: str) -> StandardState:
    """Read a standard state: `1M`, `1atm`, `1bar`.

    Raises:
        UsageError: it is none.
    """
    found = _MOLAR.fullmatch(text.strip())
    if found and float(found[1]):
        return StandardState(f"{float(found[1]):g} M", molar=float(found[1]))
    try:
        return StandardState(text.strip(), pascal=pressure_pa(text))
    except UsageError:
        raise UsageError(
            f'"{text[:40]}" is not a standard state', hint="a concentration or a pressure: 1M, 1atm, 1bar"
        ) from None


def temperatures(text: str) -> Temperatures:
    """Read temperatures: `310`, or `273:373:25` for the first, the last and the step.

    Raises:
        UsageError: they are none, or too many.
    """
    words = text.strip().split(":")
    hint = "write --temp 310, or --temp 273:373:25 for several"
    if len(words) not in {1, 3} or not all(_NUMBER.fullmatch(word) for word in words):
        raise UsageError(f'"{text[:40]}" is not a temperature', hint=hint)
    first, last, step = [float(word) for word in (*words, *words, *words)[:3]]
    if not 0 < first <= last <= MAX_TEMPERATURE_K or not step:
        raise UsageError(f'"{text[:40]}" are no temperatures from low to high', hint=hint)
    count = 1 if len(words) == 1 else math.floor((last - first) / step * (1 + 1e-9)) + 1
    if count > MAX_TEMPERATURES:
        raise UsageError(f"{count:,} temperatures are more than {MAX_TEMPERATURES:,}", hint=hint)
    return Temperatures(tuple(first + index * step for index in range(count)))


@dataclass(frozen=True, slots=True)
class Gas:
    """An ideal gas of one result's molecules."""

    molecule: Molecule
    conditions: Conditions  # as it was computed
    energy_hartree: float

    def values(self, temperature_k: float, pressure_pa: float, symmetry_number: int | None) -> dict[str, Any]:
        """Work thermochemistry out, by the names results have it under."""
        from workers.engine.vibrations.thermochemistry import corrections

        conditions = replace(self.conditions, temperature_k=temperature_k, pressure_pa=pressure_pa)
        number = symmetry_number or self.molecule.symmetry_number
        energy, numbers = self.energy_hartree, dict.fromkeys(_NUMBERS)
        with suppress(ValueError, ArithmeticError):  # a damaged record may hold any number
            found = corrections(replace(self.molecule, symmetry_number=number), conditions)
            gibbs, gibbs_rrho = found.gibbs(temperature_k), found.gibbs_rrho(temperature_k)
            worked_out = (
                found.zpe,
                energy + found.enthalpy,
                found.entropy,
                energy + gibbs,
                energy + gibbs_rrho,
            )
            if all(map(math.isfinite, worked_out)):
                numbers = dict(zip(_NUMBERS, worked_out, strict=True))
        return {
            **numbers,
            "temperature_k": temperature_k,
            "pressure_pa": pressure_pa,
            "symmetry_number": number,
        }


def gas_of(result: Document) -> Gas | None:
    """Read what a result's thermochemistry was worked out from; None: it has none that is whole."""
    from workers.engine.vibrations.thermochemistry import Conditions, Molecule

    gas, modes = result.part("thermochemistry"), result.part("vibrations")
    frequencies = modes.numbers("frequencies_cm1")
    moments = gas.numbers("moments_of_inertia_u_angstrom2")
    number = gas.whole("symmetry_number")
    names = ("mass_u", "temperature_k", "pressure_pa", "rotor_cutoff_cm1")
    mass, temperature, pressure, rotor = (gas.number(name) for name in names)
    cutoff, energy = modes.number("imaginary_cutoff_cm1"), result.number("energy_hartree")
    if rotor is None or cutoff is None or energy is None or len(moments) not in {0, 1, 3}:
        return None
    if mass is None or temperature is None or pressure is None or number is None:
        return None
    if min(mass, temperature, pressure, number, *moments) <= 0:
        return None
    return Gas(
        Molecule(frequencies, mass, moments, number),
        Conditions(temperature, pressure, rotor, cutoff),
        energy,
    )
