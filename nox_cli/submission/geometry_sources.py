"""Geometries of stored jobs as inputs of new ones: the final one, or the last of a failed optimisation."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from nox_cli.inputs.charges import ChargeAndSpin, Flags, Sourced, agreed
from nox_cli.inputs.comment import Comment, Frame
from nox_cli.results.attempts import last_outcome
from nox_cli.results.documents import Document, document, outcome
from nox_cli.results.geometry import Geometry, geometry_of
from nox_cli.selectors.reader import CHUNK, look_up
from nox_cli.submission.handover import Restarted, hand_over, wake
from nox_cli.submission.options import refuse_with
from workers.engine.program_options import interpreted
from workers.errors import InputRefused, UsageError
from workers.first_input import as_part_of_source, first_input
from workers.job import Condition, JobState, NewJob, Parent
from workers.spec import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.config.settings import Settings
    from nox_cli.submission.options import SubmitOptions
    from workers.engine.program_options import PassedOn
    from workers.job import Job
    from workers.spec import ChemistrySpec, FirstInput
    from workers.store.base import Store

# Outcomes hold whole trajectories of energies: at most this many are in memory at once.
_CHUNK = 50
_OWN_ENDING = re.compile(r"-[0-9a-f]{4}\Z")
_SAME_SURFACE = ("method", "solvation", "solvent", "spin_polarised")


class GeometrySource(NamedTuple):
    """A job whose final geometry another job starts from."""

    job: Job
    spec: Document
    geometry: Geometry | None  # None: it has none, or not yet
    first_input: FirstInput | None = None  # the first structure of its chain of jobs, once it has ended

    @property
    def parent(self) -> Parent | None:
        """The condition on which a new job waits for it; None: its geometry is that of an earlier attempt."""
        if self.geometry and self.job.state is not JobState.DONE:
            return None
        return Parent(self.job.id, Condition.DONE if self.geometry else Condition.RESULT)

    def frame(self) -> Frame:
        """Return the geometry to start from; before the job is done, that of its own input.

        Raises:
            InputRefused: the job has no geometry, and will not get one.
        """
        if self.job.kind == "echo":
            raise self._refusal("is no calculation: it has no geometry")
        geometry = self.geometry
        if geometry is None and self.job.state is not JobState.DONE:
            geometry = geometry_of(self.spec.part("structure"))
        if geometry is None:
            raise self._refusal("has no geometry that can be read")
        lattice = geometry.lattice_angstrom
        return Frame(geometry.symbols, geometry.positions_angstrom, Comment(), lattice_angstrom=lattice)

    def source(self) -> Source:
        """Describe the origin of the geometry: this job, and the file that its input was read from."""
        told = self.spec.part("source")
        return Source(
            file=told.text("file"),
            frame=told.whole("frame"),
            sha256=told.text("sha256"),
            job=self.job.id,
            first_input=self.first_input,
        )

    def decide(self, flags: Flags, symbols: tuple[str, ...]) -> ChargeAndSpin:
        """Choose charge and spin: those of the options, else those of the job.

        At another charge than the job's, its spin is not used.

        Raises:
            InputRefused: the number of electrons is odd, and the spin is unknown.
        """
        own = f"job {self.job.number}"
        charge = Sourced(self.spec.whole("charge") or 0, own)
        spin = Sourced(self.spec.whole("unpaired") or 0, own)
        if flags.charge is not None and flags.charge.value != charge.value:
            return agreed(flags.charge, flags.unpaired, symbols)
        return agreed(flags.charge or charge, flags.unpaired or spin, symbols)

    def differs(self, calculation: ChemistrySpec) -> bool:
        """Whether a calculation uses another method or another solvent than this job."""
        options, text = self.spec.texts("program_options"), self.spec.text("program_input")
        mine = [self.spec.fields.get(name) or "" for name in _SAME_SURFACE]
        theirs = [getattr(calculation, name) or "" for name in _SAME_SURFACE]
        return [*mine, _surface(options, text)] != [
            *theirs,
            _surface(calculation.program_options, calculation.program_input),
        ]

    def _refusal(self, what: str) -> InputRefused:
        return InputRefused(f"job {self.job.number} {what}")


def _surface(options: Sequence[str], text: str) -> PassedOn:
    """Return the options of the xtb program that change energies."""
    return interpreted(options, text)._replace(rest=())


def read_sources(store: Store, job_ids: Sequence[str]) -> Iterator[GeometrySource]:
    """Read jobs that others are to start from, in order, some at a time.

    Raises:
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    for start in range(0, len(job_ids), _CHUNK):
        jobs = list(look_up(store, job_ids[start : start + _CHUNK]))
        specs = store.specs([job.id for job in jobs])
        completed = (job for job in jobs if job.state is JobState.DONE or job.good is not None)
        outcomes = store.outcomes([job.id for job in completed])
        for job in jobs:
            result = outcome(outcomes.get(job.id)).result
            first = first_input(job.id, result.fields)
            yield GeometrySource(job, document(specs.get(job.id)), geometry_of(result), first)


