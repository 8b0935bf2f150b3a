"""When the jobs of a submit may start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli import moments
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workers.store.values import NewJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What keeps jobs from starting at once."""

    begin: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Not before: 06:00, 'tomorrow 06:00', 2026-03-01T14:00."),
    ] = None
    delay: Annotated[
        float | None,
        typer.Option(parser=moments.seconds_of, metavar="DURATION", help="Not before so long from now."),
    ] = None
    hold: Annotated[bool, typer.Option("--hold", help="Not before nox release.")] = False

    def begin_ms(self) -> int | None:
        """Say when jobs may start at the earliest; None: at once.

        Raises:
            UsageError: the time is none, or past, or said twice.
        """
        now = moments.now_ms()
        if self.begin is None:
            return None if self.delay is None else now + round(1_000 * self.delay)
        if self.delay is not None:
            raise UsageError("--begin and --delay contradict each other", hint="take one of them away")
        return moments.begin_ms(self.begin, now)


def started(jobs: Iterable[NewJob], start: Start, begin_ms: int | None) -> list[NewJob]:
    """Let jobs wait as was asked for."""
    if begin_ms is None and not start.hold:
        return list(jobs)
    said = f"{start.hold} {begin_ms}"
    return [
        replace(
            job,
            held=start.hold,
            begin_ms=begin_ms,
            digest=hashlib.sha256(f"{job.digest} {said}".encode()).hexdigest(),
        )
        for job in jobs
    ]
