"""Output of `nox push`: the old and new numbers of jobs, and the jobs that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.changes.push import Recalled
from nox_cli.counts import counted
from nox_cli.render.terminal.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.changes.push import Pushed
    from nox_cli.render.terminal.out import Out


def text(done: Pushed | Recalled, out: Out) -> None:
    """Write a line a job, then one that counts."""
    if isinstance(done, Recalled):
        out.line(f"{counted(done.count, 'job')} held here again (local: {done.where})")
        return
    rows = [(str(one.number), "->", str(one.number_there), one.job_id_there, one.name) for one in done.moved]
    for line in aligned(rows, right=(0, 2)) if rows else ():
        out.line(line)
    words = f"handed {counted(len(done.moved), 'job')} to {done.to}" if rows else "handed nothing over"
    stays = f", {counted(len(done.stays), 'job')} left here" if done.stays else ""
    out.line(f"{words}{stays} (local: {done.where})")


def ids(done: Pushed | Recalled) -> Iterator[str]:
    """Return one id a job, as it is in the other store."""
    return iter(()) if isinstance(done, Recalled) else (one.job_id_there for one in done.moved)


def remarks(done: Pushed | Recalled) -> Iterator[str]:
    """Write why jobs stay, and the risks of the Redis that has the others."""
    if isinstance(done, Recalled):
        return
    for why in dict.fromkeys(one.why for one in done.stays):
        count = sum(one.why == why for one in done.stays)
        yield f"warning: {counted(count, 'job')} stay{'s' if count == 1 else ''} here: {why}"
    for place, count in done.elsewhere.items():
        yield f"warning: {counted(count, 'job')} set off to another redis, at {place}: nox push with that one"
        yield "hint: if it is gone for good: nox push --recall"
    if done.risk:
        yield f"warning: {done.risk}"
