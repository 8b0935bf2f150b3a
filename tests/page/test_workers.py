"""The workers: what runs in their slots, those that are gone or of another version, and many of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import LIMIT_MS, away
from tests.support.stores import beat, claim, new_job, served, submit, submit_named
from tests.support.vandal import vandal_of
from tests.support.waiting import wait_until
from workers import __version__
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from workers.store.base import Store


@pytest.fixture
def store(nox: Nox) -> Iterator[Store]:
    """The store of the page."""
    with nox.store() as opened:
        yield opened


def row(page: Page, host: str) -> Locator:
    """Find the line of a worker."""
    return page.get_by_role("row", name=re.compile(host))


def test_workers_show_what_runs_in_their_slots(visit: Visit, store: Store) -> None:
    """
    Slots, the jobs in them and for how long, capacity and engines; what none of them can run is above.
    """
    submit_named(store, "first second")
    submit(store, new_job("large", cores=64))
    with served(store, name="gpu", busy=2, nox_version="0.0.9"):
        claim(store)
        claim(store)
        page = visit("#/workers")
        worker = row(page, "node07")
        expect(worker.get_by_role("img", name="2 of 2 slots busy")).to_be_visible()
        expect(worker.get_by_role("link", name="1 first")).to_have_attribute("href", "#/jobs/1")
        expect(worker.get_by_role("listitem").nth(1)).to_have_text(re.compile(r"^2 second.*\d:\d\d$"))
        expect(worker).to_contain_text("16.0 GiB")
        expect(worker).to_contain_text("gpu · pid 4711")
        expect(worker).to_contain_text(f"0.0.9server: {__version__}")
        expect(page.get_by_text("no living worker can run job 3: wanted 64 cores")).to_be_visible()
        expect(page.get_by_text("nox worker list")).to_be_visible()


@pytest.mark.parametrize("nox", ["redis"], indirect=True)
def test_workers_that_are_gone_stay_in_the_list(visit: Visit, nox: Nox, store: Store) -> None:
    """
    They come last, by a word and not by a colour alone; where none lives the page says how to start one.
    """
    page = visit("#/workers")
    expect(page.get_by_text("Start one on a machine that may compute")).to_be_visible()
    store.tick(beat("node08-1-aa"))
    vandal_of(StoreSettings(nox.redis_url, "nox:", nox.home)).silence("node08-1-aa")
    with served(store):
        expect(page.get_by_role("row")).to_have_count(3)
        expect(page.get_by_role("row").nth(1)).to_contain_text("node07")
        expect(row(page, "node08")).to_contain_text("gone")
        expect(page.get_by_text("1 worker, 0 of 2 slots busy")).to_be_visible()


def test_many_workers_are_in_the_order_of_their_hosts(visit: Visit, store: Store) -> None:
    """
    Two hundred of them keep their places, and a worker names some of its jobs, and all on demand.
    """
    submit_named(store, " ".join(f"job{index}" for index in range(16)))
    first = beat("node0-1-aa", slots=64, busy=16, cores=64)
    for index in range(199, 0, -1):
        store.tick(beat(f"node{index // 8}-{1000 + index}-aa", slots=8, busy=index % 8))
    with served(store, **first._asdict() | {"memory_bytes": 2**40}):
        for index in range(16):
            claim(store, first.worker, slot=index, sequence=1, cores=64, memory_bytes=2**40)
        page = visit("#/workers")
        expect(page.get_by_role("row")).to_have_count(201)
        worker = page.get_by_role("row").nth(1)
        expect(worker).to_contain_text("16/64")
        expect(worker.get_by_role("listitem")).to_have_count(4)
        worker.get_by_role("button", name="and 12 more").click()
        expect(worker.get_by_role("listitem")).to_have_count(16)
        expect(page.get_by_role("row").last).to_contain_text("node24")
        expect(page.get_by_text("on 25 hosts")).to_be_visible()


def test_workers_that_could_not_be_read_are_read_again(visit: Visit, faults: Faults) -> None:
    """
    However long the failed reading took, the next one does not wait for it.
    """
    faults.allow("status of 503")
    page = visit()
    page.evaluate(
        "() => { const now = performance.now.bind(performance); window.passed = 0;"
        "  performance.now = () => now() + passed; }"
    )
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/workforce", hold, times=1)
    page.evaluate("location.hash = '#/workers'")
    wait_until(lambda: page.title() and held, LIMIT_MS / 1_000, "a request")
    page.evaluate("passed = 60_000")
    held[0].fulfill(**away())

    expect(page.get_by_text("Start one on a machine that may compute")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
