"""The cores and the memory of a worker: what it may use here, or what was asked for by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from workers import machine
from workers.batch.grant import Limit
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Share:
    """The cores and memory that a worker's jobs may use together, with a remark for the log."""

    cores: Limit
    memory: Limit
    warnings: tuple[str, ...]

    @property
    def said(self) -> str:
        """How much it is, and what decided that."""
        cores, memory = self.cores, self.memory
        return (
            f"may use {counted(cores.amount, 'core')} ({cores.source}) "
            f"and {size_words(memory.amount)} of memory ({memory.source})"
        )


def share(environ: Mapping[str, str], cores: int | None, memory_bytes: int | None) -> Share:
    """Settle what jobs may use.

    Args:
        environ: says what a batch job was granted.
        cores: as asked for by hand, which wins; None: all that may be used here.
        memory_bytes: the same of the memory.
    """
    core_limit, memory_limit = machine.core_limit(environ), machine.memory_limit(environ)
    settled = Share(
        Limit(cores, "--cores") if cores else core_limit,
        Limit(memory_bytes, "--memory") if memory_bytes else memory_limit,
        (),
    )
    where = machine.allocation(environ)
    warnings = _excess(settled, core_limit, memory_limit) if where else ()
    return Share(settled.cores, settled.memory, (*warnings, *_too_little(settled.memory)))


def _excess(settled: Share, cores: Limit, memory: Limit) -> Iterator[str]:
    more = "is more than this allocation has"
    if settled.cores.amount > cores.amount:
        yield f"--cores {settled.cores.amount} {more}: {cores.amount} ({cores.source})"
    if settled.memory.amount > memory.amount:
        asked, most = size_words(settled.memory.amount), size_words(memory.amount)
        yield f"--memory {asked} {more}: {most} ({memory.source})"


def _too_little(memory: Limit) -> Iterator[str]:
    if memory.amount < DEFAULT_MEMORY_BYTES:
        default = size_words(DEFAULT_MEMORY_BYTES)
        yield f"jobs ask for {default} of memory unless submitted with --memory, and do not fit here"
