"""Outcomes read without models: the reader asks for fields that the writer's models have."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from nox_cli.results.documents import Document, OutcomeDocument
from nox_cli.results.geometry import geometry_of
from nox_cli.results.rows import rows_of
from nox_cli.results.thermochemistry import gas_of
from tests.support.ended import complete, water
from workers.result import (
    BondsChanged,
    ChemistryResult,
    Convergence,
    EchoResult,
    Failure,
    OutcomeRecord,
    Thermochemistry,
    Vibrations,
)
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# The part of an outcome -> the names of its fields, as `OutcomeRecord` writes them.
WRITTEN = {
    "": set(OutcomeRecord.__struct_encode_fields__),
    "result": {*ChemistryResult.__struct_fields__, *EchoResult.__struct_fields__},
    "failure": set(Failure.__struct_fields__),
    "convergence": set(Convergence.__struct_fields__),
    "thermochemistry": set(Thermochemistry.__struct_fields__),
    "vibrations": set(Vibrations.__struct_fields__),
    "bonds_changed": set(BondsChanged.__struct_fields__),
}
ASKED: defaultdict[str, set[str]] = defaultdict(set)


class Spy(dict[str, Any]):
    """An object that is not empty, and notes the fields that are read of it."""

    def __init__(self, part: str) -> None:
        super().__init__(present=True)
        self.part = part

    def get(self, name: str, default: Any = None) -> Any:
        """Note a field; return an object for a part, nothing for a value."""
        ASKED[self.part].add(name)
        return Spy(name) if name in WRITTEN else default


def test_reader_asks_for_fields_of_the_writer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Rows, geometries and thermochemistry read no field that no worker writes, and most of those they do.
    """
    store = open_store(StoreSettings(None, "nox:", home))
    job_id = complete(store, water())
    spied = OutcomeDocument(Document(Spy("")))
    monkeypatch.setattr("nox_cli.results.rows.outcome", lambda _: spied)
    (row,) = rows_of(store, [job_id], geometries=True, gases=True)
    store.close()
    assert (geometry_of(spied.result), gas_of(spied.result)) == (row.geometry, row.gas)
    assert row.outcome.attempt is None

    assert {} == {part: asked - WRITTEN[part] for part, asked in ASKED.items() if asked - WRITTEN[part]}
    assert {"", "result", "convergence", "thermochemistry", "vibrations"} <= set(ASKED)
    assert json.dumps(sorted(ASKED["thermochemistry"])).count("hartree") == 5
