"""One store fixture: every test that takes it runs once over each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.patient import patience
from tests.support.vandal import vandal_of
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.vandal import Vandal
    from workers.store.base import Store

KINDS = ("redis", "sqlite")


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, home: Path) -> StoreSettings:
    """Where an empty store lies; adding a store is adding a parameter."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    return StoreSettings(redis_url=url, prefix="nox:", home=home)


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[Store]:
    """An empty store."""
    with patience():
        opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def another(settings: StoreSettings, store: Store) -> Iterator[Store]:
    """The same store opened once more, as another process would."""
    assert store.where
    with patience():
        opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def vandal(settings: StoreSettings) -> Vandal:
    """Who does to this test's store what time and foreign programs do."""
    return vandal_of(settings)
