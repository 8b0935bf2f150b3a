"""Output of `nox fetch`: a path a line on stdout; missing artifacts on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import counted, job_title, ranges
from nox_cli.render.terminal import columns
from nox_cli.render.terminal.out import translated_errors
from nox_cli.results.artifacts import ListedArtifacts, where
from nox_cli.results.files import Fetched, Streamed
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.render.terminal.out import Out
    from nox_cli.results.artifacts import Missing

# Bytes that a terminal may take for commands.
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\f\r") | {127}
# Of the jobs of a group this much is named.
_NAMED = 48


def text(found: Fetched | Streamed | ListedArtifacts, out: Out) -> None:
    """Write the paths of files, the content of one, or a table of artifacts."""
    if isinstance(found, Streamed):
        _stream(found, out)
        return
    if isinstance(found, Fetched):
        for item in found.items:
            out.line(str(item.target))
        return
    rows = [
        (
            job_title(job),
            made.name,
            f"{made.size:,}",
            made.sha256[:12],
            "not kept" if made.dropped else where(made) if made.path else "store",
        )
        for job, _, made in found.artifacts
    ]
    columns.write(
        out, [("job", "name", "bytes", "sha256", "lies in"), *rows], right={2}, gives=(0, 4), spare=(3,)
    )


def _stream(found: Streamed, out: Out) -> None:
    """Write the bytes of an artifact, unchanged.

    Raises:
        UsageError: they would go to a terminal, and are not text.
        OutputLost: there is no room for them where stdout leads.
    """
    for piece in found.pieces:
        if out.is_terminal and not _CONTROLS.isdisjoint(piece):
            raise UsageError(
                f"{found.item.name} of job {found.item.job.number} has control characters, "
                "which a terminal would obey",
                did="nothing more was written",
                hint="write it to a file: -o FILE",
            )
        with translated_errors():
            out.stream.buffer.write(piece)


def remarks(found: Fetched | Streamed | ListedArtifacts) -> Iterator[str]:
    """Name files of earlier attempts, missing artifacts, and geometries that are not minima."""
    yield from found.notes
    if isinstance(found, ListedArtifacts):
        return
    for name in found.unconverged:
        yield f"warning: {name} failed: its geometry is where the optimisation stopped"
    if isinstance(found, Streamed):
        return
    if found.existing:
        is_one = len(found.existing) == 1
        yield f"{counted(len(found.existing), 'file')} {'was' if is_one else 'were'} here already, and whole"
    groups: dict[str, list[Missing]] = {}
    for one in found.lacking:
        groups.setdefault(one.group, []).append(one)
    yield from map(_lacking, groups.values())


def _lacking(group: Sequence[Missing]) -> str:
    """Write why artifacts are missing: a line for all jobs with the same reason."""
    first = group[0]
    if len(group) == 1:
        return f"not fetched: {first.line}"
    named = ranges({one.number for one in group})
    if len(named) > _NAMED:
        named = f"{named[: named.rindex(',', 0, _NAMED)]}, ..."
    return f"not fetched: {counted(len(group), 'job')} {first.group}: {named}"
