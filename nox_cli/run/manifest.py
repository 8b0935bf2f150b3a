"""What `nox run -d DIR` remembers in DIR, so that a second run goes on from there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from workers.errors import OutputLost, UsageError
from workers.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workers.job import NewJob

MANIFEST = ".nox-run.json"
_LIMIT_BYTES = 64 * 1024**2


class Manifest:
    """Which job of which store an input of an earlier run became."""

    def __init__(self, directory: Path, where: str) -> None:
        """Read what a directory remembers.

        Args:
            directory: made if it is missing.
            where: the store, as it names itself.

        Raises:
            OutputLost: the directory cannot be made or read.
            UsageError: what it remembers cannot be understood.
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
        """Note what inputs become, before they are stored: a run that is cut can go on all the same.

        Raises:
            OutputLost: the directory cannot be written.
        """
        self._known.update((key(job), job.id) for job in jobs)
        try:
            write_whole(self._path, json.dumps({"schema": 1, "stores": self._stores}, indent=1))
        except OSError as error:
            raise _lost(self._path, error) from error


def key(job: NewJob) -> str:
    """Name what is asked for: equal for equal inputs, names and options that matter to the result."""
    said = f"{job.name}\0{job.engine}\0{job.cores}\0{job.spec_json}"
    return hashlib.sha256(said.encode()).hexdigest()


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Read a manifest; a missing one is empty.

    Raises:
        OSError: it cannot be read.
        UsageError: it is none.
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
            f"{path} is not what nox run wrote", did="nothing was run", hint="remove it, or take another -d"
        ) from None


def _lost(path: Path, error: OSError) -> OutputLost:
    reason = (error.strerror or str(error)).lower()
    return OutputLost(
        f"{path.parent} cannot be used: {reason}", did="nothing was run", hint="take another -d"
    )
