"""Rows of results: the record of each job or attempt, read from the documents of the store."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from nox_cli import times
from nox_cli.results.attempts import chosen, ended, standing
from nox_cli.results.documents import Document, OutcomeDocument, document, outcome
from nox_cli.results.geometry import Geometry, geometry_of
from nox_cli.results.record import ResultRecord
from nox_cli.results.thermochemistry import Gas, gas_of
from nox_cli.selectors.reader import look_up
from workers.engine.program_options import interpreted
from workers.errors import NothingMatched
from workers.job import JobState, worker_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workers.job import Attempt, Job
    from workers.store.base import Store


# Outcomes hold whole geometries and gradients: this many are in memory at once.
_CHUNK = 50


class Row(NamedTuple):
    """The result of one job, or of one of its attempts, under one temperature."""

    job: Job
    record: ResultRecord
    outcome: OutcomeDocument = OutcomeDocument()
    is_result: bool = False  # the attempt completed
    note: str = ""  # how the attempt relates to the job, where it is not the one that completed it
    missing: NothingMatched | None = None  # why there is no such attempt; the record is empty then
    geometry: Geometry | None = None  # the final one, if it was asked for
    gas: Gas | None = None  # the data of its thermochemistry, if they were asked for

    @property
    def payload(self) -> object:
        """The value that an echo job returned."""
        return self.outcome.result.fields.get("payload")

    @property
    def key(self) -> tuple[str, float | None]:
        """The id and the temperature: a job has one row for each temperature."""
        return self.job.id, self.record.temperature_k


def rows_of(
    store: Store,
    job_ids: Iterable[str],
    *,
    attempt: int | None = None,
    geometries: bool = False,
    gases: bool = False,
) -> Iterator[Row]:
    """Read the results of jobs, in order.

    Args:
        store: the store of the jobs.
        job_ids: the jobs; an iterator is read only as far as rows are.
        attempt: the attempt of each job; None: the one whose result is shown.
        geometries: read final geometries too.
        gases: read the data of thermochemistry too.

    Raises:
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    rest = iter(job_ids)
    while chunk := list(islice(rest, _CHUNK)):
        jobs = list(look_up(store, chunk))
        wanted = [job.id for job in jobs if (job.shown if attempt is None else job.attempt)]
        specs, outcomes = store.specs(wanted), store.outcomes(wanted) if attempt is None else {}
        for job in jobs:
            spec = document(specs.get(job.id))
            if attempt is None:
                row = _shown(store, job, spec, outcome(outcomes.get(job.id)))
            else:
                row = _chosen(store, job, spec, attempt)
            result = row.outcome.result
            if geometries:
                row = row._replace(geometry=geometry_of(result))
            yield row._replace(gas=gas_of(result)) if gases else row


def _shown(store: Store, job: Job, spec: Document, shown: OutcomeDocument) -> Row:
    """Make the row of the result that is shown of a job."""
    note, earlier = standing(job), None
    if note:
        earlier = next((one for one in store.attempts(job.id) if one.number == job.good), None)
    record = _record(job, spec, shown, earlier)._replace(state=job.state.public, reason=job.reason)
    return Row(job, record, shown, bool(note) or job.state is JobState.DONE, note)


def _chosen(store: Store, job: Job, spec: Document, number: int) -> Row:
    """Make the row of one attempt of a job."""
    try:
        attempt, found = chosen(store, job, number)
    except NothingMatched as error:
        return Row(job, ResultRecord(job.number, job.id), missing=error)
    is_result = found.has_completed or attempt.ended_as == JobState.DONE
    end = JobState.DONE if is_result else JobState.FAILED if found.failure else JobState.CANCELLED
    reason = None if is_result else attempt.ended_as
    record = _record(job, spec, found, attempt)._replace(state=end.public, reason=reason)
    return Row(job, record, found, is_result, "" if is_result else f"attempt {number}: {ended(attempt)}")


