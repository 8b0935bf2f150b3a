"""Output of `nox fetch`: a path a line on stdout; missing artifacts on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.render import jobs
from nox_cli.render.terminal import columns
from nox_cli.results.artifacts import Fetched, ListedArtifacts, where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out


def text(found: Fetched | ListedArtifacts, out: Out) -> None:
    """Write the paths of files, or a table of artifacts."""
    if isinstance(found, Fetched):
        for item in found.items:
            out.line(str(item.target))
        return
    rows = [
        (
            jobs.title(job),
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


def remarks(found: Fetched | ListedArtifacts) -> Iterator[str]:
    """Name files of earlier attempts, missing artifacts, and geometries that are not minima."""
    yield from found.notes
    if isinstance(found, ListedArtifacts):
        return
    for name in found.unconverged:
        yield f"warning: {name} failed: its geometry is where the optimisation stopped"
    for line in found.missing:
        yield f"not fetched: {line}"
