"""Structures of jobs, written to files that a viewer shows."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted, job_title
from nox_cli.names import name_from
from nox_cli.results.artifacts import content_of_item, find_artifacts
from nox_cli.results.documents import document, outcome
from nox_cli.results.files import write_whole
from nox_cli.results.geometry import geometry_of
from nox_cli.viewers.programs import NOT_OPENED
from workers.errors import ArtifactNotFound, UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from nox_cli.results.geometry import Geometry
    from nox_cli.results.json_objects import OpenRecord
    from nox_cli.viewers.programs import Viewer
    from workers.job import Job
    from workers.store.base import Store

# One file holds the structures of this many jobs at most.
MAX_JOBS = 1_000
FOLDER = "opened"  # in the state directory
# Files that were opened longer ago are removed when another is opened.
KEPT_S = 7 * 86_400
# A viewer that cannot start ends within this time.
_START_S = 0.5
_NAME_BYTES = 100


class Opened(NamedTuple):
    """A file that a viewer shows."""

    jobs: tuple[Job, ...]
    file: Path
    viewer: Viewer
    notes: tuple[str, ...] = ()

    def document(self) -> OpenRecord:
        """Return the file and the viewer."""
        return {
            "job_ids": [job.id for job in self.jobs],
            "file": str(self.file),
            "viewer": list(self.viewer.argv),
        }


class Shown(NamedTuple):
    """The content of a file for a viewer."""

    name: str
    pieces: Iterable[bytes]
    notes: tuple[str, ...] = ()


def open_jobs(
    store: Store,
    jobs: Sequence[Job],
    name: str,
    viewer: Viewer,
    home: Path,
    guard: AbstractContextManager[object],
) -> Opened:
    """Write the structures of jobs to one file, and start a viewer on it.

    Args:
        store: the store of the jobs.
        jobs: the jobs; several become one file of several structures.
        name: an artifact of one job; empty: the final geometry, or that of the input.
        viewer: the program.
        home: the state directory; the file is in its folder `FOLDER`, which only its owner can read.
        guard: is entered while a viewer has the terminal.

    Raises:
        UsageError: there are too many jobs, or the viewer cannot be started.
        ArtifactNotFound: a job has no structure, or no such artifact.
        OutputLost: the file cannot be written.
        StoreError: the store cannot be read.
    """
    shown = _artifact(store, jobs, name) if name else _geometries(store, jobs, viewer)
    file = _written(home / FOLDER, shown)
    _start(viewer, file, guard)
    return Opened(tuple(jobs), file, viewer, shown.notes)


def _artifact(store: Store, jobs: Sequence[Job], name: str) -> Shown:
    """Read an artifact of one job."""
    if len(jobs) > 1:
        raise UsageError(
            f"{counted(len(jobs), 'job')}: only geometries are opened together",
            did=NOT_OPENED,
            hint=f"name one job: nox open {jobs[0].number} {name}",
        )
    items, missing = find_artifacts(store, jobs, [name])
    if not items:
        raise ArtifactNotFound(missing[0].line, did=NOT_OPENED)
    return Shown(f"{_stem(jobs[0])}-{name_from(name)}", content_of_item(store, items[0]))


def _geometries(store: Store, jobs: Sequence[Job], viewer: Viewer) -> Shown:
    """Read the geometries of jobs: an xyz file, or a POSCAR of a crystal if the viewer reads that."""
    if len(jobs) > MAX_JOBS:
        raise UsageError(
            f"{len(jobs):,} structures are too many for one file",
            did=NOT_OPENED,
            hint=f"name {MAX_JOBS:,} jobs at most",
        )
    found = [_geometry(store, job) for job in jobs]
    inputs = [job for job, (_, energy) in zip(jobs, found, strict=True) if energy is None]
    stopped = [job for job in jobs if job.shown and not (job.state is JobState.DONE or job.good)]
    notes = [
        *_note(inputs, "no result yet, this is the input"),
        *_note(stopped, "failed: the geometry is where the optimisation stopped"),
    ]
    is_crystal = any(geometry.lattice_angstrom is not None for geometry, _ in found)
    stem = _stem(jobs[0]) if len(jobs) == 1 else f"{jobs[0].number}-{jobs[-1].number}"
    if is_crystal and len(jobs) == 1 and viewer.reads_poscar:
        text = _poscar(found[0][0], job_title(jobs[0]))
        return Shown(f"{stem}.POSCAR", [text.encode()], tuple(notes))
    if is_crystal:
        notes.append(f"{viewer.name} may show the atoms without the cell")
    frames = (
        geometry.xyz(_comment(job, geometry, energy))
        for job, (geometry, energy) in zip(jobs, found, strict=True)
    )
    return Shown(f"{stem}.xyz", ["\n".join([*frame, ""]).encode() for frame in frames], tuple(notes))


def _geometry(store: Store, job: Job) -> tuple[Geometry, float | None]:
    """Read the final geometry of a job and its energy, or that of its input and None.

    Raises:
        ArtifactNotFound: the job has neither.
    """
    if job.shown is not None:
        result = outcome(store.outcome(job.id, job.shown)).result
        geometry, energy = geometry_of(result), result.number("energy_hartree")
        if geometry is not None and energy is not None:
            return geometry, energy
    geometry = geometry_of(document(store.specs([job.id]).get(job.id)).part("structure"))
    if geometry is None:
        raise ArtifactNotFound(f"job {job_title(job)} has no geometry so far", did=NOT_OPENED)
    return geometry, None


def _note(jobs: Sequence[Job], what: str) -> Iterator[str]:
    """Write what is to be known of some of the jobs, if there are any."""
    if jobs:
        others = f" and {len(jobs) - 1:,} more" if jobs[1:] else ""
        yield f"{job_title(jobs[0])}{others}: {what}"


def _comment(job: Job, geometry: Geometry, energy_hartree: float | None) -> str:
    words = [job_title(job), "input" if energy_hartree is None else f"energy={energy_hartree:.12f}"]
    if geometry.lattice_angstrom is not None:
        words.append(geometry.cell)
    return " ".join(words)


def _poscar(geometry: Geometry, title: str) -> str:
    """Write a crystal as VASP does; atoms keep their order, so an element may come several times."""
    runs = [(symbol, len(list(run))) for symbol, run in groupby(geometry.symbols)]
    lines = [
        title,
        "1.0",
        *map(_numbers, geometry.lattice_angstrom or ()),
        " ".join(symbol for symbol, _ in runs),
        " ".join(str(count) for _, count in runs),
        "Cartesian",
        *map(_numbers, geometry.positions_angstrom),
        "",
    ]
    return "\n".join(lines)


def _numbers(vector: Iterable[float]) -> str:
    return " ".join(f"{number:18.10f}" for number in vector)


def _stem(job: Job) -> str:
    """Begin the name of a file; the job's number makes it unique in this store."""
    name = name_from(job.name).encode()[:_NAME_BYTES].decode(errors="ignore") if job.name else ""
    return f"{job.number}-{name}".rstrip("-")


