"""Reading of QCSchema molecules: JSON with symbols, positions in bohr, charge and multiplicity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from nox_cli.inputs.comment import MAX_CHARGE, Comment, Frame
from nox_cli.inputs.lines import (
    SPELLED,
    element_hint,
    too_many,
)
from nox_cli.inputs.requests import read_values
from workers.engine.molecule.elements import NUMBERS
from workers.engine.molecule.masses import STANDARD_WEIGHTS_U
from workers.engine.molecule.units import ANGSTROM_PER_BOHR, MAX_INPUT_COORDINATE_ANGSTROM
from workers.errors import InputRefused
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.inputs.files import Input
    from workers.spec import Vector

ORIGIN = "QCSchema"
_NAMES = {"qcschema_molecule", "qc_schema_molecule", "qcschema_input", "qc_schema_input"}
_FORMAT = '{"schema_name": "qcschema_molecule", "symbols": [...], "geometry": [x, y, z, ...] in bohr}'

_ISOTOPE_HINT = "xTB knows no isotopes: take the masses away"
# The largest difference, in u, of the most common isotope from the weight of its element: up to calcium, and
# beyond.
_LIGHT, _NEAR_LIGHT, _NEAR = 20, 0.6, 3.0


def read_records(source: Input) -> Iterator[Frame | InputRefused]:
    """Read the molecules of a list, or one after the other; one that cannot be read gives its refusal.

    Raises:
        InputRefused: there is no molecule.
    """
    is_empty = True
    for place, value in read_values(source):
        is_empty = False
        yield value if isinstance(value, InputRefused) else _record(place, value)
    if is_empty:
        raise InputRefused(f"{source.shown}: there is no molecule", hint=_FORMAT)


def _record(place: str, value: Any) -> Frame | InputRefused:
    try:
        return _Molecule(place, value).frame()
    except InputRefused as error:
        return error


class _Molecule:
    def __init__(self, place: str, value: Any) -> None:
        self.place = place
        if isinstance(value, dict) and isinstance(value.get("molecule"), dict):
            value = value["molecule"]
        if not isinstance(value, dict) or value.get("schema_name", "qcschema_molecule") not in _NAMES:
            self._refuse("this is no QCSchema molecule", _FORMAT)
        self.fields: dict[str, Any] = value

    def frame(self) -> Frame:
        symbols = self._symbols()
        positions = self._positions(len(symbols))
        self._refuse_ghosts()
        self._refuse_isotopes(symbols)
        charge = self._whole("molecular_charge", -MAX_CHARGE, MAX_CHARGE)
        multiplicity = self._whole("molecular_multiplicity", 1, MAX_CHARGE)
        name = self.fields.get("name")
        return Frame(
            symbols,
            positions,
            Comment(charge, None if multiplicity is None else multiplicity - 1, origin=ORIGIN),
            name=name if isinstance(name, str) else "",
        )

    def _symbols(self) -> tuple[str, ...]:
        words = self.fields.get("symbols")
        if not isinstance(words, list) or not words:
            self._refuse("symbols: a list of symbols was expected", _FORMAT)
        if len(words) > MAX_ATOMS:
            self._refuse(f"symbols: {too_many(len(words))}")
        for index, word in enumerate(words):
            if not isinstance(word, str) or word not in SPELLED:
                self._refuse(
                    f"symbols[{index}]: {str(word)[:40]!r} is not an element", element_hint(str(word))
                )
        return tuple(SPELLED[word] for word in words)

    def _positions(self, atoms: int) -> tuple[Vector, ...]:
        numbers = self.fields.get("geometry")
        if isinstance(numbers, list) and all(isinstance(row, list) for row in numbers):
            numbers = [number for row in numbers for number in row]
        if not isinstance(numbers, list) or len(numbers) != 3 * atoms:
            self._refuse(f"geometry: {3 * atoms} numbers in bohr were expected", _FORMAT)
        for index, number in enumerate(numbers):
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if not is_number or abs(number) * ANGSTROM_PER_BOHR >= MAX_INPUT_COORDINATE_ANGSTROM:
                self._refuse(f"geometry[{index}]: {str(number)[:40]} is no coordinate in bohr")
        in_angstrom = [number * ANGSTROM_PER_BOHR for number in numbers]
        return tuple(zip(in_angstrom[0::3], in_angstrom[1::3], in_angstrom[2::3], strict=True))

    def _refuse_ghosts(self) -> None:
        real = self.fields.get("real", [])
        if not isinstance(real, list) or not all(one is True for one in real):
            self._refuse("real: ghost atoms are not for xTB", "leave them out")

    def _refuse_isotopes(self, symbols: tuple[str, ...]) -> None:
        """Refuse masses and mass numbers of other than the most common isotopes; -1 means unknown."""
        for name in ("mass_numbers", "masses"):
            told = self.fields.get(name)
            if told is None:
                continue
            if not isinstance(told, list) or len(told) != len(symbols):
                self._refuse(f"{name}: {len(symbols)} numbers were expected")
            for index, (symbol, mass) in enumerate(zip(symbols, told, strict=True)):
                if not isinstance(mass, int | float) or isinstance(mass, bool):
                    self._refuse(f"{name}[{index}]: {str(mass)[:40]} is no number")
                if mass > 0 and not _is_common(symbol, mass):
                    self._refuse(f"{name}[{index}]: {mass:g} is an isotope of {symbol}", _ISOTOPE_HINT)

    def _whole(self, name: str, least: int, most: int) -> int | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            self._refuse(f"{name}: {str(value)[:40]} is not a whole number")
        if not least <= value <= most:
            self._refuse(f"{name}: {value:g} is not from {least} to {most:,}")
        return int(value)

    def _refuse(self, what: str, hint: str = "") -> NoReturn:
        raise InputRefused(f"{self.place}: {what}", hint=hint)


def _is_common(symbol: str, mass: float) -> bool:
    """Whether a mass in u, or a mass number, is that of the most common isotope or of the element."""
    number = NUMBERS[symbol]
    if number > len(STANDARD_WEIGHTS_U):
        return True  # no such element is computed
    return abs(mass - STANDARD_WEIGHTS_U[number - 1]) < (_NEAR_LIGHT if number <= _LIGHT else _NEAR)
