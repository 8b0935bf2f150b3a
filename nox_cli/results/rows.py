"""The numbers of a job, by the names of `columns.RESULT_FIELDS`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from nox_cli import times
from nox_cli.results.attempts import chosen, ended, standing
from nox_cli.results.documents import Document, OutcomeDocument, document, outcome
from nox_cli.results.geometry import Geometry, geometry_of
from nox_cli.results.thermochemistry import Gas, gas_of
from nox_cli.selectors import look_up
from workers.engine.program_options import interpreted
from workers.errors import NothingMatched
from workers.job import JobState, worker_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.job import Attempt, Job
    from workers.store.base import Store

# Outcomes hold whole geometries and gradients: so many are in memory at once.
_STRETCH = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One job's numbers; what it does not have is None."""

    job: Job
    values: dict[str, Any]
    outcome: OutcomeDocument = field(default_factory=OutcomeDocument)
    is_result: bool = False  # the attempt completed
    note: str = ""  # how the attempt stands to the job, where it is not the one that completed it
    missing: NothingMatched | None = None  # why there is no such attempt
    geometry: Geometry | None = None  # the final one, if it was asked for
    gas: Gas | None = None  # what its thermochemistry came from, if that was asked for

    @property
    def payload(self) -> object:
        """What an echo job returned."""
        return self.outcome.result.fields.get("payload")

    @property
    def key(self) -> tuple[str, float | None]:
        """What tells this row from others: a job has one for each temperature."""
        return self.job.id, self.values.get("temperature_k")


def rows_of(
    store: Store,
    job_ids: Iterable[str],
    *,
    attempt: int | None = None,
    geometries: bool = False,
    gases: bool = False,
) -> Iterator[Row]:
    """Read the numbers of jobs, in order.

    Args:
        store: where the jobs are.
        job_ids: of which jobs; no more of them are asked for than is needed.
        attempt: of this attempt of each; None: the result that is shown of a job.
        geometries: their final geometries too.
        gases: what their thermochemistry was worked out from, too.

    Raises:
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    rest = iter(job_ids)
    while stretch := list(islice(rest, _STRETCH)):
        jobs = list(look_up(store, stretch))
        wanted = [job.id for job in jobs if (job.shown if attempt is None else job.attempt)]
        specs, outcomes = store.specs(wanted), store.outcomes(wanted) if attempt is None else {}
        for job in jobs:
            spec = document(specs.get(job.id))
            row = (
                _shown(store, job, spec, outcome(outcomes.get(job.id)))
                if attempt is None
                else _chosen(store, job, spec, attempt)
            )
            result = row.outcome.result
            yield (
                replace(
                    row,
                    geometry=geometry_of(result) if geometries else None,
                    gas=gas_of(result) if gases else None,
                )
                if geometries or gases
                else row
            )


def _shown(store: Store, job: Job, spec: Document, shown: OutcomeDocument) -> Row:
    """Make the row of the result that is shown of a job."""
    note, tried = standing(job), None
    if note:
        tried = next((one for one in store.attempts(job.id) if one.number == job.good), None)
    values = _values(job, spec, shown, tried) | {"state": job.state.public, "reason": job.reason}
    return Row(job, values, shown, bool(note) or job.state is JobState.DONE, note)


def _chosen(store: Store, job: Job, spec: Document, number: int) -> Row:
    """Make the row of one attempt of a job."""
    try:
        tried, found = chosen(store, job, number)
    except NothingMatched as error:
        return Row(job, {}, missing=error)
    is_result = found.has_completed or tried.ended_as == JobState.DONE
    end = JobState.DONE if is_result else JobState.FAILED if found.failure else JobState.CANCELLED
    values = _values(job, spec, found, tried)
    values |= {"state": end.public, "reason": None if is_result else tried.ended_as}
    return Row(job, values, found, is_result, "" if is_result else f"attempt {number}: {ended(tried)}")


def _values(job: Job, spec: Document, found: OutcomeDocument, tried: Attempt | None) -> dict[str, Any]:
    """Collect the values of an outcome; `tried` is its attempt, if that is not the job's newest."""
    values = _identity(job, spec) | _asked(job, spec, found.result) | _reached(job, found, tried)
    values |= _judged(found.result) | _curved(found.result)
    values["libraries"] = _libraries(found.result)
    return values


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
        "own_options": passed.own,
        "program_input": spec.text("program_input") or None,
        "is_frozen": bool(spec.fields.get("frozen_atoms")),
    }


def _reached(job: Job, found: OutcomeDocument, tried: Attempt | None) -> dict[str, Any]:
    result, convergence = found.result, found.convergence
    names = (
        "energy_hartree",
        "gradient_norm_hartree_per_bohr",
        "gap_ev",
        "homo_ev",
        "lumo_ev",
        "dipole_debye",
    )
    started_ms, ended_ms = (tried.started_ms, tried.ended_ms) if tried else (job.started_ms, job.ended_ms)
    ran = None if started_ms is None or ended_ms is None else (ended_ms - started_ms) / 1_000
    wall = result.number("wall_s")
    return {
        "warnings": list(found.warnings),
        **{name: result.number(name) for name in names},
        "converged": convergence.flag("converged") if convergence else _is_converged(job, found, tried),
        "steps": convergence.whole("steps"),
        "engine": result.text("engine") or job.engine.partition("@")[0] or None,
        "engine_version": result.text("engine_version") or None,
        "nox_version": found.whole.text("nox_version") or None,
        "host": (worker_host(tried.worker) if tried else job.host) or None,
        "attempt": (tried.number if tried else job.attempt) or None,
        "wall_s": ran if wall is None else wall,
        "finished_at": times.iso(ended_ms),
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


def _is_converged(job: Job, found: OutcomeDocument, tried: Attempt | None) -> bool | None:
    """Whether a calculation without an optimisation converged: it did, if it has a result."""
    state = None if tried else job.state
    if job.kind == "echo":
        return None
    if found.has_completed or state is JobState.DONE:
        return True
    return False if found.failure or state is JobState.FAILED else None
