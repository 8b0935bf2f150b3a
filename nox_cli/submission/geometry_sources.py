"""Jobs that others start from: each hands its final geometry on, now or once it is done."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nox_cli.inputs.charges import ChargeAndSpin, Flags, Sourced, agreed
from nox_cli.inputs.comment import Comment
from nox_cli.inputs.frame import Frame
from nox_cli.results.documents import Document, document, outcome
from nox_cli.results.geometry import Geometry, geometry_of
from nox_cli.selectors import CHUNK, look_up, select
from workers.engine.program_options import interpreted
from workers.errors import InputRefused, NothingMatched, UsageError
from workers.first_input import first_input
from workers.job import Condition, JobState, Parent
from workers.spec import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.session import Session
    from nox_cli.submission.calculation import Calculation
    from workers.engine.program_options import PassedOn
    from workers.job import Job
    from workers.spec import FirstInput
    from workers.store.base import Store

# Outcomes hold whole trajectories of energies: so many are in memory at once.
_STRETCH = 50
_OWN_ENDING = re.compile(r"-[0-9a-f]{4}\Z")
_SAME_SURFACE = ("method", "solvation", "solvent", "spin_polarised")


@dataclass(frozen=True, slots=True)
class GeometrySource:
    """A job whose final geometry another job starts from."""

    job: Job
    spec: Document
    geometry: Geometry | None  # None: it has none, or not yet
    first_input: FirstInput | None = None  # what its chain of jobs began with, once it has ended

    @property
    def parent(self) -> Parent | None:
        """How it is waited for: not at all where its geometry is known; None: of an earlier attempt."""
        if self.geometry and self.job.state is not JobState.DONE:
            return None
        return Parent(self.job.id, Condition.DONE if self.geometry else Condition.RESULT)

    def frame(self) -> Frame:
        """Give the geometry to start from; before the job is done its own input stands in.

        Raises:
            InputRefused: the job has no geometry, and will have none.
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
        """Say where the geometry came from: this job, and what that was read from."""
        told = self.spec.part("source")
        return Source(
            file=told.text("file"),
            frame=told.whole("frame"),
            sha256=told.text("sha256"),
            job=self.job.id,
            first_input=self.first_input,
        )

    def decide(self, flags: Flags, symbols: tuple[str, ...]) -> ChargeAndSpin:
        """Decide on charge and spin: what the command line says, else what the job has.

        At another charge the job's spin says nothing.

        Raises:
            InputRefused: nobody speaks of spin and the number of electrons is odd.
        """
        own = f"job {self.job.number}"
        charge = Sourced(self.spec.whole("charge") or 0, own)
        spin = Sourced(self.spec.whole("unpaired") or 0, own)
        if flags.charge is not None and flags.charge.value != charge.value:
            return agreed(flags.charge, flags.unpaired, symbols)
        return agreed(flags.charge or charge, flags.unpaired or spin, symbols)

    def differs(self, calculation: Calculation) -> bool:
        """Whether a calculation is by another method, or in other surroundings, than this job."""
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
    """What was passed on to the xtb program, but for what changes no energy."""
    return replace(interpreted(options, text), rest=())


def source_ids(call: Session, words: Sequence[str], *, allow_none: bool) -> list[str]:
    """Find the ids of the jobs that others are to start from.

    Raises:
        NothingMatched, JobNotFound: there are no such jobs.
        UsageError: a word is no selector.
        StoreError: the store cannot be read.
    """
    try:
        found = select(call.store, words, owner=call.settings.owner, stdin=call.streams.stdin)
    except NothingMatched as error:
        if allow_none and type(error) is NothingMatched:
            return []
        raise
    return list(found)


def read_sources(store: Store, job_ids: Sequence[str]) -> Iterator[GeometrySource]:
    """Read jobs that others are to start from, in order, a stretch at a time.

    Raises:
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    for start in range(0, len(job_ids), _STRETCH):
        jobs = list(look_up(store, job_ids[start : start + _STRETCH]))
        specs = store.specs([job.id for job in jobs])
        completed = (job for job in jobs if job.state is JobState.DONE or job.good is not None)
        outcomes = store.outcomes([job.id for job in completed])
        for job in jobs:
            result = outcome(outcomes.get(job.id)).result
            first = first_input(job.id, result.fields)
            yield GeometrySource(job, document(specs.get(job.id)), geometry_of(result), first)


def common_batch(store: Store, job_ids: Sequence[str]) -> str:
    """Name the batch that jobs share, without what a submit added to tell it from others; empty: none."""
    batches = {job.batch for job in look_up(store, job_ids[:CHUNK])}
    return _OWN_ENDING.sub("", batches.pop()) if len(batches) == 1 else ""


def refuse_other_inputs(options: object, files: Sequence[str]) -> None:
    """Refuse what `--from` cannot be combined with.

    Raises:
        UsageError: there is something.
    """
    for name in ("kind", "files_from", "smiles", "split"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} and --from contradict each other")
    if files:
        raise UsageError(
            f"--from takes geometries of jobs, and {files[0]} is given", hint="submit the files by themselves"
        )
