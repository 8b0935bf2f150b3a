"""What the tests of numbers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.engines import ENGINES, Engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn."""
    engine = Engine(request.param, tmp_path_factory.mktemp("scratch"))
    yield engine
    engine.driver.keeper.close()
