"""A newer nox reserves a store while an older one uses it: commands, a running worker, its job."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.doctor import examine_store
from tests.support.lingering import wait_running
from tests.support.vandal import vandal_of
from workers import __version__
from workers.job import JobState
from workers.store.settings import StoreSettings
from workers.store.sqlite.schema import VERSION
from workers.store.sqlite.store import FILE

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from tests.support.vandal import Vandal

LIMIT_S = 30.0
ECHO = ("--kind", "echo", "--payload", "1", "--no-start")
RESERVED = f"may be changed by nox 9.0.0 or newer only, and this is nox {__version__}"


@pytest.fixture
def vandal(any_nox: Nox) -> Vandal:
    """Writes to the store as a newer nox would."""
    return vandal_of(StoreSettings(redis_url=any_nox.redis_url, prefix="nox:", home=any_nox.home))


def test_an_outdated_nox_reads_and_says_why_it_writes_not(any_nox: Nox, vandal: Vandal) -> None:
    """
    Commands that change something end with code 4, an error and a hint; those that read work.
    """
    (job_id,) = any_nox.submit(*ECHO)
    vandal.reserve("9.0.0")

    for words in (("submit", *ECHO), ("cancel", job_id), ("retry", job_id), ("worker", "--burst")):
        refused = any_nox(*words)
        assert 4 == refused.returncode, words
        error, hint = refused.stderr.splitlines()
        assert RESERVED in error
        assert hint.startswith("hint: upgrade nox on this machine; ")
    code = json.loads(any_nox("hold", job_id, "--json").stderr)["error"]["code"]
    assert "nox_outdated" == code

    assert "pending" == any_nox.status(job_id)["state"]
    assert job_id in any_nox("list", "-q", check=True).stdout
    found = examine_store(any_nox).one("server")
    assert "problem" == found["verdict"]
    assert RESERVED in found["found"]


def test_an_outdated_worker_releases_its_job_and_ends(any_nox: Nox, vandal: Vandal) -> None:
    """
    A worker whose store is reserved stops within seconds, reports it, and its job waits for a newer worker.
    """
    worker = any_nox.worker("--slots", "1", standin=True)
    job = {"kind": "echo", "payload": {"do": "linger", "until": str(any_nox.home.with_name("never"))}}
    (job_id,) = any_nox.submit("-", "--no-start", input=json.dumps(job))
    wait_running(any_nox, [job_id], [worker])
    worker.look()
    vandal.reserve("9.0.0")

    assert 4 == worker.wait(LIMIT_S), worker.log
    (error,) = [line for line in worker.log.splitlines() if line.startswith("error: ")]
    assert f"{RESERVED}; the worker stopped 1 running job and ended" in error
    with any_nox.store() as store:
        left = store.get(job_id)
    assert (JobState.QUEUED, 1, 0) == (left.state, left.attempt, left.losses)


def test_a_newer_file_is_read_where_it_says_that_it_can_be(nox: Nox) -> None:
    """
    A local store of a later version is refused, unless it names this version as one that may read it.
    """
    (job_id,) = nox.submit(*ECHO)
    with closing(sqlite3.connect(nox.home / FILE)) as database:
        database.execute(f"PRAGMA user_version={VERSION + 1}")
    refused = nox("list")
    assert 4 == refused.returncode
    assert "was made by a newer nox" in refused.stderr

    with closing(sqlite3.connect(nox.home / FILE)) as database, database:
        database.execute("INSERT INTO meta VALUES ('min_reader', ?)", (str(VERSION),))
    assert job_id in nox("list", "-q", check=True).stdout
    assert 1 == len(nox.submit(*ECHO))
