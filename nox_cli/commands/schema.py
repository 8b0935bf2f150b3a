"""`nox schema NAME`: the JSON Schema of a document nox writes or reads."""

from __future__ import annotations

from typing import Annotated

import typer

from nox_cli.schemas import DocumentName, Schema, schema_of


def command(
    name: Annotated[
        DocumentName,
        typer.Argument(metavar="NAME", help=f"Document: {', '.join(DocumentName)}."),
    ],
) -> Schema:
    """Print the JSON Schema of a document that nox writes or reads."""
    return schema_of(name)
