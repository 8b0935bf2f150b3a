"""What tests of commands share: the store that their nox processes use, opened here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import ADA
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox
    from workers.store.base import Store


def opened(nox: Nox) -> Store:
    """Open the store that a nox uses; from here on its processes are ada's."""
    nox.environ["NOX_USER"] = ADA
    return open_store(StoreSettings(nox.redis_url, "nox:", nox.home))


@pytest.fixture
def store(nox: Nox) -> Iterator[Store]:
    """The local store of `nox`."""
    found = opened(nox)
    yield found
    found.close()


@pytest.fixture
def any_store(any_nox: Nox) -> Iterator[Store]:
    """The store of `any_nox`: once in Redis, once local."""
    found = opened(any_nox)
    yield found
    found.close()
