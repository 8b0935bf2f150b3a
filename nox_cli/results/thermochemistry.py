"""Thermochemistry from stored frequencies at other temperatures, standard states, or symmetry numbers."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.values import pressure_pa
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.results.documents import Document
    from nox_cli.results.record import ResultRecord
    from workers.engine.vibrations.thermochemistry import Conditions as ComputedConditions
    from workers.engine.vibrations.thermochemistry import Molecule

MAX_TEMPERATURES = 1_000
MAX_TEMPERATURE_K = 1e5
_GAS_CONSTANT = 8.31446261815324  # J/(mol K), CODATA 2018
_LITRES_PER_M3 = 1_000.0
_MOLAR = re.compile(r"(\d+(?:\.\d+)?)\s*(?:M|mol/L)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class StandardState(NamedTuple):
    """The standard state of free energies: a pressure, or a concentration."""

    words: str
    pascal: float = 0.0
    molar: float = 0.0

    def pressure_pa(self, temperature_k: float) -> float:
        """The pressure of an ideal gas in this state."""
        return self.pascal or self.molar * _LITRES_PER_M3 * _GAS_CONSTANT * temperature_k


class Temperatures(NamedTuple):
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


class Gas(NamedTuple):
    """An ideal gas of one result's molecules."""

    molecule: Molecule
    conditions: ComputedConditions  # as it was computed
    energy_hartree: float

    def applied(
        self, record: ResultRecord, temperature_k: float, pressure_pa: float, symmetry_number: int | None
    ) -> ResultRecord:
        """Work thermochemistry out under other conditions, and put it into a record.

        Args:
            record: the record of the result.
            temperature_k: the temperature.
            pressure_pa: the pressure.
            symmetry_number: the rotational symmetry number; None: as it was computed.
        """
        from workers.engine.vibrations.thermochemistry import corrections

        conditions = replace(self.conditions, temperature_k=temperature_k, pressure_pa=pressure_pa)
        number = symmetry_number or self.molecule.symmetry_number
        numbers: tuple[float | None, ...] = (None,) * 5
        with suppress(ValueError, ArithmeticError):  # a damaged record may hold any number
            found = corrections(replace(self.molecule, symmetry_number=number), conditions)
            gibbs, gibbs_rrho = found.gibbs(temperature_k), found.gibbs_rrho(temperature_k)
            energies = (self.energy_hartree + one for one in (found.enthalpy, gibbs, gibbs_rrho))
            worked_out = (found.zpe, found.entropy, *energies)
            if all(map(math.isfinite, worked_out)):
                numbers = worked_out
        zpe, entropy, enthalpy, gibbs_hartree, gibbs_rrho_hartree = numbers
        return record._replace(
            zpe_hartree=zpe,
            enthalpy_hartree=enthalpy,
            entropy_hartree_per_k=entropy,
            gibbs_hartree=gibbs_hartree,
            gibbs_rrho_hartree=gibbs_rrho_hartree,
            temperature_k=temperature_k,
            pressure_pa=pressure_pa,
            symmetry_number=number,
        )


class Conditions(NamedTuple):
    """The conditions of thermochemistry that are asked for.  None: as it was computed."""

    temp: Temperatures | None = None
    standard_state: StandardState | None = None
    symmetry_number: int | None = None

    @property
    def is_asked(self) -> bool:
        """Whether thermochemistry is worked out again."""
        return any(value is not None for value in (self.temp, self.standard_state, self.symmetry_number))

    def records(self, record: ResultRecord, gas: Gas | None) -> Iterator[ResultRecord]:
        """Return a record for each temperature; one without thermochemistry gets the temperature only."""
        if self.temp is None:
            yield record if gas is None else self._applied(record, gas, gas.conditions.temperature_k)
            return
        for temperature_k in self.temp.kelvin:
            if gas is None:
                yield record._replace(temperature_k=temperature_k)
            else:
                yield self._applied(record, gas, temperature_k)

    def _applied(self, record: ResultRecord, gas: Gas, temperature_k: float) -> ResultRecord:
        state = self.standard_state
        pressure_pa = gas.conditions.pressure_pa if state is None else state.pressure_pa(temperature_k)
        return gas.applied(record, temperature_k, pressure_pa, self.symmetry_number)


def gas_of(result: Document) -> Gas | None:
    """Read the data of a result's thermochemistry; None: there are none, or not all of them."""
    from workers.engine.vibrations.thermochemistry import Conditions as ComputedConditions
    from workers.engine.vibrations.thermochemistry import Molecule

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
        ComputedConditions(temperature, pressure, rotor, cutoff),
        energy,
    )
