"""Following the log of a job: to its end, whenever the store is unreachable."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from nox_cli.watch.logs import LogPlace, followed
from tests.support.ended import water
from tests.support.stores import artifact, outcome, run_to_end, submit
from workers.errors import StoreUnreachable
from workers.machine import host
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_log_is_followed_through_an_outage_at_the_end_of_its_job(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The change was read, and the store fails at the record and at the log: both are read once it answers.
    """
    with closing(open_store(StoreSettings(None, "nox:", home))) as store:
        (job_id,) = submit(store, water())
        pieces = followed(store, store.get(job_id), LogPlace(host(), home / "artifacts"))
        assert not next(pieces)
        run_to_end(store, job_id, outcome(artifacts=(artifact("engine.log", "one\ntwo\n"),)))
        failed: list[str] = []

        def fails_first(name: str) -> None:
            does = getattr(store, name)

            def call(*args: Any, **options: Any) -> Any:
                if name not in failed:
                    failed.append(name)
                    raise StoreUnreachable("redis does not answer")
                return does(*args, **options)

            monkeypatch.setattr(store, name, call)

        for name in ("get_many", "artifact"):
            fails_first(name)

        assert b"one\ntwo\n" == b"".join(pieces)
        assert ["get_many", "artifact"] == failed


def test_a_log_that_cannot_be_read_ends_with_the_error_after_a_while(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Also where the store answers all else: nobody waits for ever.
    """
    monkeypatch.setattr("nox_cli.watch.follower.AWAY_LIMIT_S", 0.01)
    monkeypatch.setattr("nox_cli.watch.logs.LOOK_EVERY_S", 0.01)
    with closing(open_store(StoreSettings(None, "nox:", home))) as store:
        (job_id,) = submit(store, water())
        run_to_end(store, job_id, outcome(artifacts=(artifact("engine.log", "one\n"),)))
        monkeypatch.setattr(store, "artifact", Mock(side_effect=StoreUnreachable("redis does not answer")))

        with pytest.raises(StoreUnreachable):
            list(followed(store, store.get(job_id), LogPlace(host(), home / "artifacts")))
