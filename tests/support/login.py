"""A login node of a real Slurm, whose looks follow each other without the pauses of the autoscaler."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.nox import Nox
    from tests.support.slurm import Slurm, SlurmJob

POOL = "small"
LIMIT_S = 120.0
SIZE = ("--cores", "4", "--memory", "2G", "--time", "10m", "--idle", "3s", "--allow-loopback")
_LONG_MS = 3_600_000


class LoginNode:
    """Sets a pool, looks at it, and puts what it waits for into the past."""

    def __init__(self, nox: Nox, slurm: Slurm) -> None:
        self.nox, self.slurm = nox, slurm
        nox.environ |= slurm.environ | {"NOX_AUTOSTART": "never", "NOX_USER": "ada"}

    def set(self, *words: str) -> None:
        """Set the pool with further words."""
        self.nox("alloc", "set", POOL, *SIZE, *words, check=True)

    def submit(self, jobs: int = 1, *words: str, payload: str = "1") -> list[str]:
        """Submit jobs of little memory that echo."""
        text = f'{{"kind": "echo", "payload": {payload}}}\n' * jobs
        return self.nox.submit("-", "--memory", "256M", "--no-start", *words, input=text)

    def look(self, **changes: str) -> dict[str, Any]:
        """Look once, with changes of the environment."""
        ended = self.nox("alloc", "run", "--once", "--json", env=changes, check=True)
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def request(self, **changes: str) -> dict[str, Any]:
        """Look until a wish is a request: twice."""
        self.look(**changes)
        self.hasten()
        return self.look(**changes)

    def request_again(self) -> None:
        """Drop requests without an answer, look until one was made again, and look once more."""
        self.hasten(drop=True)
        self.look()
        self.hasten(to_next=True)
        self.request()
        self.hasten()
        self.look()

    def hasten(self, *, to_next: bool = False, drop: bool = False, wish: int = 0) -> None:
        """Put the times of the pool into the past: the start of its wish, of its surplus, the last answer.

        Args:
            to_next: also the end of a pause between requests.
            drop: also the time of requests without an answer.
            wish: requests that the last look would have liked to make; 0: as it is.
        """
        with self.nox.store() as store:
            assert store.pools is not None
            holder = f"test-1-{time.monotonic_ns():x}"
            lease = store.pools.acquire("ada", holder)
            if isinstance(lease, str):  # it was killed
                lease = store.pools.acquire("ada", holder, replaces=lease)
            assert not isinstance(lease, str), lease
            (pool,) = store.pools.pools("ada")
            past_ms = lease.now_ms - _LONG_MS
            changes: dict[str, object] = {
                name: past_ms
                for name in ("wished_ms", "surplus_ms", "answered_ms")
                if getattr(pool, name) is not None
            }
            if wish:
                changes |= {"wish": wish, "wished_ms": past_ms}
            intended = [one for one in store.pools.allocations("ada") if drop and not one.number]
            store.pools.record(
                lease,
                POOL,
                changes | ({"next_ms": 0} if to_next else {}),
                [(one.token, {"intended_ms": past_ms}) for one in intended],
            )
            store.pools.release(lease)

    def page(self) -> dict[str, Any]:
        """Return what `show --json` shows."""
        found: dict[str, Any] = json.loads(self.nox("alloc", "show", POOL, "--json", check=True).stdout)
        return found

    @property
    def pool(self) -> Mapping[str, Any]:
        """The pool."""
        found: Mapping[str, Any] = self.page()["pool"]
        return found

    @property
    def allocations(self) -> list[dict[str, Any]]:
        """The allocations, the newest first."""
        found: list[dict[str, Any]] = self.page()["allocations"]
        return found

    @property
    def batch_jobs(self) -> list[SlurmJob]:
        """All that Slurm ever accepted for a pool."""
        return self.slurm.jobs("nox.")

    def running(self) -> str:
        """Wait until a worker has joined in the only allocation; return its number."""
        wait_until(lambda: self.allocations[0]["worker"], LIMIT_S, lambda: f"a worker: {self.page()}")
        return str(self.allocations[0]["number"])

    def until(self, state: str) -> dict[str, Any]:
        """Look until the newest allocation has this state, or has ended in this way."""

        def is_reached() -> bool:
            self.hasten()
            self.look()
            return state in {self.allocations[0]["state"], self.allocations[0]["ended_as"]}

        wait_until(is_reached, LIMIT_S, lambda: f"{state}: {self.page()}")
        return self.allocations[0]
