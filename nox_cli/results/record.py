"""The record of a result: the columns of `nox results` with their types, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from workers.job import PublicState


class ResultRecord(NamedTuple):
    """One row of results; what a job does not have is None.

    The fields are the columns, in order; after them come fields that are no columns.
    """

    number: int
    job_id: str
    batch: str | None = None
    name: str | None = None
    source_file: str | None = None
    input_sha256: str | None = None
    formula: str | None = None
    n_atoms: int | None = None
    charge: int | None = None
    unpaired_electrons: int | None = None
    charge_origin: str | None = None
    calculation: str = ""
    opt_level: str | None = None
    method: str | None = None
    electronic_temperature_k: float | None = None
    state: PublicState | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    energy_hartree: float | None = None
    gradient_norm_hartree_per_bohr: float | None = None
    gap_ev: float | None = None
    homo_ev: float | None = None
    lumo_ev: float | None = None
    dipole_debye: float | None = None
    converged: bool | None = None
    steps: int | None = None
    engine: str | None = None
    engine_version: str | None = None
    nox_version: str | None = None
    host: str | None = None
    attempt: int | None = None
    wall_s: float | None = None
    finished_at: str | None = None
    verdicts: tuple[str, ...] = ()
    bonds_changed: tuple[str, ...] | None = None
    imaginary_modes: int | None = None
    lowest_mode_cm1: float | None = None
    zpe_hartree: float | None = None
    enthalpy_hartree: float | None = None
    entropy_hartree_per_k: float | None = None
    gibbs_hartree: float | None = None
    gibbs_rrho_hartree: float | None = None
    temperature_k: float | None = None
    pressure_pa: float | None = None
    symmetry_number: int | None = None
    solvation: str | None = None
    solvent: str | None = None
    spin_polarised: bool | None = None
    is_crystal: bool | None = None
    program_options: tuple[str, ...] = ()  # passed to the xtb program as they are
    own_options: tuple[str, ...] = ()  # those of them that nox does not interpret
    program_input: str | None = None  # the text of the program's input file
    is_frozen: bool = False  # some atoms were kept fixed
    libraries: tuple[tuple[str, str], ...] = ()  # names and versions of what computed besides the engine


_NO_COLUMNS = 6
RESULT_FIELDS = ResultRecord._fields[:-_NO_COLUMNS]
