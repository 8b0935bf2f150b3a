"""`nox schema`: what documents look like, derived from what checks them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ended import complete, fail

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

UNITS = ("_hartree", "_ev", "_debye", "_e", "_angstrom", "_cm1", "_bohr", "_k", "_pa", "_u", "_s", "_bytes")


def schema(nox: Nox, name: str) -> dict[str, Any]:
    """One schema."""
    found: dict[str, Any] = json.loads(nox("schema", name, check=True).stdout)
    return found


NAMES = ("result", "outcome", "job", "request")
WRITTEN = (
    "record", "event", "submitted", "status", "row", "change", "changes", "wait", "explanation", "worker",
)  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, *WRITTEN])
def test_schema_each_document_has_a_schema(nox: Nox, name: str) -> None:
    """
    Each is a JSON Schema that names its draft.
    """
    found = schema(nox, name)

    assert "https://json-schema.org/draft/2020-12/schema" == found["$schema"]
    assert f"nox {name}" == found["title"]
    assert found["properties"] if name in WRITTEN else found["$defs"]


def test_the_schema_knows_every_field_of_a_record(nox: Nox, store: Store) -> None:
    """
    What `nox status --raw` shows of results, failed ones too, is what the schema says: no more, nothing less.
    """
    known = schema(nox, "result")["$defs"]["ChemistryResult"]
    done, failed = complete(store), fail(store)
    results = [
        json.loads(nox("status", job, "--raw", check=True).stdout)["outcome"] for job in (done, failed)
    ]

    assert {"energy_hartree", "vibrations", "thermochemistry", "verdicts"} <= set(known["properties"])
    for outcome in results:
        assert set(outcome["result"]) <= set(known["properties"])
    assert known["additionalProperties"] is False


def test_numbers_carry_their_units(nox: Nox) -> None:
    """
    Every number of a result that has a dimension has its unit in its name.
    """
    plain = {
        "charge", "unpaired", "steps", "internal_steps", "gradients", "threads", "imaginary_modes",
        "symmetry_number", "accuracy", "iterations",
    }  # fmt: skip
    for model in schema(nox, "result")["$defs"].values():
        for name, field in model.get("properties", {}).items():
            kinds = {field.get("type"), *(one.get("type") for one in field.get("anyOf", ()))}
            if kinds & {"number", "integer"} and name not in plain:
                assert name.endswith(UNITS), name


def test_an_unknown_name_is_refused(nox: Nox) -> None:
    """
    What has no schema is a matter of usage.
    """
    assert 2 == nox("schema", "nonsense").returncode