def common_batch(store: Store, job_ids: Sequence[str]) -> str:
    """Name the batch that jobs share, without the random ending that a submit added; empty: none."""
    batches = {job.batch for job in look_up(store, job_ids[:CHUNK])}
    return _OWN_ENDING.sub("", batches.pop()) if len(batches) == 1 else ""


def refuse_other_inputs(options: SubmitOptions, files: Sequence[str]) -> None:
    """Refuse options and files that `--from` cannot be combined with.

    Raises:
        UsageError: there is one.
    """
    refuse_with(options, "--from", ("kind", "files_from", "smiles", "split"))
    if files:
        raise UsageError(
            f"--from takes geometries of jobs, and {files[0]} is given", hint="submit the files by themselves"
        )


def restart(
    store: Store, job_ids: Sequence[str], settings: Settings, stop: Callable[[], bool] = bool
) -> Restarted:
    """Submit a new job for each of some failed optimisations: it continues from the last geometry.

    An attempt is continued once: asked for again, the job that continues it is returned.

    Args:
        store: the store of the jobs.
        job_ids: the failed jobs.
        settings: whether and how a worker of the local store is started.
        stop: is called between chunks of new jobs; no more are stored once it returns true.

    Raises:
        InputRefused: a job has no last geometry; nothing was submitted.
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read, or nothing was stored.
    """
    stored = hand_over(store, list(_restarts(store, job_ids)), stop=stop)
    if stored.jobs:
        wake(store, settings)
    return Restarted(stored, tuple(job_ids), store.kind, store.where)


def _restarts(store: Store, job_ids: Sequence[str]) -> Iterator[NewJob]:
    for start in range(0, len(job_ids), _CHUNK):
        jobs = list(look_up(store, job_ids[start : start + _CHUNK]))
        specs, outcomes = (read([job.id for job in jobs]) for read in (store.specs, store.outcomes))
        for job in jobs:
            result = last_outcome(store, job, outcome(outcomes.get(job.id))).result
            geometry = geometry_of(result)
            if job.state is not JobState.FAILED or geometry is None:
                why = "left no geometry" if job.state is JobState.FAILED else f"is {job.state}"
                raise InputRefused(
                    f"job {job.number} has no last geometry to go on from: it {why}",
                    did="nothing was submitted",
                    hint="name optimisations that did not converge, as @failed:not_converged",
                )
            yield _restart(job, specs.get(job.id, ""), geometry, first_input(job.id, result.fields))


def _restart(job: Job, spec_json: str, geometry: Geometry, first: FirstInput | None) -> NewJob:
    spec = dict(document(spec_json).fields)
    source = spec.get("source")
    spec["structure"] = geometry.structure
    spec["source"] = {
        **(source if isinstance(source, dict) else {}),
        **as_part_of_source(first),
        "job": job.id,
    }
    spec |= {"retry_of": job.id, "awaits_geometry": False}
    text = json.dumps(spec)
    return NewJob.like(job, text, hashlib.sha256(text.encode()).hexdigest())._replace(
        id=uuid4().hex,
        unique=hashlib.sha256(f"{job.owner} on from {job.id} {job.attempt}".encode()).hexdigest(),
    )
