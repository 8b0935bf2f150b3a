"""Output of `nox cite`: a paragraph, then its references."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.terminal.out import Out
    from nox_cli.results.citations import Citation

_WIDTH = 79


def text(citation: Citation, out: Out) -> None:
    """Write the paragraph, folded, and a reference a line."""
    for line in wrap(" ".join(citation.account.sentences), _WIDTH, break_long_words=False):
        out.line(line)
    out.line("")
    for number, reference in enumerate(citation.account.references, 1):
        out.line(f"[{number}] {reference.shown}")


def remarks(citation: Citation) -> Iterator[str]:
    """Name what has no reference here."""
    for name in citation.account.unknown:
        yield f"nox knows no reference for {name}"


def document(citation: Citation) -> dict[str, Any]:
    """Return sentences and references apart."""
    return {
        "jobs": citation.jobs,
        "sentences": citation.account.sentences,
        "references": [
            {"number": number, "text": reference.text, "doi": reference.doi or None}
            for number, reference in enumerate(citation.account.references, 1)
        ],
    }