def _record(job: Job, spec: Document, found: OutcomeDocument, attempt: Attempt | None) -> ResultRecord:
    """Read the record of an outcome, without state and reason.

    Args:
        job: the job.
        spec: its specification.
        found: the outcome.
        attempt: the attempt of the outcome, if that is not the job's newest.
    """
    result, convergence, source = found.result, found.convergence, spec.part("source")
    gas, modes = result.part("thermochemistry"), result.part("vibrations")
    passed = interpreted(spec.texts("program_options"), spec.text("program_input"))
    charge, unpaired, wall = result.whole("charge"), result.whole("unpaired"), result.number("wall_s")
    started_ms, ended_ms = (attempt or job).started_ms, (attempt or job).ended_ms
    ran = None if started_ms is None or ended_ms is None else (ended_ms - started_ms) / 1_000
    is_echo = job.kind == "echo"
    return ResultRecord(
        number=job.number,
        job_id=job.id,
        batch=job.batch or None,
        name=job.name or None,
        source_file=source.text("file") or None,
        input_sha256=source.text("sha256") or None,
        formula=job.formula or None,
        n_atoms=job.atoms or None,
        charge=spec.whole("charge") if charge is None else charge,
        unpaired_electrons=spec.whole("unpaired") if unpaired is None else unpaired,
        charge_origin=spec.text("charge_origin") or None,
        calculation=job.kind,
        opt_level=spec.text("opt_level") or None,
        method=result.text("method") or spec.text("method") or None,
        electronic_temperature_k=spec.number("electronic_temperature_k"),
        warnings=found.warnings,
        energy_hartree=result.number("energy_hartree"),
        gradient_norm_hartree_per_bohr=result.number("gradient_norm_hartree_per_bohr"),
        gap_ev=result.number("gap_ev"),
        homo_ev=result.number("homo_ev"),
        lumo_ev=result.number("lumo_ev"),
        dipole_debye=result.number("dipole_debye"),
        converged=convergence.flag("converged") if convergence else _is_converged(job, found, attempt),
        steps=convergence.whole("steps"),
        engine=result.text("engine") or job.engine.partition("@")[0] or None,
        engine_version=result.text("engine_version") or None,
        nox_version=found.whole.text("nox_version") or None,
        host=(worker_host(attempt.worker) if attempt else job.host) or None,
        attempt=(attempt.number if attempt else job.attempt) or None,
        wall_s=ran if wall is None else wall,
        finished_at=times.iso(ended_ms),
        verdicts=result.texts("verdicts"),
        bonds_changed=_bonds_changed(result),
        imaginary_modes=modes.whole("imaginary_modes"),
        lowest_mode_cm1=modes.number("lowest_mode_cm1"),
        zpe_hartree=gas.number("zpe_hartree"),
        enthalpy_hartree=gas.number("enthalpy_hartree"),
        entropy_hartree_per_k=gas.number("entropy_hartree_per_k"),
        gibbs_hartree=gas.number("gibbs_hartree"),
        gibbs_rrho_hartree=gas.number("gibbs_rrho_hartree"),
        temperature_k=gas.number("temperature_k"),
        pressure_pa=gas.number("pressure_pa"),
        symmetry_number=gas.whole("symmetry_number"),
        solvation=spec.text("solvation") or passed.solvation or None,
        solvent=spec.text("solvent") or passed.solvent or None,
        spin_polarised=None if is_echo else bool(spec.flag("spin_polarised")),
        is_crystal=None if is_echo else result.fields.get("lattice_angstrom") is not None,
        program_options=spec.texts("program_options"),
        own_options=passed.own,
        program_input=spec.text("program_input") or None,
        is_frozen=bool(spec.fields.get("frozen_atoms")),
        libraries=_libraries(result),
    )


def _libraries(result: Document) -> tuple[tuple[str, str], ...]:
    """Read the names and versions of libraries that computed besides the engine."""
    pairs = result.fields.get("libraries")
    texts = (Document({"pair": pair}).texts("pair") for pair in (pairs if isinstance(pairs, list) else ()))
    return tuple((pair[0], pair[1]) for pair in texts if len(pair) == 2)  # noqa: PLR2004


def _bonds_changed(result: Document) -> tuple[str, ...] | None:
    """Name the bonds that were broken and formed: `broken N1-H8`; None: bonds were not compared."""
    changes = result.part("bonds_changed")
    if not changes:
        return None
    kinds = ("broken", "formed")
    return tuple(f"{kind} {bond}" for kind in kinds for bond in _bonds(result, changes.fields.get(kind)))


def _bonds(result: Document, pairs: Any) -> Iterator[str]:
    """Name pairs of atoms: `N1-H8`; damaged ones are left out."""
    symbols = result.texts("symbols")
    for pair in pairs or ():
        with suppress(TypeError, IndexError):
            yield "-".join(f"{symbols[atom - 1]}{atom}" for atom in pair)


def _is_converged(job: Job, found: OutcomeDocument, attempt: Attempt | None) -> bool | None:
    """Whether a calculation without an optimisation converged: it did, if it has a result."""
    state = None if attempt else job.state
    if job.kind == "echo":
        return None
    if found.has_completed or state is JobState.DONE:
        return True
    return False if found.failure or state is JobState.FAILED else None
