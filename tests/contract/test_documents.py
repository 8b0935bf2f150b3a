"""Commands read stored documents by name: each name is a field of the model that workers write."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

from msgspec import Struct
from pydantic import BaseModel

from nox_cli.results.documents import Document
from workers import documents, result, spec

ROOT = Path(__file__).resolve().parents[2]
READERS = {name for name in vars(Document) if not name.startswith("_")} - {"fields"}


def written() -> set[str]:
    """Collect the names of all fields of results, outcomes and specifications."""
    names: set[str] = set()
    for one in (*vars(result).values(), *vars(documents).values(), *vars(spec).values()):
        if isinstance(one, type) and issubclass(one, BaseModel):
            names |= {field.alias or name for name, field in one.model_fields.items()}
        elif isinstance(one, type) and issubclass(one, Struct):
            names |= set(one.__struct_encode_fields__)
        elif isinstance(one, type) and dataclasses.is_dataclass(one):
            names |= {field.name for field in dataclasses.fields(one)}
    return names


def read() -> dict[str, set[str]]:
    """Collect the names that the command line reads out of documents, with the modules that do."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "nox_cli").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in READERS
                and not isinstance(call.func.value, ast.Call)  # `Document({...})`, which is made on the spot
                and len(call.args) == 1
                and isinstance(call.args[0], ast.Constant)
                and isinstance(call.args[0].value, str)
            ):
                found.setdefault(call.args[0].value, set()).add(path.name)
    return found


def test_documents_are_read_by_names_that_are_written() -> None:
    """
    A field that is renamed in a model fails here, and not as a gap in a table.
    """
    names = read()

    assert len(names) > 20
    assert {} == {name: modules for name, modules in names.items() if name not in written()}
