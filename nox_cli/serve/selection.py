"""The jobs that a request names, as far as the holder of its token may see them."""

from __future__ import annotations

from http import HTTPStatus
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from fastapi import Path
from pydantic import Field

from nox_cli.results.job_list import list_jobs
from nox_cli.selectors.finder import MAX_JOBS
from nox_cli.selectors.selection import outlined, select
from nox_cli.selectors.words import HELP
from nox_cli.serve.problems import Problem
from workers.errors import NothingMatched, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.results.job_list import JobFilters, Listing
    from nox_cli.serve.principal import Principal
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline

JobName = Annotated[
    str,
    Path(
        description="The id of a job, or its number.",
        pattern="^(?:[0-9a-f]{32}|[0-9]{1,15})$",
        examples=["42"],
    ),
]

MOST_WORDS = 10_000
Selector = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=4_096)]],
    Field(min_length=1, max_length=MOST_WORDS, description=HELP, examples=[["@batch:screen"]]),
]


def visible_job(store: Store, word: str, principal: Principal) -> Job:
    """Read one job.

    Raises:
        JobNotFound: it does not exist there.
        StoreError: the store cannot be read.
    """
    (job_id,) = select(store, [word], owner=principal.owner, stdin=StringIO())
    return store.get(job_id)


def visible_jobs(store: Store, words: Sequence[str], principal: Principal) -> tuple[Outline, ...]:
    """Read the outlines of the jobs that selectors name.

    Raises:
        JobNotFound: one does not exist there.
        NothingMatched, UsageError: as `nox_cli.selectors.selection.named`.
        StoreError: the store cannot be read.
    """
    return tuple(outlined(store, words, owner=principal.owner, stdin=StringIO()))


def filtered_jobs(store: Store, words: Sequence[str], filters: JobFilters, principal: Principal) -> Listing:
    """Prepare a list of the jobs that selectors name, and that pass filters; without words, of all these.

    Raises:
        JobNotFound: there is no job of a number, an id or a prefix.
        Problem: the token may not see the jobs of all users.
        UsageError: a filter or a selector is not valid.
        StoreError: the store cannot be read.
    """
    if filters.all_users and not principal.sees_all:
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "all_users needs a token that sees all jobs")
    return list_jobs(store, principal.owner, filters, words)


def filtered_outlines(
    store: Store, words: Sequence[str], filters: JobFilters, principal: Principal
) -> tuple[Outline, ...]:
    """Read the outlines of the jobs of `filtered_jobs`; raises what it does.

    Raises:
        NothingMatched: there is none.
        UsageError: there are more than a change may be of.
    """
    found = tuple(islice(filtered_jobs(store, words, filters, principal).outlines(), MAX_JOBS + 1))
    if len(found) > MAX_JOBS:
        raise UsageError(f"more than {MAX_JOBS:,} jobs pass these filters", hint="choose fewer at once")
    if not found:
        raise NothingMatched("no job passes these filters", hint="they may have changed meanwhile")
    return found
