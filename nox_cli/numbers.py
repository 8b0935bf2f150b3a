"""The numbers of a job, by the names of `fields.RESULT_FIELDS`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from nox_cli import moments
from nox_cli.gas import Gas, gas_of
from nox_cli.geometry import Geometry, geometry_of
from nox_cli.outcomes import Document, Outcome, document, outcome
from nox_cli.selectors import look_up
from workers.engine.passed_on import interpreted
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.job import Job
    from workers.store.base import Store

# Outcomes hold whole geometries and gradients: so many are in memory at once.
_STRETCH = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One job's numbers; what it does not have is None."""

    job: Job
    values: dict[str, Any]
    payload: Any = None  # of an echo job
    geometry: Geometry | None = None  # the final one, if it was asked for
    gas: Gas | None = None  # what its thermochemistry came from, if that was asked for

    @property
    def key(self) -> tuple[str, float | None]:
        """What tells this row from others: a job has one for each temperature."""
        return self.job.id, self.values.get("temperature_k")


def rows_of(
    store: Store, job_ids: Iterable[str], *, geometries: bool = False, gases: bool = False
) -> Iterator[Row]:
    """Read the numbers of jobs, in order.

    Args:
        store: where the jobs are.
        job_ids: of which jobs; no more of them are asked for than is needed.
        geometries: their final geometries too.
        gases: what their thermochemistry was worked out from, too.

    Raises:
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    rest = iter(job_ids)
    while stretch := list(islice(rest, _STRETCH)):
        jobs = list(look_up(store, stretch))
        ended = [job.id for job in jobs if job.state.is_final]
        specs, outcomes = store.specs(ended), store.outcomes(ended)
        for job in jobs:
            ended_as = outcome(outcomes.get(job.id))
            row = _row(job, document(specs.get(job.id)), ended_as)
            yield (
                replace(
                    row,
                    geometry=geometry_of(ended_as.result) if geometries else None,
                    gas=gas_of(ended_as.result) if gases else None,
                )
                if geometries or gases
                else row
            )


def _row(job: Job, spec: Document, ended: Outcome) -> Row:
    values = _identity(job, spec) | _asked(job, spec, ended.result) | _reached(job, ended)
    values |= _judged(ended.result) | _curved(ended.result)
    values["libraries"] = _libraries(ended.result)
    return Row(job, values, ended.result.fields.get("payload"))


def _libraries(result: Document) -> tuple[tuple[str, str], ...]:
    """Read what computed beside the engine: names and versions."""
    pairs = result.fields.get("libraries")
    texts = (Document({"pair": pair}).texts("pair") for pair in (pairs if isinstance(pairs, list) else ()))
    return tuple((pair[0], pair[1]) for pair in texts if len(pair) == 2)  # noqa: PLR2004


def _identity(job: Job, spec: Document) -> dict[str, Any]:
    source = spec.part("source")
    return {
        "number": job.number,
        "job_id": job.id,
        "batch": job.batch or None,
        "name": job.name or None,
        "source_file": source.text("file") or None,
        "input_sha256": source.text("sha256") or None,
        "formula": job.formula or None,
        "n_atoms": job.atoms or None,
    }


def _asked(job: Job, spec: Document, result: Document) -> dict[str, Any]:
    passed = interpreted(spec.texts("program_options"), spec.text("program_input"))
    charge, unpaired = result.whole("charge"), result.whole("unpaired")
    return {
        "charge": spec.whole("charge") if charge is None else charge,
        "unpaired_electrons": spec.whole("unpaired") if unpaired is None else unpaired,
        "charge_origin": spec.text("charge_origin") or None,
        "calculation": job.kind,
        "is_crystal": None if job.kind == "echo" else result.fields.get("lattice_angstrom") is not None,
        "opt_level": spec.text("opt_level") or None,
        "method": result.text("method") or spec.text("method") or None,
        "electronic_temperature_k": spec.number("electronic_temperature_k"),
        "solvation": spec.text("solvation") or passed.solvation or None,
        "solvent": spec.text("solvent") or passed.solvent or None,
        "spin_polarised": None if job.kind == "echo" else bool(spec.flag("spin_polarised")),
        "program_options": " ".join(spec.texts("program_options")) or None,
        "program_input": spec.text("program_input") or None,
        "is_frozen": bool(spec.fields.get("frozen_atoms")),
    }


def _reached(job: Job, ended: Outcome) -> dict[str, Any]:
    result, convergence = ended.result, ended.convergence
    names = (
        "energy_hartree",
        "gradient_norm_hartree_per_bohr",
        "gap_ev",
        "homo_ev",
        "lumo_ev",
        "dipole_debye",
    )
    ran = None if job.started_ms is None or job.ended_ms is None else (job.ended_ms - job.started_ms) / 1_000
    wall = result.number("wall_s")
    return {
        "state": job.state.public,
        "reason": job.reason,
        "warnings": list(ended.warnings),
        **{name: result.number(name) for name in names},
        "converged": convergence.flag("converged") if convergence else _is_converged(job),
        "steps": convergence.whole("steps"),
        "engine": result.text("engine") or job.engine.partition("@")[0] or None,
        "engine_version": result.text("engine_version") or None,
        "nox_version": ended.whole.text("nox_version") or None,
        "host": job.host or None,
        "attempt": job.attempt or None,
        "wall_s": ran if wall is None else wall,
        "finished_at": moments.iso(job.ended_ms),
    }


def _judged(result: Document) -> dict[str, Any]:
    changes = result.part("bonds_changed")
    return {
        "verdicts": list(result.texts("verdicts")),
        "bonds_changed": (
            [f"{what} {bond}" for what in ("broken", "formed") for bond in _bonds(result, changes, what)]
            if changes
            else None
        ),
    }


def _bonds(result: Document, changes: Document, what: str) -> Iterator[str]:
    """Name pairs of atoms: `N1-H8`."""
    symbols = result.texts("symbols")
    for pair in changes.fields.get(what) or ():
        with suppress(TypeError, IndexError):
            yield "-".join(f"{symbols[atom - 1]}{atom}" for atom in pair)


def _curved(result: Document) -> dict[str, Any]:
    """What frequencies and thermochemistry gave."""
    gas, modes = result.part("thermochemistry"), result.part("vibrations")
    names = (
        "zpe_hartree",
        "enthalpy_hartree",
        "entropy_hartree_per_k",
        "gibbs_hartree",
        "gibbs_rrho_hartree",
        "temperature_k",
        "pressure_pa",
    )
    return {
        "imaginary_modes": modes.whole("imaginary_modes"),
        "lowest_mode_cm1": modes.number("lowest_mode_cm1"),
        "symmetry_number": gas.whole("symmetry_number"),
        **{name: gas.number(name) for name in names},
    }


def _is_converged(job: Job) -> bool | None:
    """Whether a calculation without an optimisation converged: it did, if it has a result."""
    if job.kind == "echo" or job.state not in {JobState.DONE, JobState.FAILED}:
        return None
    return job.state is JobState.DONE
