"""What all jobs of one submit have in common, and the jobs that come of it."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from nox_cli.names import job_name, tags
from workers.job import RETRIED_BY_DEFAULT, NewJob, Reason, reasons_text, round_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nox_cli.submission.drafts import Draft
    from nox_cli.submission.options import SubmitOptions

DEFAULT_MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Label:
    """Everything about a job that is not what it computes."""

    owner: str
    lane: str
    batch: str
    priority: int
    cores: int
    memory_bytes: int
    time_limit_s: int
    retries: int
    retry_on: frozenset[Reason]
    tags: Mapping[str, str]
    max_fails: int

    @classmethod
    def of(cls, options: SubmitOptions, owner: str, lane: str) -> Label:
        """Read what was asked for.

        Raises:
            UsageError: a tag is none.
            InputRefused: a name is none.
        """
        if options.name is not None:
            job_name(options.name)
        return cls(
            owner=owner,
            lane=lane,
            batch="" if options.batch is None else job_name(options.batch, "batch name"),
            priority=options.priority,
            cores=options.cores,
            memory_bytes=round_memory(options.memory or DEFAULT_MEMORY_BYTES),
            time_limit_s=0 if options.time is None else max(1, math.ceil(options.time)),
            retries=options.retries,
            retry_on=(options.retry_on or RETRIED_BY_DEFAULT) if options.retries else frozenset(),
            tags=tags(options.tag or []),
            max_fails=options.max_fails,
        )

    def jobs(self, drafts: Iterable[Draft], batch: str) -> list[NewJob]:
        """Make jobs, each with an id of its own."""
        common = hashlib.sha256(json.dumps([*self._said(), batch, sorted(self.tags.items())]).encode())
        return [self._job(draft, batch, common.copy()) for draft in drafts]

    def _said(self) -> list[object]:
        retries = [self.retries, reasons_text(self.retry_on)] if self.retries else []
        return [self.owner, self.priority, self.cores, self.memory_bytes, self.time_limit_s, *retries]

    def _job(self, draft: Draft, batch: str, digest: hashlib._Hash) -> NewJob:
        digest.update(f"{draft.name}\0{draft.engine}\0{draft.spec_json}".encode())
        return NewJob(
            id=uuid4().hex,
            owner=self.owner,
            kind=draft.kind,
            spec_json=draft.spec_json,
            digest=digest.hexdigest(),
            engine=draft.engine,
            name=draft.name,
            batch=batch,
            formula=draft.formula,
            atoms=draft.atoms,
            priority=self.priority,
            cores=self.cores,
            memory_bytes=self.memory_bytes,
            time_limit_s=self.time_limit_s,
            lane=self.lane,
            retries=self.retries,
            retry_on=self.retry_on,
            tags=self.tags,
            max_fails=self.max_fails if batch else 0,
            parents=(draft.parent,) if draft.parent else (),
        )
