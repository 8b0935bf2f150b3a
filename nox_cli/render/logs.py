"""How `nox logs` looks: the engine's lines; control characters are shown, unless raw bytes are asked for."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from nox_cli.render import jobs
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.commands.logs import Logs
    from nox_cli.render.terminal.out import Out


def text(logs: Logs, out: Out) -> None:
    """Write the logs, each under its job's name if there are several."""
    several = len(logs.jobs) > 1
    for job in logs.jobs:
        if several:
            out.line(f"==> {jobs.title(job)} <==")
        try:
            _write(logs.pieces(job), out, raw=logs.raw)
        except NothingMatched as error:
            if not several:
                raise
            out.note(error.message)


def _write(pieces: Iterator[bytes], out: Out, *, raw: bool) -> None:
    """Write each piece as it comes."""
    if raw:
        for piece in pieces:
            out.stream.buffer.write(piece)
            out.flush()
        return
    for shown in codecs.iterdecode(pieces, "utf-8", "backslashreplace"):
        out.write(shown)
        out.flush()
