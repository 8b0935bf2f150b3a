"""Results as typed records, and lists of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from nox_cli.api.ase_atoms import atoms_of
from nox_cli.counts import by_public_state
from nox_cli.results.documents import Document
from nox_cli.results.geometry import geometry_of, vectors
from nox_cli.results.record import ResultRecord
from workers.errors import NothingMatched, PackageMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from ase import Atoms

    from nox_cli.api.job import Job
    from nox_cli.results.comparison import Obstacle, Standing
    from nox_cli.results.geometry import Geometry
    from nox_cli.results.query import Results
    from nox_cli.results.rows import Row
    from workers.job import PublicState

_SHOWN = 20


class Result(ResultRecord):
    """The result of one job; what it does not have is None.

    The attributes are the columns of `nox results`, and the end of a name is its unit: `energy_hartree`,
    `gap_ev`, `dipole_debye`, `lowest_mode_cm1`, `temperature_k`, `pressure_pa`, `wall_s`, `_per_bohr`,
    `_per_k`; charges are in e.  The properties below are there in addition.
    """

    job: Job
    geometry: Geometry | None  # the final one: symbols, positions_angstrom of shape (atoms, 3)
    properties: Mapping[str, Any]  # all that docs/properties.md lists, by name
    payload: object  # what an echo job returned
    relative_kcal_per_mol: float | None  # to the lowest that it is compared with
    compared_by: str | None  # "energy" or "gibbs"
    reference: int | None  # the number of the job from which the energy is counted
    not_compared: Obstacle | None  # why it is compared with no other; "alone": no other is like it
    boltzmann_weight: float | None  # 0 to 1
    same_conformer_as: int | None  # the number of the job that has the weight of this conformer
    degeneracy: int | None  # 2: it is counted with its mirror image

    @classmethod
    def of(cls, row: Row, standing: Standing, relative: float | None, job: Job) -> Result:
        """Make it of a row."""
        found = cls(*row.record)
        found.job, found.geometry = job, row.geometry
        found.properties, found.payload = row.outcome.result.fields, row.payload
        found.relative_kcal_per_mol, found.boltzmann_weight = relative, standing.weight
        found.compared_by, found.same_conformer_as = standing.compared_by, standing.same_as
        found.reference, found.not_compared = standing.reference, standing.obstacle
        found.degeneracy = standing.degeneracy
        return found

    def __repr__(self) -> str:
        """Name it, with its energies."""
        return f"<Result {self._line()}>"

    @property
    def atoms(self) -> Atoms:
        """The final geometry as ASE Atoms, with the energy (eV) and, where they are known, forces (eV/Å).

        Raises:
            NothingMatched: there is no geometry.
            PackageMissing: ASE is not installed.
        """
        if self.geometry is None:
            raise NothingMatched(f"job {self.number} left no geometry")
        result = Document(self.properties)
        gradient = vectors(result, "gradient_hartree_per_bohr")
        return atoms_of(self.geometry, self._info(), self.energy_hartree, gradient)

    @property
    def start_atoms(self) -> Atoms:
        """The geometry that the job started from, as ASE Atoms.

        Raises:
            NothingMatched: it had none.
            PackageMissing: ASE is not installed.
            JobNotFound, StoreError: it was removed, or the store cannot be read.
        """
        geometry = geometry_of(Document(self.job.specification()).part("structure"))
        if geometry is None:
            raise NothingMatched(f"job {self.number} had no structure")
        return atoms_of(geometry, self._info())

    def _info(self) -> dict[str, Any]:
        found = {"name": self.name, "charge": self.charge, "uhf": self.unpaired_electrons}
        return {key: value for key, value in found.items() if value is not None}

    def _line(self) -> str:
        words = [str(self.number), self.name or "", self.state or ""]
        words += [] if self.energy_hartree is None else [f"{self.energy_hartree:.8f} Eh"]
        if self.relative_kcal_per_mol is not None:
            words.append(f"{self.relative_kcal_per_mol:+.2f} kcal/mol")
        if self.boltzmann_weight is not None:
            words.append(f"{self.boltzmann_weight:.1%}")
        return "  ".join(words)


class ResultList(Sequence[Result]):
    """Results, in order.  `left_out` counts the jobs that have none; `notes` are remarks on a comparison."""

    def __init__(self, results: Sequence[Result], found: Results) -> None:
        self._results = tuple(results)
        self.columns = found.shown
        self._numbers = found.compared.numbers()
        self.left_out: Mapping[PublicState, int] = by_public_state(found.left_out)
        self.notes: tuple[str, ...] = tuple(found.comparison.remarks)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        """Return one, or some."""
        return self._results[index]

    def __len__(self) -> int:
        """Count them."""
        return len(self._results)

    def __iter__(self) -> Iterator[Result]:
        """Return one after the other."""
        return iter(self._results)

    def __repr__(self) -> str:
        """Write a line for each, up to twenty."""
        lines = [one._line() for one in self._results[:_SHOWN]]  # noqa: SLF001  of this module
        more = len(self) - len(lines)
        return "\n".join([*lines, *([f"and {more:,} more"] if more else [])]) or "no results"

    def to_pandas(self) -> pd.DataFrame:
        """Return a table: a row for each result, the columns of `nox results`, NaN for missing numbers.

        Raises:
            PackageMissing: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise PackageMissing("tables need pandas", hint="pip install pandas") from None
        table = pd.DataFrame({name: [getattr(one, name) for one in self] for name in self.columns})
        missing = [name for name in self.columns if name in self._numbers and table[name].hasnans]
        return table.astype(dict.fromkeys(missing, "float64"))
