"""Reports of a comparison of a store's indexes with its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.findings import ok, problem
from workers.store.base import SCAN_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.findings import Finding

_NAMED = 3


def audited(numbers: Sequence[int], states: Sequence[str]) -> list[str]:
    """Describe what differs, a sentence each.

    Args:
        numbers: of the jobs whose names or tags are not those of their records.
        states: those whose jobs are miscounted.
    """
    of_jobs = [f"the name or tags of job {number} are not in the index" for number in numbers]
    return of_jobs + [f"{state} jobs are miscounted" for state in states]


def points_left(numbers: Sequence[int]) -> list[str]:
    """Describe points of optimisations that the end of an attempt should have removed, a sentence a job."""
    return [f"job {number} does not run, and points of its optimisation are kept" for number in numbers]


def index_finding(wrong: Sequence[str], repair: str) -> Finding:
    """Report what `Store.audit` found of the newest jobs, and the command that repairs it."""
    if not wrong:
        return ok(
            "indexes", f"names, tags and counts of the newest {SCAN_LIMIT:,} jobs are those of the records"
        )
    more = f", and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
    found = f"{'; '.join(wrong[:_NAMED])}{more}: nox list may miss jobs by name or tag"
    return problem("indexes", found, repair)
