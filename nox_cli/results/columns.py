"""Columns of jobs and results: their names, their order, and the units of energies.

Columns are only ever added.
"""

from __future__ import annotations

from enum import StrEnum

from nox_cli.text import nearest
from workers.errors import UsageError
from workers.job import FIELDS

# The columns of `nox list`.
_FIRST_JOB_FIELDS = (
    "number", "job_id", "name", "state", "raw_state", "reason", "progress", "message", "owner", "batch",
    "calculation", "formula", "n_atoms", "engine", "priority", "cores", "memory_bytes", "time_limit_s",
    "attempt", "round", "losses", "cancel_requested", "host", "energy_hartree", "step",
    "created_at", "started_at", "finished_at", "wall_s", "tags",
    "retries", "retry_on", "retries_left", "due_at", "result_attempt",
)  # fmt: skip
# Those of further attributes follow, in the order of their table.
JOB_FIELDS = tuple(
    dict.fromkeys((*_FIRST_JOB_FIELDS, *(field.shown_as for field in FIELDS if field.shown_as)))
)
# Columns of jobs or results that hold numbers, or nothing; any other holds text, which may be hostile.
NUMBER_FIELDS = frozenset({
    "number", "progress", "n_atoms", "charge", "unpaired_electrons", "electronic_temperature_k", "priority",
    "cores", "memory_bytes", "time_limit_s", "attempt", "round", "losses", "retries", "retries_left",
    "energy_hartree", "gradient_norm_hartree_per_bohr", "gap_ev", "homo_ev", "lumo_ev", "dipole_debye",
    "step", "steps", "wall_s", "imaginary_modes", "lowest_mode_cm1", "zpe_hartree", "enthalpy_hartree",
    "entropy_hartree_per_k", "gibbs_hartree", "gibbs_rrho_hartree", "temperature_k", "pressure_pa",
    "symmetry_number", "result_attempt",
})  # fmt: skip
# Columns of results that `--unit` converts.
ENERGY_FIELDS = (
    "energy_hartree", "zpe_hartree", "enthalpy_hartree", "gibbs_hartree", "gibbs_rrho_hartree",
)  # fmt: skip
# Shorter words are spelled like too many names.
_COMPARABLE = 3
HARTREE_SUFFIX = "_hartree"
# CODATA 2018: hartree in each unit, per molecule or per mole.
_PER_HARTREE = {"hartree": 1.0, "ev": 27.211386245988, "kcal": 627.5094740631, "kj": 2625.4996394799}


class EnergyUnit(StrEnum):
    """A unit of energy, as `--unit` takes it."""

    HARTREE = "hartree"
    EV = "ev"
    KCAL = "kcal"
    KJ = "kj"

    @property
    def suffix(self) -> str:
        """The end of the name of a column in this unit: `_kcal_per_mol`."""
        per_mole = self in {EnergyUnit.KCAL, EnergyUnit.KJ}
        return f"_{self}_per_mol" if per_mole else f"_{self}"

    @property
    def sign(self) -> str:
        """The unit in a table's header."""
        return {EnergyUnit.HARTREE: "Eh", EnergyUnit.EV: "eV", EnergyUnit.KJ: "kJ"}.get(self, str(self))

    @property
    def words(self) -> str:
        """The unit after a number: `kJ/mol`."""
        return {"hartree": "Eh", "ev": "eV", "kcal": "kcal/mol", "kj": "kJ/mol"}[self]

    @property
    def decimals(self) -> int:
        """The number of decimals of a total energy that are worth showing."""
        return {EnergyUnit.HARTREE: 8, EnergyUnit.EV: 6}.get(self, 4)

    @property
    def difference_decimals(self) -> int:
        """The number of decimals of a difference that are worth showing: about 0.01 kcal/mol."""
        return {EnergyUnit.HARTREE: 6, EnergyUnit.EV: 4}.get(self, 2)

    def of(self, hartree: float) -> float:
        """Convert an energy from hartree."""
        return hartree * _PER_HARTREE[self]

    def named(self, field: str) -> str:
        """Name an energy in this unit: `zpe_hartree` becomes `zpe_ev`."""
        return field.removesuffix(HARTREE_SUFFIX) + self.suffix


def column_names(text: str, known: tuple[str, ...], also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read names of columns, with commas between them; empty: the usual ones.

    Raises:
        UsageError: there is no column of that name.
    """
    return tuple(column(word.strip(), known, also) for word in text.split(",") if word.strip())


def column(word: str, known: tuple[str, ...], also: tuple[str, ...] = ()) -> str:
    """Find a column by its name, or by the beginning of it: `energy` is `energy_hartree`.

    Args:
        word: the name, or its beginning up to an underscore.
        known: the columns there are.
        also: columns that must be named whole.

    Raises:
        UsageError: there is none, or several have this beginning.
    """
    if word in (*known, *also):
        return word
    found = [name for name in known if name.startswith(f"{word}_")]
    if len(found) != 1:
        start = "several columns begin with" if found else "there is no column"
        parts = {part: name for name in known[::-1] for part in (name, name.partition("_")[0])}
        near = nearest(word, parts) if not found and len(word) >= _COMPARABLE else ""
        hint = f"did you mean {parts[near]}?" if near else f"one of {' '.join(found or known)}"
        raise UsageError(f'{start} "{word[:60]}"', hint=hint)
    return found[0]
