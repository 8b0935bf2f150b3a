"""The jobs that a request names, as far as the holder of its token may see them."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Annotated

from fastapi import Path
from pydantic import Field

from nox_cli.selector_words import HELP
from nox_cli.selectors import outlined, select

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        NothingMatched, UsageError: as `nox_cli.selectors.named`.
        StoreError: the store cannot be read.
    """
    return tuple(outlined(store, words, owner=principal.owner, stdin=StringIO()))
