"""Calculations as a worker leaves them, for tests of what people see: specifications, outcomes, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from tests.support.stores import ADA, WORKER, artifact, claim, failed, new_job, outcome, submit
from workers.job import Reason
from workers.result import OutcomeRecord, final_progress, read_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Lease, NewJob, Progress
    from workers.store.base import Store
    from workers.store.values import Artifact, Outcome

ENERGY_HARTREE = -5.07054412345678
SYMBOLS = ["O", "H", "H"]
POSITIONS = [[0.0, 0.0, 0.1], [0.0, 0.7, -0.4], [0.0, -0.7, -0.4]]
# Vibrations of a calculation, one of them imaginary.
MODES: dict[str, Any] = {
    "frequencies_cm1": [-66.3, -11.2, 500.0, 1700.0, 4200.0],
    "ir_intensities_km_per_mol": [3000.0, 1.0, 10.0, 300.0, 40.0],
    "imaginary_modes": 1,
    "imaginary_cutoff_cm1": -20.0,
    "lowest_mode_cm1": -66.3,
    "gradients": 18,
    "step_bohr": 0.005,
}


def water(name: str = "water", **changes: Any) -> NewJob:
    """Ask for an optimisation of water."""
    asked = {
        "kind": "opt",
        "structure": {"symbols": SYMBOLS, "positions_angstrom": POSITIONS},
        "charge": 0,
        "unpaired": 0,
        "charge_origin": "default",
        "unpaired_origin": "default",
        "method": "gfn2",
        "engine": "xtb",
        "opt_level": "normal",
        "electronic_temperature_k": 300.0,
        "source": {"file": "mol/water.xyz", "sha256": "ab" * 32},
    } | changes.pop("spec", {})
    plain = {"kind": "opt", "formula": "H2O", "atoms": 3, "engine": "xtb@22.1", "owner": ADA}
    return new_job(name, spec_json=json.dumps(asked), **plain | changes)


def record(
    lease: Lease, *, failure: dict[str, Any] | None = None, warnings: Sequence[str] = (), **numbers: Any
) -> str:
    """Write the outcome of an optimisation of water, checked as a worker checks it."""
    converged = failure is None
    result = {
        "kind": "opt",
        "method": "gfn2",
        "engine": "xtb",
        "engine_version": "22.1",
        "charge": 0,
        "unpaired": 0,
        "symbols": SYMBOLS,
        "positions_angstrom": POSITIONS,
        "energy_hartree": ENERGY_HARTREE,
        "gradient_norm_hartree_per_bohr": 3e-4,
        "dipole_debye": 2.2,
        "homo_ev": -12.0,
        "lumo_ev": 2.0,
        "gap_ev": 14.0,
        "convergence": {
            "converged": converged,
            "steps": 4,
            "gradients": 5,
            "energy_change_threshold_hartree": 5e-6,
            "gradient_norm_threshold_hartree_per_bohr": 1e-3,
            "energy_change_hartree": -1.3e-5,
            "gradient_norm_hartree_per_bohr": 6.1e-3,
            "trajectory_energies_hartree": [-5.01, -5.05, -5.07, -5.06],
        },
        "wall_s": 1.5,
    } | numbers
    whole = {
        "schema": 1,
        "attempt": lease.fence,
        "worker": lease.worker,
        "nox_version": "0.1.0",
        "result": result,
        "failure": failure,
        "warnings": list(warnings),
    }
    text = json.dumps(whole)
    msgspec.json.decode(text, type=OutcomeRecord)
    return text


def xyz(name: str) -> Artifact:
    """Make a final geometry whose comment names its job."""
    return artifact("opt.xyz", f"3\n{name}\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n")


def done(lease: Lease, *, artifacts: tuple[Artifact, ...] = (), **numbers: Any) -> Outcome:
    """Say that an optimisation of water came to a good end, as a worker does."""
    written = record(lease, **numbers)
    return outcome(outcome_json=written, progress=_progress(written), artifacts=artifacts)


def _progress(written: str) -> Progress:
    """Read the progress that a worker records with an outcome."""
    return final_progress(read_result(msgspec.json.decode(written, type=OutcomeRecord).result))


def complete(store: Store, job: NewJob | None = None, *files: Artifact, **numbers: Any) -> str:
    """Store one job and run it to a good end; return its id."""
    asked = job or water()
    (job_id,) = submit(store, asked)
    run_well(store, job_id, *(files or (xyz(asked.name), artifact("engine.log", "one\ntwo\n"))), **numbers)
    return job_id


def run_well(store: Store, job_id: str, *files: Artifact, **numbers: Any) -> None:
    """Run the next attempt, which is of this job, to a good end."""
    lease = _next(store, job_id)
    store.finish(lease, done(lease, artifacts=files, **numbers))


def run_again(store: Store, job_id: str, *files: Artifact, **numbers: Any) -> None:
    """Retry a completed job, and let its new attempt complete."""
    store.retry([job_id], owner=None, done=True)
    run_well(store, job_id, *files, **numbers)


def _next(store: Store, job_id: str) -> Lease:
    lease = claim(store, WORKER).lease
    assert job_id == lease.job_id, "another job was waiting"
    return lease


def fail(
    store: Store, job: NewJob | None = None, reason: Reason = Reason.NOT_CONVERGED, **numbers: Any
) -> str:
    """Store one job and run it to a bad end; return its id."""
    (job_id,) = submit(store, job or water("prod2"))
    run_badly(store, job_id, reason, **numbers)
    return job_id


def run_badly(store: Store, job_id: str, reason: Reason = Reason.NOT_CONVERGED, **numbers: Any) -> None:
    """Run the next attempt, which is of this job, to a bad end."""
    lease = _next(store, job_id)
    why = {
        "reason": reason.value,
        "message": "not converged after 4 steps",
        "hint": "",
        "evidence": ["a line of evidence"],
    }
    written = record(lease, failure=why, gap_ev=0.21, verdicts=["small_gap"], **numbers)
    ended = failed(reason, outcome_json=written, progress=_progress(written), artifacts=(xyz("prod2"),))
    store.finish(lease, ended)
