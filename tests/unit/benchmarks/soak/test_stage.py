"""`benchmarks.soak.stage`: the parts of a soak."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.soak.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


def test_redis_of_a_soak_keeps_all_that_it_acknowledged(tmp_path: Path) -> None:
    """
    It writes to its file before it answers, however slow its disk: the rules allow no loss when it is killed.
    """
    with closing(Stage(tmp_path, redis=True)) as stage:
        assert stage.redis is not None
        with stage.redis.client() as client:
            assert {"appendfsync": "always"} == client.config_get("appendfsync")
