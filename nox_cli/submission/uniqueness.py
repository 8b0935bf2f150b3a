"""Submitting what is new only: by what jobs are told to be the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nox_cli.names import printable
from nox_cli.submission.refusals import NOT_SUBMITTED
from workers.errors import UsageError
from workers.job import IfExists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import NewJob


class Found(StrEnum):
    """What `--if-exists` takes."""

    SKIP = "skip"
    ERROR = "error"
    NEW = "new"
    RETRY_FAILED = "retry-failed"


# What of a specification does not change what is computed.
_BESIDE = frozenset(
    {"source", "charge_origin", "unpaired_origin", "engine_version", "awaits_geometry", "retry_of"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueOptions:
    """The options that decide whether an equal job is stored again: `--unique` and `--if-exists`."""

    unique: str | None = None  # the key; empty: one of what is computed; None: jobs are like no other
    if_exists: Found | None = None

    @property
    def retries_failed(self) -> bool:
        """Whether a job that is there, and failed, is to run again."""
        return self.if_exists is Found.RETRY_FAILED


def with_unique_keys(jobs: Sequence[NewJob], unique: UniqueOptions) -> list[NewJob]:
    """Give jobs the keys by which `--unique` recognises them.

    Raises:
        UsageError: the options make no sense together, or one key is given to several jobs.
        InputRefused: the key cannot be printed.
    """
    if unique.unique is None:
        if unique.if_exists is not None:
            raise UsageError("--if-exists is about unique jobs", did=NOT_SUBMITTED, hint="add --unique")
        return list(jobs)
    printable(unique.unique, "key of --unique", did=NOT_SUBMITTED)
    if unique.unique and len(jobs) > 1:
        what = f"--unique={unique.unique} names one job, and {len(jobs):,} are asked for"
        raise UsageError(what, did=NOT_SUBMITTED, hint="--unique alone tells them apart by what they compute")
    is_skipped = unique.if_exists in {None, Found.RETRY_FAILED}
    chosen = IfExists.SKIP if is_skipped else IfExists(str(unique.if_exists))
    return [job._replace(unique=_key(job, unique.unique), if_exists=chosen) for job in jobs]


def _key(job: NewJob, given: str) -> str:
    """Make a key of what is computed, or of the one that was given; each person has their own."""
    said: object = given
    if not given:
        spec = json.loads(job.spec_json)
        # Whether the job whose geometry it takes is done yet, and to which digit, makes no other job of it.
        if origin := spec.get("source", {}).get("job"):
            spec["structure"] = origin
        said = sorted((name, value) for name, value in spec.items() if name not in _BESIDE)
    text = json.dumps([job.owner, said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
