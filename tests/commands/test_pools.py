"""Commands of a user whose workers come from pools of allocations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from nox_cli import times
from tests.commands.conftest import opened
from tests.commands.test_metrics import values
from tests.support.environment import search_path
from tests.support.pools import OTHER_TOKEN, SMALL, TOKEN, allocate, define, look, now_ms, pools_of
from tests.support.stores import ADA, BOB, beat, claim, served, submit_named
from tests.support.terminal import Terminal
from workers.metrics.metrics import exposition
from workers.metrics.queries import Measured
from workers.store.pools import MAX_POOLS, Budget, Pause, Pool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.server import Serve
    from workers.store.base import Store

PENDING = "allocation 4711 of pool small: it is pending (Priority)"


@pytest.fixture
def store(redis_nox: Nox) -> Iterator[Store]:
    """The store of `redis_nox`."""
    found = opened(redis_nox)
    yield found
    found.close()


def test_explain_names_the_allocation_that_a_job_waits_for(redis_nox: Nox, store: Store) -> None:
    """
    With the reason and the expected start of the batch system, also while others' workers live.
    """
    (job,) = submit_named(store, "a", cores=4)
    starts_ms = now_ms() + 3_600_000
    define(store)
    allocate(store, starts_ms=starts_ms)
    at = times.short(starts_ms, now_ms())
    alone = redis_nox("explain", "1", check=True).stdout
    with served(store, owner=BOB):
        told = redis_nox("explain", "1", check=True).stdout
        record = json.loads(redis_nox("explain", job, "--json", check=True).stdout)
        status = json.loads(redis_nox("status", job, "--json", check=True).stdout)

    assert f"1 a  waits for {PENDING}, expected at {at}\n" in alone
    assert "  it counts for pool small: 8 cores, 16.0 GiB, 4 h\n" in alone
    assert "  Priority: batch jobs of others come first\n" in alone
    assert "try:" not in alone + told
    assert "  there is no worker for jobs of ada\n" in told
    assert (times.iso(starts_ms), []) == (record["expected_start_at"], record["commands"])
    assert f"queued; waits for {PENDING}, expected at {at}" == status["message"]


def test_explain_names_the_allocation_of_a_job_that_waits_for_a_slot(redis_nox: Nox, store: Store) -> None:
    """
    With the allocation that would take the job; if there is none, the worker that lives is enough.
    """
    submit_named(store, "held")
    submit_named(store, "a")
    define(store, "large", size=SMALL._replace(cores=64))
    define(store)
    with served(store, slots=1):
        claim(store)
        waits = redis_nox("explain", "2", check=True).stdout
        allocate(store)
        awaits = redis_nox("explain", "2", check=True).stdout

    assert "2 a  waits for a free slot" in waits
    assert "pool " not in waits
    assert f"  {PENDING}\n" in awaits


def test_a_list_of_pools_fits_a_terminal_of_80_columns(redis_nox: Nox, store: Store) -> None:
    """
    No number is cut, and what keeps a pool from its requests stands below the table.
    """
    budget = SMALL._replace(budget=Budget(1_800_000, 1))
    define(store, size=budget, refusal="Invalid account", next_ms=now_ms() + 300_000)
    define(store, "large", size=SMALL)
    pools_of(store).pause(ADA, "large", Pause.STRIKES, "3 allocations were of no use\nnox: not found")
    with Terminal(redis_nox, "alloc", "list") as terminal:
        assert 0 == terminal.process.wait(60)
        terminal.wait_for("(nox: not found); see nox alloc show large")
        terminal.wait_for("small was refused: Invalid account")
        table = terminal.lines[:3]

    assert table[0].split() == ["pool", "state", "pending", "running", "jobs", "cores", "budget", "look"]
    assert "paused (strikes)" in table[1]
    assert "0.0 of 500h" in table[2]
    assert table[2].endswith(" ago")


def test_explain_says_why_no_allocation_is_requested(redis_nox: Nox, store: Store) -> None:
    """
    The pool is paused, with the lines of a log; no autoscaler looks at it; or it is too small.
    """
    submit_named(store, "a")
    submit_named(store, "wide", cores=64)
    define(store)
    pools_of(store).pause(ADA, "small", Pause.STRIKES, "3 allocations were of no use\nnox: not found")
    paused = redis_nox("explain", "1", check=True).stdout
    pools_of(store).resume(ADA, "small", "0" * 64)
    look(store, looked_ms=now_ms() - 3_600_000)
    late = redis_nox("explain", "1", check=True).stdout
    wide = redis_nox("explain", "2", check=True).stdout

    assert "waits: pool small is paused: its allocations ended without having been of use\n" in paused
    assert "  nox: not found\ntry:  nox alloc show small\ntry:  nox alloc resume small\n" in paused
    assert "waits: no autoscaler has looked at pool small since" in late
    assert "try:  nox alloc run\n" in late
    assert "waits: no pool can run it: small, the nearest, lacks 64 cores (it has 8)\n" in wide
    assert "try:  nox alloc set POOL --cores 64 --memory 16384M --time 240m\n" in wide


def test_explain_shows_words_of_the_store_without_control_characters(redis_nox: Nox, store: Store) -> None:
    """
    Others may write to it.
    """
    submit_named(store, "a")
    define(store)
    allocate(store, reason="\x1b[31mred")

    told = redis_nox("explain", "1", check=True).stdout + redis_nox("status", check=True).stdout
    assert "\x1b" not in told
    assert r"\x1b[31mred" in told


@pytest.mark.parametrize(
    "words", [("status",), ("worker", "list"), ("watch", "1"), ("wait", "1", "--timeout", "2")], ids=" ".join
)
def test_views_without_a_worker_name_pending_allocations(
    redis_nox: Nox, store: Store, words: tuple[str, ...], tmp_path: Path
) -> None:
    """
    In the same words everywhere, and none of another owner; none recommends to start a worker.
    """
    (tmp_path / "sbatch").touch(mode=0o755)
    submit_named(store, "a")
    define(store)
    define(store, owner=BOB)
    allocate(store)
    allocate(store, "0123bbbbbbbbbbbb", owner=BOB, reason="Foreign")
    allocate(store, OTHER_TOKEN, reason="Resources")
    told = "2 allocations pending (Priority, Resources)"

    for path in (search_path(), f"{tmp_path}:{search_path()}"):
        if words[0] == "watch":
            with Terminal(redis_nox, *words, columns=110, env={"PATH": path}) as terminal:
                terminal.wait_for(f"waits for {PENDING}")
                continue
        ended = redis_nox(*words, env={"PATH": path})
        seen = ended.stdout + ended.stderr
        assert told in seen
        assert "Foreign" not in seen
        assert "nox worker" not in seen


def test_views_with_a_worker_name_its_allocation(redis_nox: Nox, store: Store) -> None:
    """
    By number and pool for people, by token in JSON; and what is pending, and pools that are paused.
    """
    define(store)
    define(store, "large")
    pools_of(store).pause(ADA, "large", Pause.USER)
    allocate(store)
    allocate(store, OTHER_TOKEN, number="4712")
    worker = beat().worker
    assert pools_of(store).join(TOKEN, worker)
    submit_named(store, "a", cores=64)
    with served(store, allocation=TOKEN):
        with Terminal(redis_nox, "watch", "1", "--compact", columns=110) as terminal:
            terminal.wait_for("1 allocation pending (Priority); pool large is paused: nox alloc show large")
        listed = redis_nox("worker", "list", check=True).stdout
        (record,) = json.loads(redis_nox("worker", "list", "--json", check=True).stdout)["items"]
        (seen,) = json.loads(redis_nox("status", "--json", check=True).stdout)["workers"]
        overview = redis_nox("status", check=True).stdout

    news = "1 allocation pending (Priority); pool large is paused: nox alloc show large"
    header, row, last = listed.splitlines()
    assert (header.split()[-1], row.split()[-2:]) == ("allocation", ["4711", "small"])
    assert news == last
    assert TOKEN == record["allocation"] == seen["allocation"]
    assert f"workers  1 alive, 0 of 2 slots busy; {news}\n" in overview


def test_metrics_of_pools(redis_nox: Nox, store: Store) -> None:
    """
    Added up by the name of the pool; a store without pools has none.
    """
    assert "nox_pool" not in redis_nox("metrics", check=True).stdout
    define(store, demand_cores=24, strikes=2, spent={"2026-11-29": 3_600, "2026-11-30": 1_000})
    define(store, owner=BOB, demand_cores=8)
    pools_of(store).pause(ADA, "small", Pause.STRIKES)
    allocate(store)
    allocate(store, OTHER_TOKEN)
    assert pools_of(store).join(OTHER_TOKEN, beat().worker)
    told = values(redis_nox("metrics", check=True).stdout)

    names = ("pending", "running", "demand_cores", "strikes", "paused", "core_seconds_total")
    assert (1, 1, 32, 2, 1, 4_600) == tuple(told[f"nox_pool_{name}{{small}}"] for name in names)


def test_metrics_have_no_more_labels_than_an_owner_may_have_pools() -> None:
    """
    Beyond that, pools are counted together.
    """
    pools = tuple(Pool(ADA, f"p{number}", SMALL, "", 0, strikes=1) for number in range(MAX_POOLS + 5))
    told = values(exposition(Measured({}, (), (), 0.0, pools)))

    strikes = {name: value for name, value in told.items() if name.startswith("nox_pool_strikes")}
    assert (MAX_POOLS + 1, 5) == (len(strikes), strikes["nox_pool_strikes{other}"])


def test_serve_shows_no_pools_of_another_owner(redis_nox: Nox, store: Store, serve: Serve) -> None:
    """
    Neither in metrics nor in what a job waits for, unless the token sees all.
    """
    (job,) = submit_named(store, "a")
    define(store, "mine")
    define(store, owner=BOB)
    allocate(store, owner=BOB)
    server = serve(redis_nox, "--metrics")
    with server.client() as client:
        told = {}
        for scope in ("read", "admin"):
            secret = redis_nox(
                "token", "new", scope, "--scope", scope, "--owner", ADA, check=True
            ).stdout.strip()
            client.headers["Authorization"] = f"Bearer {secret}"
            told[scope] = client.get("/metrics").raise_for_status().text
            told[f"explain {scope}"] = client.get(f"/jobs/{job}/explain").raise_for_status().text

    labels = set(re.findall(r'nox_pool_pending{pool="(\w+)"}', told["read"]))
    assert {"mine"} == labels
    assert 'nox_pool_pending{pool="small"} 1.0' in told["admin"]
    assert "waits: pool mine has requested nothing for it so far" in told["explain read"]
