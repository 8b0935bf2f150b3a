"""What functions behind commands are called with where there is no command line: a store and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import Settings, load
from tests.support.stores import ADA
from workers.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.store.base import Store


@pytest.fixture(params=["redis", "local"])
def caller(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Settings:
    """The settings of a program that uses an empty store, of each kind; it starts no workers by itself."""
    url = {"REDIS_URL": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    named = {"HOME": str(tmp_path), "NOX_HOME": str(home), "NOX_USER": ADA, "NOX_AUTOSTART": "never"}
    return load(named | url, Call("", ()))


@pytest.fixture
def any_store(caller: Settings) -> Iterator[Store]:
    """The store of these settings."""
    opened = open_store(caller.store)
    yield opened
    opened.close()