def _written(folder: Path, shown: Shown) -> Path:
    """Write a file that only its owner can read, and remove those of the week before.

    Raises:
        OutputLost: it cannot be written.
    """
    file = folder / shown.name
    with suppress(OSError):  # which `write_whole` reports
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(folder)
    write_whole(file, shown.pieces, folder / f".{os.getpid()}.part", force=True, did=NOT_OPENED)
    return file


def _remove_old(folder: Path) -> None:
    for entry in folder.iterdir():
        with suppress(OSError):
            if entry.lstat().st_mtime < time.time() - KEPT_S:
                entry.unlink()


def _start(viewer: Viewer, file: Path, guard: AbstractContextManager[object]) -> None:
    """Start a viewer, detached from the terminal unless it runs there, within `guard`.

    Raises:
        UsageError: it cannot be started, or ends with an error at once.
    """
    argv = [*viewer.argv, str(file)]
    try:
        if viewer.holds_terminal:
            with guard:
                subprocess.run(argv, check=False)
            return
        errors = file.parent / "viewer.log"
        with errors.open("wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise UsageError(
            f"{viewer.name} cannot be started: {(error.strerror or str(error)).lower()}"
        ) from None
    with suppress(subprocess.TimeoutExpired):
        if code := process.wait(_START_S):
            last = next(_last_words(errors), "")
            raise UsageError(
                f"{viewer.name} ended with code {code}{last and f': {last}'}", hint=f"the file is {file}"
            )


def _last_words(log: Path) -> Iterator[str]:
    """Yield the last line that a viewer wrote, if there is one."""
    with suppress(OSError):
        lines = log.read_text(errors="replace").split("\n")
        yield from reversed([line.strip()[:200] for line in lines if line.strip()][-1:])
