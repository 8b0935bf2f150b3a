"""One thread of linear algebra, as engines have for molecules of this size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Two threads of each test wait for each other where tests run side by side."""
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        yield
