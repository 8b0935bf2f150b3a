"""The overview: what it counts, how it keeps up, and what it says where there is nothing or no worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import DRAWN, LIMIT_MS, away, both_stores
from tests.support.ended import complete, fail, water
from tests.support.hostile import TEXTS
from tests.support.stores import ADA, BOB, claim, failed, new_job, outcome, served, submit, submit_named
from tests.support.waiting import wait_until
from workers.job import OPTIMISATION, Progress, Reason
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from workers.store.base import Store

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def store(nox: Nox) -> Iterator[Store]:
    """The store of the page."""
    with nox.store() as opened:
        yield opened


def section(page: Page, name: str) -> Locator:
    """Find a part of the view."""
    return page.get_by_role("region", name=name, exact=True)


def tile(page: Page, state: str) -> Locator:
    """Find the number of jobs in a state."""
    return section(page, "Jobs by state").get_by_role("link", name=state)


@both_stores
def test_overview_keeps_up_with_jobs(visit: Visit, store: Store) -> None:
    """
    Counts, running jobs with their courses, and energies are there without a reload; numbers lead to lists.
    """
    page = visit()
    expect(page.get_by_text("No jobs so far")).to_be_visible()
    submit(store, *(water(name, batch="screen") for name in ("first", "second", "third")))
    with served(store):
        expect(tile(page, "waiting")).to_have_text(re.compile("^3"))
        first, second = claim(store).lease, claim(store).lease
        norms = [0.1, 0.01, 0.001]
        points = [Point(step, -5.0, norm) for step, norm in enumerate(norms, 1)]
        store.progress(
            first, Progress(phase=OPTIMISATION, step=3, gradient_norm_hartree_per_bohr=0.001), points
        )
        running = section(page, "Running now")
        expect(running.get_by_role("link", name="1 first")).to_have_attribute("href", "#/jobs/1")
        expect(running.get_by_role("img", name="|g| of the last 3 steps: 1e-01 to 1e-03")).to_be_visible()
        expect(running.get_by_role("row", name=re.compile("1 first opt 3 1e-03"))).to_be_visible()
        expect(section(page, "Workers")).to_contain_text("1 worker, 0 of 2 slots busy")
        store.finish(first, outcome(progress=Progress(energy_hartree=-5.07)))
        store.finish(second, outcome(progress=Progress(energy_hartree=-5.08)))
        expect(section(page, "Newest done")).to_contain_text("-5.08000000")
    expect(section(page, "Batches")).to_contain_text("2/3 done · 1 waiting")
    expect(running).to_contain_text("no job runs")

    expect(tile(page, "done")).to_have_text(re.compile("^2"))
    tile(page, "done").click()
    expect(page).to_have_url(re.compile(r"#/jobs\?state=done$"))


def test_overview_retries_the_failures_of_a_reason(visit: Visit, store: Store) -> None:
    """
    A group has its reason in words, the newest jobs and why they failed; the dialog shows the command.
    """
    fail(store)
    fail(store)
    page = visit()
    failures = section(page, "Failed, by reason")
    expect(failures.get_by_role("link", name="2 not converged")).to_be_visible()
    expect(failures.get_by_role("link", name="2 prod2")).to_be_visible()
    expect(failures).to_contain_text("nox retry @failed:not_converged --from-last-geometry")
    expect(failures).to_contain_text("not converged after")

    failures.get_by_role("button", name="Retry 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 failed")
    expect(dialog).to_contain_text("nox retry @failed:not_converged")
    dialog.get_by_role("button", name="Retry").click()

    expect(failures).to_contain_text("no job has failed")
    expect(tile(page, "waiting")).to_have_text(re.compile("^2"))


def test_overview_explains_the_newest_failure(visit: Visit, store: Store) -> None:
    """
    An explanation that comes after that of a newer failure does not replace it.
    """
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page = visit()
    page.route("**/explain", hold, times=1)
    fail(store)
    wait_until(lambda: page.title() and held, LIMIT_MS / 1_000, "an explanation")
    fail(store, water("newer"))
    failures = section(page, "Failed, by reason")
    expect(failures).to_contain_text("not converged after")
    explained = failures.locator("li > .muted").first
    words = {"why": "of the earlier one", "facts": [], "raw_state": "failed"}
    with page.expect_response("**/explain"):
        held[0].fulfill(json=words)
    page.evaluate(DRAWN)

    expect(explained).to_contain_text("not converged after")


def test_overview_explains_a_failure_that_could_not_be_read(
    visit: Visit, store: Store, faults: Faults
) -> None:
    """
    An explanation that the store did not give is there after the next look.
    """
    faults.allow("status of 503")
    page = visit()
    page.route("**/explain", lambda route: route.fulfill(**away()), times=1)
    with page.expect_response(lambda found: "/explain" in found.url and found.status == 503):
        fail(store)

    expect(section(page, "Failed, by reason")).to_contain_text("not converged after")


def test_overview_asks_once_for_what_it_may_not_have(visit: Visit, store: Store, faults: Faults) -> None:
    """
    A failure without an explanation is not asked for again at every look.
    """
    faults.allow("status of 404")
    page = visit()
    asked: list[Route] = []

    def refuse(route: Route) -> None:
        asked.append(route)
        route.fulfill(status=404, json={"detail": "there is no such job"})

    page.route("**/explain", refuse)
    job = fail(store)
    wait_until(lambda: page.title() and asked, LIMIT_MS / 1_000, "an explanation")
    for name in ("one", "two"):
        submit(store, new_job(name))
        with page.expect_response(lambda found: found.url.endswith("/progress")):
            pass
    page.evaluate(DRAWN)

    assert [job in one.request.url for one in asked] == [True]


def test_overview_names_what_keeps_jobs_from_running(visit: Visit, store: Store) -> None:
    """
    Without a worker, and with none that can run what waits, it has the words of `nox doctor`.
    """
    submit(store, new_job("large", cores=64))
    page = visit()
    workers = section(page, "Workers")
    expect(workers).to_contain_text("1 job waiting, and no worker is alive")
    expect(workers).to_contain_text("nox worker")

    with served(store, name="node07"):
        expect(workers).to_contain_text("1 worker, 0 of 2 slots busy")
        expect(workers).to_contain_text(
            "no living worker can run job 1: wanted 64 cores (the most a worker has: 8)"
        )


def test_overview_shows_an_administrator_the_jobs_of_all(visit: Visit, nox: Nox, store: Store) -> None:
    """
    It says so, its numbers lead to lists of all users, and it retries own jobs; one who only reads cannot.
    """
    fail(store)
    submit_named(store, "a")
    submit_named(store, "b", owner=BOB)
    tokens = {
        scope: nox("token", "new", scope, "--scope", scope, "--owner", ADA, check=True).stdout.strip()
        for scope in ("read", "admin")
    }
    page = visit(token=tokens["admin"])
    expect(tile(page, "waiting")).to_have_text(re.compile("^2"))
    expect(page.get_by_text("1/3 ended, of all users")).to_be_visible()
    expect(tile(page, "waiting")).to_have_attribute("href", "#/jobs?state=waiting&all_users=true")
    expect(page.get_by_role("button", name="Retry own")).to_be_enabled()

    page = visit(token=tokens["read"])
    expect(tile(page, "waiting")).to_have_text(re.compile("^1"))
    expect(page.get_by_role("button", name="Retry 1")).to_be_disabled()


def test_overview_fits_a_phone_whatever_jobs_are_called(visit: Visit, store: Store) -> None:
    """
    Long and hostile names are text, and nothing is wider than the screen.
    """
    names = list(TEXTS)
    submit(store, *(new_job(name, batch=name) for name in names))
    with served(store):
        for sequence, _ in enumerate(names, 1):
            lease = claim(store, sequence=sequence).lease
            store.finish(lease, failed(Reason.SCF) if sequence % 2 else outcome())
        submit(store, *(water(name) for name in names))
        claim(store, sequence=len(names) + 1)
        page = visit(viewport=PHONE)
        expect(section(page, "Failed, by reason").get_by_role("button").first).to_be_visible()
        expect(section(page, "Running now").get_by_role("link").nth(1)).to_be_visible()
        expect(section(page, "Batches").get_by_role("listitem").nth(5)).to_be_visible()

    assert PHONE["width"] == page.evaluate("document.documentElement.scrollWidth")
    assert page.evaluate("document.body.dataset.hacked ?? 'no'") == "no"
    assert not set("\u202e\u200b\x1b") & set(page.locator("main").inner_html())


def test_large_energies_fit_on_a_phone(visit: Visit, store: Store) -> None:
    """
    The energy of a large molecule has its place next to the name and the time, without covering them.
    """
    complete(store, water("a conformer of a large molecule"), energy_hartree=-1_234_567.08292930)
    page = visit(viewport=PHONE)
    expect(section(page, "Newest done").get_by_text("-1234567.08292930")).to_be_visible()
    assert page.evaluate(
        "[...document.querySelectorAll('td.number')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
    )
