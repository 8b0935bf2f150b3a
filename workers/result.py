"""What an engine returns and how an attempt ended.  The unit is in every field's name.

One schema for every engine.  Everything is finite; a number an engine does not give is null.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from workers.job import Reason
from workers.spec import Payload, Strict, Vector

SCHEMA = 1


class EchoResult(Strict):
    """What an echo job returns."""

    kind: Literal["echo"] = "echo"
    payload: Payload = None


class Orbitals(Strict):
    """Orbital energies (eV) and occupations (0 to 2), both of shape (orbitals,), by rising energy."""

    energies_ev: tuple[float, ...]
    occupations: tuple[float, ...]


class Convergence(Strict):
    """What an optimisation was driven to, and what it reached."""

    converged: bool
    steps: int
    gradients: int  # how many energies with gradient were computed
    energy_change_threshold_hartree: float
    gradient_norm_threshold_hartree_per_bohr: float
    energy_change_hartree: float | None
    gradient_norm_hartree_per_bohr: float
    trajectory_energies_hartree: tuple[float, ...]  # shape (steps,)


class ChemistryResult(Strict):
    """The numbers of one calculation, at the final geometry."""

    kind: Literal["sp", "grad", "opt"]
    method: str
    engine: str
    engine_version: str
    charge: int
    unpaired: int
    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]  # shape (atoms, 3), in the frame of the input
    energy_hartree: float
    gradient_hartree_per_bohr: tuple[Vector, ...] | None = None  # shape (atoms, 3)
    gradient_norm_hartree_per_bohr: float | None = None  # Frobenius norm of the whole gradient
    dipole_vector_debye: Vector | None = None
    dipole_debye: float | None = None
    charges_e: tuple[float, ...] | None = None  # Mulliken, shape (atoms,)
    bond_orders: tuple[tuple[int, int, float], ...] | None = None  # Wiberg: atoms i < j from 1, order >= 0.1
    orbitals: Orbitals | None = None
    homo_ev: float | None = None
    lumo_ev: float | None = None
    gap_ev: float | None = None
    convergence: Convergence | None = None  # optimisations only
    threads: int = 1
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


Result = Annotated[EchoResult | ChemistryResult, Field(discriminator="kind")]
RESULT: TypeAdapter[EchoResult | ChemistryResult] = TypeAdapter(Result)


class Failure(Strict):
    """Why an attempt failed, in words and evidence."""

    reason: Reason
    message: Annotated[str, Field(max_length=2_000)]
    hint: Annotated[str, Field(max_length=2_000)] = ""
    evidence: Annotated[tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=40)] = ()


class OutcomeRecord(Strict):
    """How an attempt ended: the document the store keeps beside an ended job (`outcome_json`).

    A failed optimisation has both: the failure, and the last geometry and its numbers as result.
    """

    schema_version: Annotated[int, Field(alias="schema")] = SCHEMA
    attempt: int
    worker: str
    nox_version: str
    result: Result | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
