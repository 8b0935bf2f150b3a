"""Output of `nox open`: the file, and the program that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.counts import counted, job_title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out
    from nox_cli.viewers.structures import Opened


def text(opened: Opened, out: Out) -> None:
    """Write a line."""
    first = job_title(opened.jobs[0])
    named = first if len(opened.jobs) == 1 else counted(len(opened.jobs), "structure")
    out.line(f"{named} in {opened.viewer.name}: {opened.file}")


def remarks(opened: Opened) -> Iterator[str]:
    """Write what to know of the structures."""
    return (f"note: {note}" for note in opened.notes)
