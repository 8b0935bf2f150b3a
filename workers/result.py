"""Results of engines, and the record of an attempt.  Names of fields end in the unit.

All engines share one schema.  Numbers are finite; one that an engine does not compute is null.
"""

from __future__ import annotations

import math
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from workers.job import RESULT_PHASE, Progress, Reason
from workers.spec import BondOrder, ChemistryKind, Lattice, NotFinite, OptLevel, Pair, Vector, bounded

SCHEMA = 1


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a document that nox writes; it is read strictly, and its types are checked only then."""


class EchoResult(Record, frozen=True, kw_only=True):
    """The result of an echo job."""

    kind: Literal["echo"] = "echo"
    payload: Any = None  # a JSON value

    def __post_init__(self) -> None:
        """Keep it in bounds.

        Raises:
            ValueError: a number is not finite, or it is nested too deep.
        """
        bounded(self.payload)


class Orbitals(Record, frozen=True, kw_only=True):
    """Orbital energies (eV) and occupations (0 to 2), both of shape (orbitals,), by rising energy."""

    energies_ev: tuple[float, ...]
    occupations: tuple[float, ...]


class Convergence(Record, frozen=True, kw_only=True):
    """The thresholds of an optimisation, and the values it reached."""

    converged: bool
    steps: int
    gradients: int  # the number of energies with gradient that were computed
    energy_change_threshold_hartree: float
    gradient_norm_threshold_hartree_per_bohr: float
    energy_change_hartree: float | None
    gradient_norm_hartree_per_bohr: float
    # Of the steps that were not rejected; a rejected one is not in the trajectory.
    trajectory_energies_hartree: tuple[float, ...]
    internal_steps: int = 0  # how many were taken in internal coordinates; the others are Cartesian


class Verdict(StrEnum):
    """Doubts about a result that is converged and finite; each comes with a warning in words."""

    BONDS_CHANGED = "bonds_changed"  # the end is another molecule than the first input
    COULOMB_EXPLOSION = "coulomb_explosion"  # pieces of like charge fly apart: there is no minimum
    NOT_STATIONARY = "not_stationary"  # frequencies of a slope: no thermochemistry
    IMAGINARY_MODES = "imaginary_modes"  # a saddle point
    POSITIVE_ENERGY = "positive_energy"  # no molecule: atoms overlap
    UNBOUND = "unbound"  # the highest occupied orbital does not hold its electron
    SMALL_GAP = "small_gap"  # another electronic state may be close in energy
    GAMMA_POINT = "gamma_point"  # a crystal, computed at one k-point: wrong for small cells


class BondsChanged(Record, frozen=True, kw_only=True):
    """Bonds of the final geometry that differ from the first input: pairs of atoms i < j, from 1."""

    broken: tuple[Pair, ...] = ()
    formed: tuple[Pair, ...] = ()
    # The id of the job with the first input, for a job that starts from another's geometry; empty: its own
    # input.
    first_job: str = ""


class Vibrations(Record, frozen=True, kw_only=True):
    """Harmonic frequencies, by rising size; translations and rotations are left out."""

    frequencies_cm1: tuple[float, ...]  # imaginary ones are negative
    ir_intensities_km_per_mol: tuple[float, ...]  # shape as the frequencies
    imaginary_modes: int  # the number of modes below the cutoff
    imaginary_cutoff_cm1: float  # modes from here to 0 count as real
    lowest_mode_cm1: float | None  # None: an atom has no modes
    gradients: int  # the number that was computed for the differences
    step_bohr: float


class Thermochemistry(Record, frozen=True, kw_only=True):
    """An ideal gas of these molecules; H and G are with the electronic energy."""

    temperature_k: float
    pressure_pa: float
    symmetry_number: int
    symmetry_number_origin: Literal["detected", "given"]
    mass_u: float
    moments_of_inertia_u_angstrom2: tuple[float, ...]  # none of an atom, one of a linear molecule, else three
    rotor_cutoff_cm1: float  # below, the entropy of vibrations goes over into a free rotor's
    zpe_hartree: float
    enthalpy_hartree: float
    entropy_hartree_per_k: float  # quasi-RRHO
    gibbs_hartree: float  # quasi-RRHO
    entropy_rrho_hartree_per_k: float
    gibbs_rrho_hartree: float


class Continued(Record, frozen=True, kw_only=True):
    """The part of a result that earlier attempts had computed before they were stopped."""

    gradients: int


class Provenance(Record, frozen=True, kw_only=True):
    """The circumstances of a result, which suffice to compute it again."""

    nox_version: str
    host: str
    source_file: str  # empty: it came from no file
    input_sha256: str  # of the bytes the structure was read from
    source_job: str = ""  # the id of the job whose final geometry it started from; empty: none
    charge_origin: str  # the source of the charge
    unpaired_origin: str
    opt_level: OptLevel | None  # None: nothing was optimised
    frozen_atoms: tuple[int, ...] = ()  # which the optimisation did not move, from 1
    accuracy: float  # computed with; a level or frequencies may want a better one than was asked for
    electronic_temperature_k: float
    iterations: int  # the limit of self-consistent ones
    continued: Continued | None = None  # None: one attempt computed all of it


class ChemistryResult(Record, frozen=True, kw_only=True):
    """The numbers of one calculation, at the final geometry."""

    kind: ChemistryKind
    method: str
    engine: str
    engine_version: str
    charge: int
    unpaired: int
    # COSMO comes with `program_options`.
    solvation: Annotated[str, Meta(pattern="^(alpb|gbsa|cosmo)$")] | None = None
    solvent: str = ""
    spin_polarised: bool = False
    program_options: tuple[str, ...] = ()  # handed to the xtb program as they are
    program_input: str = ""  # the text of its input file
    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]  # shape (atoms, 3), in the frame of the input
    lattice_angstrom: Lattice | None = None  # the cell's vectors a, b, c as rows; None: a molecule
    energy_hartree: float
    gradient_hartree_per_bohr: tuple[Vector, ...] | None = None  # shape (atoms, 3)
    gradient_norm_hartree_per_bohr: float | None = None  # of the gradient of all atoms that may move
    virial_hartree: Lattice | None = None  # of a crystal: the energy's derivative by strain, shape (3, 3)
    dipole_vector_debye: Vector | None = None  # a crystal has none: it would depend on where the cell is cut
    dipole_debye: float | None = None
    charges_e: tuple[float, ...] | None = None  # Mulliken, shape (atoms,)
    bond_orders: tuple[BondOrder, ...] | None = None  # Wiberg: atoms i < j from 1, order >= 0.1
    # The same of the first input of the chain of jobs, which bonds are compared with; order >= 0.25.
    first_bond_orders: tuple[BondOrder, ...] | None = None
    orbitals: Orbitals | None = None  # spin-polarised: alpha's
    beta_orbitals: Orbitals | None = None  # spin-polarised only
    homo_ev: float | None = None
    lumo_ev: float | None = None
    gap_ev: float | None = None
    convergence: Convergence | None = None  # opt and ohess
    bonds_changed: BondsChanged | None = None  # None: nothing moved, or a force field cannot tell
    vibrations: Vibrations | None = None  # hess, ohess and bhess
    thermochemistry: Thermochemistry | None = None  # hess and ohess, at stationary points; bhess
    verdicts: tuple[Verdict, ...] = ()
    provenance: Provenance | None = None
    libraries: tuple[tuple[str, str], ...] = ()  # further libraries that computed, with versions
    threads: int = 1
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


class _Kind(msgspec.Struct):
    kind: str


_KIND = msgspec.json.Decoder(_Kind)
_ECHO = msgspec.json.Decoder(EchoResult)
_CHEMISTRY = msgspec.json.Decoder(ChemistryResult)


def read_result(text: bytes | str | Raw) -> EchoResult | ChemistryResult:
    """Read a result from JSON, strictly: nothing is converted.

    Raises:
        msgspec.DecodeError: it is not JSON, or not a result.
    """
    is_echo = _KIND.decode(text).kind == "echo"
    return _ECHO.decode(text) if is_echo else _CHEMISTRY.decode(text)


def written(result: EchoResult | ChemistryResult) -> bytes:
    """Write a result as JSON.

    Raises:
        NotFinite: a number in it is not finite; JSON has null for those, which means another thing.
    """
    for name in result.__struct_fields__ if isinstance(result, ChemistryResult) else ():
        if not _is_finite(getattr(result, name)):
            raise NotFinite(f"{name} is not finite")
    return _ENCODER.encode(result)


_ENCODER = msgspec.json.Encoder()
NOTHING = Raw(b"null")


def _is_finite(value: object) -> bool:
    """Whether all numbers of a part are finite."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Record):
        return all(_is_finite(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, tuple) and value:
        first = value[0]
        if isinstance(first, tuple):
            return isinstance(first[0], str) or all(map(math.isfinite, chain.from_iterable(value)))
        return isinstance(first, str) or all(map(math.isfinite, value))
    return True


def final_progress(result: EchoResult | ChemistryResult) -> Progress:
    """Take from a result the progress that its job shows: every number is of the same, last step."""
    if isinstance(result, EchoResult):
        return Progress(phase=RESULT_PHASE)
    energy, reached = result.energy_hartree, result.convergence
    if reached is None:
        norm = result.gradient_norm_hartree_per_bohr
        return Progress(phase=RESULT_PHASE, energy_hartree=energy, gradient_norm_hartree_per_bohr=norm)
    return Progress(
        phase=RESULT_PHASE,
        step=reached.steps,
        energy_hartree=energy,
        energy_change_hartree=reached.energy_change_hartree,
        gradient_norm_hartree_per_bohr=reached.gradient_norm_hartree_per_bohr,
    )


class Failure(Record, frozen=True, kw_only=True):
    """Why an attempt failed, in words and evidence."""

    reason: Reason
    message: Annotated[str, Meta(max_length=2_000)]
    hint: Annotated[str, Meta(max_length=2_000)] = ""
    evidence: Annotated[tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=40)] = ()


class OutcomeRecord(Record, frozen=True, kw_only=True):
    """The record of an attempt that ended: the document that the store keeps with its job (`outcome_json`).

    A failed optimisation has both: the failure, and the last geometry and its numbers as result.
    """

    schema_version: int = msgspec.field(default=SCHEMA, name="schema")
    attempt: int
    worker: str
    nox_version: str
    result: Raw = NOTHING  # as `read_result` reads it, or null
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()

    def written(self) -> str:
        """Write the record as the JSON that a store keeps."""
        return _ENCODER.encode(self).decode()
