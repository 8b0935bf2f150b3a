"""Does to a store, behind its back, what time, foreign programs and broken disks do."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

import redis

from workers.job import PATIENCE_MS

if TYPE_CHECKING:
    from workers.store.settings import StoreSettings


class Vandal(Protocol):
    """What can be done to any store."""

    def damage(self, job_id: str, field: str = "state", value: str = "banana") -> None:
        """Make a job's record unreadable: its `state`, `priority` or `tags` says nonsense."""

    def run_out(self, job_id: str) -> None:
        """Let a running job's lease end now, as if its worker had been silent for long."""

    def fall_due(self, job_id: str) -> None:
        """Let a scheduled job's time come now."""

    def lose_patience(self, job_id: str) -> None:
        """Let a job that was passed over once have been so for as long as can be."""

    def leave_start(self, job_id: str) -> None:
        """Leave the start of its last attempt on a job that waits again, as an older nox did."""

    def forget_events(self) -> None:
        """Drop all events but the newest, as a store does with the oldest when there are too many."""

    def reserve(self, version: str) -> None:
        """Let nobody write but this version of nox and newer ones, as a newer nox may have done."""

    def silence(self, worker: str) -> None:
        """Let a worker that died have been silent for long."""

    def add_to_beat(self, worker: str) -> None:
        """Add a field to a worker's beat, as a newer nox may."""

    def reserved(self) -> str:
        """Read the oldest version of nox that may write."""


_REDIS_FIELDS = {"state": "s", "priority": "p", "tags": "t"}


class RedisVandal:
    """Writes to Redis directly."""

    def __init__(self, settings: StoreSettings) -> None:
        assert settings.redis_url is not None
        self.url, self.prefix = settings.redis_url, settings.prefix

    def damage(self, job_id: str, field: str = "state", value: str = "banana") -> None:
        """Overwrite one short field of the job's hash."""
        with redis.Redis.from_url(self.url) as client:
            client.hset(f"{self.prefix}job:{job_id}", _REDIS_FIELDS[field], value)

    def run_out(self, job_id: str) -> None:
        """Move the lease's end to the beginning of time."""
        with redis.Redis.from_url(self.url) as client:
            client.zadd(f"{self.prefix}leases", {job_id: 1}, xx=True)

    def fall_due(self, job_id: str) -> None:
        """Move its time to the beginning of time."""
        with redis.Redis.from_url(self.url) as client:
            assert 1 == client.zadd(f"{self.prefix}scheduled", {job_id: 1}, xx=True, ch=True)

    def lose_patience(self, job_id: str) -> None:
        """Move the first time back."""
        with redis.Redis.from_url(self.url) as client:
            assert client.hexists(f"{self.prefix}job:{job_id}", "po")
            client.hincrby(f"{self.prefix}job:{job_id}", "po", -PATIENCE_MS)

    def leave_start(self, job_id: str) -> None:
        """Write the two fields."""
        with redis.Redis.from_url(self.url) as client:
            client.hset(f"{self.prefix}job:{job_id}", mapping={"st": "1", "w": "node-1-2"})

    def forget_events(self) -> None:
        """Trim the stream."""
        with redis.Redis.from_url(self.url) as client:
            client.xtrim(f"{self.prefix}events", maxlen=1, approximate=False)

    def reserve(self, version: str) -> None:
        """Write the field."""
        with redis.Redis.from_url(self.url) as client:
            client.hset(f"{self.prefix}meta", "min_writer", version)

    def silence(self, worker: str) -> None:
        """Move its last beat an hour back."""
        with redis.Redis.from_url(self.url) as client:
            client.zincrby(f"{self.prefix}workers", -3_600_000, worker)

    def add_to_beat(self, worker: str) -> None:
        """Rewrite the field of the hash."""
        with redis.Redis.from_url(self.url) as client:
            beat = json.loads(client.hget(f"{self.prefix}worker:{worker}", "beat"))
            client.hset(f"{self.prefix}worker:{worker}", "beat", json.dumps(beat | {"gpus": 2}))

    def reserved(self) -> str:
        """Read the field."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return str(client.hget(f"{self.prefix}meta", "min_writer"))


class SqliteVandal:
    """Writes to the database file directly."""

    def __init__(self, settings: StoreSettings) -> None:
        self.path = settings.home / "nox.sqlite3"

    def damage(self, job_id: str, field: str = "state", value: str = "banana") -> None:
        """Overwrite one column of the job's row."""
        self._write(f"UPDATE jobs SET {field} = ? WHERE id = ?", value, bytes.fromhex(job_id))

    def run_out(self, job_id: str) -> None:
        """Move the lease's end to the beginning of time."""
        where = "number = (SELECT number FROM jobs WHERE id = ?)"
        self._write(f"UPDATE leases SET until_ms = 1 WHERE {where}", bytes.fromhex(job_id))

    def fall_due(self, job_id: str) -> None:
        """Move its time to the beginning of time."""
        self._write("UPDATE jobs SET due_ms = 1 WHERE id = ? AND state = 'scheduled'", bytes.fromhex(job_id))

    def lose_patience(self, job_id: str) -> None:
        """Move the first time back."""
        earlier = "passed_over_ms = passed_over_ms - ? WHERE id = ? AND passed_over_ms IS NOT NULL"
        self._write(f"UPDATE jobs SET {earlier}", PATIENCE_MS, bytes.fromhex(job_id))

    def leave_start(self, job_id: str) -> None:
        """Write the two columns."""
        where = "worker = 'node-1-2' WHERE id = ?"
        self._write(f"UPDATE jobs SET started_ms = 1, {where}", bytes.fromhex(job_id))

    def forget_events(self) -> None:
        """Delete the oldest rows."""
        self._write("DELETE FROM events WHERE event < (SELECT max(event) FROM events)")

    def reserve(self, version: str) -> None:
        """Write the row."""
        self._write("INSERT OR REPLACE INTO meta VALUES ('min_writer', ?)", version)

    def silence(self, worker: str) -> None:
        """Move its last beat an hour back, and the end of its time to the beginning of time."""
        silent = "last_seen_ms = last_seen_ms - 3600000, until_ms = 1"
        self._write(f"UPDATE workers SET {silent} WHERE worker = ?", worker)

    def add_to_beat(self, worker: str) -> None:
        """Rewrite the column."""
        self._write("UPDATE workers SET beat = json_set(beat, '$.gpus', 2) WHERE worker = ?", worker)

    def reserved(self) -> str:
        """Read the row."""
        with closing(sqlite3.connect(self.path)) as database:
            found = database.execute("SELECT value FROM meta WHERE name = 'min_writer'").fetchone()
        return str(found and found[0])

    def _write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path, timeout=10.0)) as database, database:
            assert database.execute(statement, values).rowcount > 0, "the vandal touched nothing"


def vandal_of(settings: StoreSettings) -> Vandal:
    """Choose the vandal of a store."""
    return RedisVandal(settings) if settings.redis_url else SqliteVandal(settings)
