"""Results as a table for people."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nox_cli.render import results as rendered
from nox_cli.render.terminal.out import Out
from nox_cli.results.query import read_results
from nox_cli.session import Streams
from tests.support.ended import complete, water
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


def test_many_rows_are_written_page_by_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are there before the last are read, under one header while that stays the same."""
    store = open_store(StoreSettings(None, "nox:", home))
    ids = [complete(store, water(f"w{i}")) for i in range(5)]
    monkeypatch.setattr(rendered, "_PAGE", 2)
    printed = io.StringIO()
    seen: list[str] = []

    def read() -> Iterator[str]:
        for job_id in ids:
            seen.append(printed.getvalue())
            yield job_id

    monkeypatch.setattr("nox_cli.results.rows._CHUNK", 1)
    monkeypatch.setattr("nox_cli.selectors.reader.CHUNK", 1)
    rendered.text(read_results(store, read()), Out(Streams(io.StringIO(), printed, printed)))
    store.close()

    assert "w0" in seen[-1]
    assert 1 == printed.getvalue().count("name")
    assert [f"w{i}" for i in range(5)] == [word for word in printed.getvalue().split() if word[0] == "w"]
