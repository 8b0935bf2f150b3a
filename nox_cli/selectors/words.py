"""The words of selectors: their forms, and the groups of jobs among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import STATES
from workers.errors import JobNotFound, UsageError
from workers.job import JobState, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.store.values import Query

HELP = "Number, 40-45,50, id, name, batch, @last, @failed, @running, @all, ... (nox help selectors)."
LAST = "@last"
# form -> what it names, for `nox help selectors`
FORMS: Mapping[str, str] = {
    "42": "a job by its number",
    "40-45,50": "jobs by ranges of numbers",
    "3f2a": "a job by its id, or by the first 4 or more characters of it",
    "benzene": "the one job, or the one batch, of that name",
    "name:conf_*": "jobs by name, as a shell pattern",
    "@batch:screen": "the jobs of a batch",
    "tag:set=a": "jobs with a label",
    LAST: "all jobs of your last submit",
    "@all": "all your jobs",
    "@waiting": "jobs that have not started: held, scheduled, blocked or queued",
    "@running": "jobs that run",
    "@done": "jobs that have a result",
    "@failed": "jobs that failed; @failed:not_converged: for that reason",
    "@cancelled": "jobs that were cancelled; @cancelled:dependency: for that reason",
    "-": "the selectors on stdin",
}
# Each word of a state has a group.
GROUPS: Mapping[str, frozenset[JobState]] = {
    **{f"@{name}": states for name, states in STATES.items()},
    "@all": frozenset[JobState](),
}
_WITH_REASON = frozenset({"@failed", "@cancelled"})


def group(word: str) -> Query | None:
    """Return the query of a group: of the jobs of any user, oldest first; None: the word names no group.

    Raises:
        UsageError: there is no such reason, or the tag is none.
        InputRefused: the value of a tag cannot be one.
    """
    from workers.store.values import Query

    name, _, rest = word.partition(":")
    if word in GROUPS:
        return Query(states=GROUPS[word])
    if rest and name in _WITH_REASON:
        return Query(states=GROUPS[name], reason=_reason(rest))
    if rest and name == "@batch":
        return Query(batch=rest)
    if rest and name == "name":
        return Query(name_glob=rest)
    if rest and name == "tag":
        from nox_cli.names import tags

        return Query(tags=tags([rest]))
    return None


def no_such_job(word: str) -> JobNotFound:
    """Return the error that a job does not exist."""
    return JobNotFound(f"there is no job {word}", hint="nox list shows your jobs")


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        reasons = ", ".join(Reason)
        raise UsageError(f'"{word[:80]}" is no reason to fail', hint=f"one of {reasons}") from None
