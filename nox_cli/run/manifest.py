"""The results directory of `nox run -d DIR`: its manifest, by which a second run continues, and its files."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli.names import name_from
from nox_cli.results.artifacts import RESULT_JSON
from workers.errors import FileInTheWay, OutputLost, UsageError
from workers.files import write_whole
from workers.job import JobState
from workers.names import OPT_XYZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from workers.job import NewJob
    from workers.store.base import Store

NOTHING_RUN = "nothing was run"
MANIFEST = ".nox-run.json"
_LIMIT_BYTES = 64 * 1024**2


class Manifest:
    """Maps the inputs of earlier runs to jobs, by store, in a file of the directory."""

    def __init__(self, directory: Path, where: str) -> None:
        """Read the manifest of a directory.

        Args:
            directory: made if it is missing.
            where: the store, as it names itself; jobs of other stores are kept apart.

        Raises:
            OutputLost: the directory cannot be made or read.
            UsageError: the manifest cannot be read as one.
        """
        self._path = directory / MANIFEST
        self._where = where
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._stores = _read(self._path)
        except OSError as error:
            raise _lost(self._path, error) from error
        self._known = self._stores.setdefault(where, {})

    def known(self, job: NewJob) -> str | None:
        """Find the id an input became, if it was run before."""
        return self._known.get(key(job))

    def is_known_elsewhere(self, job: NewJob) -> bool:
        """Whether an input was run before, and only in stores other than this one."""
        name = key(job)
        return name not in self._known and any(name in jobs for jobs in self._stores.values())

    def remember(self, jobs: Iterable[NewJob]) -> None:
        """Record the jobs of inputs before they are stored, so that a run that is killed can be continued.

        Raises:
            OutputLost: the directory cannot be written.
        """
        self._known.update((key(job), job.id) for job in jobs)
        try:
            write_whole(self._path, json.dumps({"schema": 1, "stores": self._stores}, indent=1))
        except OSError as error:
            raise _lost(self._path, error) from error


def key(job: NewJob) -> str:
    """Make a key of a job: equal for equal inputs, names and options that change the result."""
    said = f"{job.name}\0{job.engine}\0{job.cores}\0{job.spec_json}"
    return hashlib.sha256(said.encode()).hexdigest()


def earlier(store: Store, jobs: Sequence[NewJob], manifest: Manifest) -> dict[str, str]:
    """Find the jobs that an earlier run stored, by the ids of the new ones; cancelled jobs run again."""
    known = {job.id: job_id for job in jobs if (job_id := manifest.known(job)) is not None}
    stored = {job.id for job in store.get_many(list(known.values())) if job.state is not JobState.CANCELLED}
    return {new: old for new, old in known.items() if old in stored}


def published(jobs: Sequence[NewJob], manifest: Manifest, directory: Path) -> dict[str, JobState]:
    """Find the jobs whose results were written by runs with other stores, as on another node."""
    found = {}
    for job in jobs:
        if job.name and manifest.is_known_elsewhere(job):
            with suppress(OSError, ValueError, AttributeError):
                text = (directory / f"{_result_name(job)}-{RESULT_JSON}").read_text(encoding="utf-8")
                is_failed = json.loads(text).get("failure") is not None
                found[job.id] = JobState.FAILED if is_failed else JobState.DONE
    return found


def refuse_equal_names(jobs: Sequence[NewJob]) -> None:
    """Check that no two results have the same file name.

    Raises:
        UsageError: two jobs have one name.
    """
    seen: set[str] = set()
    for job in jobs:
        name = _result_name(job)
        if name in seen:
            raise UsageError(
                f"two results would be called {name}", did=NOTHING_RUN, hint="run them into two directories"
            )
        seen.add(name)


def refuse_files(jobs: Sequence[NewJob], directory: Path) -> None:
    """Check that no result would overwrite a file of another origin.

    Raises:
        FileInTheWay: there is such a file.
    """
    for job in jobs:
        for name in (RESULT_JSON, OPT_XYZ):
            target = directory / f"{_result_name(job)}-{name}"
            if job.name and os.path.lexists(target):
                raise FileInTheWay(
                    f"{target} is there already, and not from an earlier run of the same",
                    did=NOTHING_RUN,
                    hint="another place: -d DIR",
                )


def _result_name(job: NewJob) -> str:
    """Name the files of a job; jobs without a name get their numbers later."""
    return name_from(job.name) if job.name else job.id


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Read a manifest; a missing one is empty.

    Raises:
        OSError: it cannot be read.
        UsageError: it is not a manifest.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LIMIT_BYTES))
        return {
            str(where): {str(name): str(job_id) for name, job_id in jobs.items()}
            for where, jobs in found["stores"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise UsageError(
            f"{path} is not what nox run wrote", did=NOTHING_RUN, hint="remove it, or take another -d"
        ) from None


def _lost(path: Path, error: OSError) -> OutputLost:
    reason = (error.strerror or str(error)).lower()
    return OutputLost(f"{path.parent} cannot be used: {reason}", did=NOTHING_RUN, hint="take another -d")
