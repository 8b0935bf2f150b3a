"""The names of columns, in order: of jobs as `nox list` shows them, and of results.  Only ever added to."""

from __future__ import annotations

JOB_FIELDS = (
    "number", "job_id", "name", "state", "raw_state", "reason", "progress", "message", "owner", "batch",
    "calculation", "formula", "n_atoms", "engine", "priority", "cores", "memory_bytes", "time_limit_s",
    "attempt", "round", "losses", "cancel_requested", "host", "energy_hartree", "step",
    "created_at", "started_at", "finished_at", "wall_s", "tags",
    "retries", "retry_on", "retries_left", "due_at", "result_attempt",
)  # fmt: skip

RESULT_FIELDS = (
    "number", "job_id", "batch", "name", "source_file", "input_sha256", "formula", "n_atoms", "charge",
    "unpaired_electrons", "charge_origin", "calculation", "opt_level", "method", "electronic_temperature_k",
    "state", "reason", "warnings", "energy_hartree", "gradient_norm_hartree_per_bohr", "gap_ev", "homo_ev",
    "lumo_ev", "dipole_debye", "converged", "steps", "engine", "engine_version", "nox_version", "host",
    "attempt", "wall_s", "finished_at",
    "verdicts", "bonds_changed", "imaginary_modes", "lowest_mode_cm1", "zpe_hartree", "enthalpy_hartree",
    "entropy_hartree_per_k", "gibbs_hartree", "gibbs_rrho_hartree", "temperature_k", "pressure_pa",
    "symmetry_number", "solvation", "solvent", "spin_polarised",
)  # fmt: skip

# Columns of either that hold numbers, or nothing; any other holds text, which may be a stranger's.
NUMBER_FIELDS = frozenset({
    "number", "progress", "n_atoms", "charge", "unpaired_electrons", "electronic_temperature_k", "priority",
    "cores", "memory_bytes", "time_limit_s", "attempt", "round", "losses", "retries", "retries_left",
    "energy_hartree", "gradient_norm_hartree_per_bohr", "gap_ev", "homo_ev", "lumo_ev", "dipole_debye",
    "step", "steps", "wall_s", "imaginary_modes", "lowest_mode_cm1", "zpe_hartree", "enthalpy_hartree",
    "entropy_hartree_per_k", "gibbs_hartree", "gibbs_rrho_hartree", "temperature_k", "pressure_pa",
    "symmetry_number", "result_attempt",
})  # fmt: skip

# Those of them that are energies, which `--unit` converts.
ENERGY_FIELDS = (
    "energy_hartree", "zpe_hartree", "enthalpy_hartree", "gibbs_hartree", "gibbs_rrho_hartree",
)  # fmt: skip
