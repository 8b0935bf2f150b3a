"""The conditions of thermochemistry: what `nox results` takes on the command line, and rows under them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from nox_cli.commandline import groups
from nox_cli.results.thermochemistry import StandardState, Temperatures, standard_state, temperatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.results.rows import Row
    from nox_cli.results.thermochemistry import Gas


@dataclass(frozen=True, slots=True)
class Conditions:
    """The options of `nox results` that set the conditions of thermochemistry.  None: as it was computed."""

    temp: Annotated[
        Temperatures | None,
        groups.thermochemistry(
            parser=temperatures,
            metavar="K",
            help="Free energy at another temperature, or at several: 273:373:25.",
        ),
    ] = None
    standard_state: Annotated[
        StandardState | None,
        groups.thermochemistry(
            parser=standard_state,
            metavar="STATE",
            help="Standard state of the free energy, such as 1M or 1bar.",
        ),
    ] = None
    symmetry_number: Annotated[
        int | None,
        groups.thermochemistry(
            min=1, max=1_000, metavar="N", help="Rotational symmetry number of every molecule."
        ),
    ] = None

    @property
    def is_asked(self) -> bool:
        """Whether anything is to be worked out again."""
        return any(value is not None for value in (self.temp, self.standard_state, self.symmetry_number))

    def rows(self, row: Row) -> Iterator[Row]:
        """Give a row for each temperature; one without thermochemistry has only that."""
        if self.temp is None:
            yield row if row.gas is None else replace(row, values=row.values | self._values(row.gas))
            return
        for temperature_k in self.temp.kelvin:
            again = {} if row.gas is None else self._values(row.gas, temperature_k)
            yield replace(row, values=row.values | again | {"temperature_k": temperature_k})

    def _values(self, gas: Gas, temperature_k: float | None = None) -> dict[str, Any]:
        temperature_k = temperature_k or gas.conditions.temperature_k
        state = self.standard_state
        pressure = gas.conditions.pressure_pa if state is None else state.pressure_pa(temperature_k)
        return gas.values(temperature_k, pressure, self.symmetry_number)
