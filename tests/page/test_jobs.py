"""The view of jobs: filters that are an address and a command, a window on any number of jobs, actions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import DRAWN, LIMIT_MS, away, both_stores, wait_in
from tests.support.ended import complete, fail, water
from tests.support.stores import ADA, claim, new_job, submit, submit_named
from tests.support.waiting import wait_until
from workers.job import JobState, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import APIResponse, Locator, Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox

MANY = 3_000
PHONE = {"width": 390, "height": 844}


def rows(page: Page) -> Locator:
    """Find the rows of jobs that are in the document, without those that are being read."""
    return page.locator(".list-row[id]")


def row(page: Page, name: str) -> Locator:
    """Find the row of one job."""
    return rows(page).filter(has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    """Read the names of the rows, from top to bottom."""
    return page.locator(".list-row[id] .cell-name").all_inner_texts()


def kept_answers(page: Page, pattern: str) -> list[tuple[Route, APIResponse]]:
    """Hold back the next answer from such an address; the list gets it once the server has given it."""
    kept: list[tuple[Route, APIResponse]] = []
    page.route(pattern, lambda route: kept.append((route, route.fetch())), times=1)
    return kept


def address(words: str) -> re.Pattern[str]:
    """Match the end of an address."""
    return re.compile(f"{re.escape(words)}$")


@pytest.fixture
def mixed(nox: Nox) -> None:
    """Two jobs of a batch that completed, one that failed, and two that wait."""
    with nox.store() as store:
        complete(store, water("low", batch="screen"), energy_hartree=-5.25)
        complete(store, water("high", batch="screen"))
        fail(store, water("bad", batch="screen"))
        submit(store, new_job("later", batch="next", tags={"set": "a"}), new_job("last", batch="next"))


def test_jobs_show_energies_and_formulas_whole(nox: Nox, visit: Visit) -> None:
    """
    On a small screen the list cuts neither an energy of four digits before the point nor a long formula.
    """
    with nox.store() as store:
        taxol = water("taxol", formula="C47H51NO14", kind="ohess")
        complete(store, taxol, energy_hartree=-1234.56789012)
    page = visit("#/jobs", viewport={"width": 1280, "height": 800})

    expect(row(page, "taxol")).to_contain_text("-1234.56789012")
    expect(row(page, "taxol").locator(".cell-calculation")).to_have_text("C47H51NO14 ohess")
    for cell in row(page, "taxol").locator(".cell:not(.cell-message)").all():
        assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), cell.inner_text()


@both_stores
@pytest.mark.usefixtures("mixed")
def test_filters_are_the_address_and_the_command(visit: Visit) -> None:
    """
    Chips and words change the address, the list and the command; Back and a reload restore them.
    """
    page = visit("#/jobs")
    expect(page.get_by_text("5 jobs", exact=True)).to_be_visible()
    expect(rows(page)).to_have_count(5)
    assert ["last", "later", "bad", "high", "low"] == names(page)

    page.get_by_role("button", name="failed").click()
    page.get_by_role("button", name="done").click()
    expect(rows(page)).to_have_count(3)
    field = page.get_by_label("Add a filter")
    field.fill("@batch:screen *i*")
    field.press("Enter")
    expect(rows(page)).to_have_count(1)

    expect(page).to_have_url(address("#/jobs?state=failed,done&batch=screen&name=*i*"))
    expect(page.locator(".command code")).to_have_text(
        "nox list --state failed,done --batch screen --name '*i*'"
    )
    expect(field).to_be_focused()
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Remove the filter name").click()
    expect(rows(page)).to_have_count(3)
    page.go_back()
    expect(rows(page)).to_have_count(1)
    page.go_back()
    expect(rows(page)).to_have_count(3)
    expect(page).to_have_url(address("#/jobs?state=failed,done"))


@pytest.mark.usefixtures("mixed")
def test_a_row_has_what_a_chemist_looks_for(visit: Visit) -> None:
    """
    Energy, calculation, and why a job failed with the hint; a column that was chosen is in the address.
    """
    page = visit("#/jobs")

    expect(row(page, "low")).to_contain_text("H2O opt")
    expect(row(page, "low")).to_contain_text("-5.25000000")
    expect(row(page, "bad").locator(".cell-message")).to_contain_text("not converged")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("group", name="Columns").get_by_label("priority").click()
    expect(page.get_by_role("columnheader", name="priority")).to_be_visible()
    expect(page.get_by_role("group", name="Columns").get_by_label("priority")).to_be_focused()
    expect(page.locator(".command code")).to_contain_text("--columns number,name,state")
    page.get_by_role("columnheader", name="priority").get_by_role("button").click()
    expect(page.get_by_role("columnheader", name="priority")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("sort=-priority"))


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("#/jobs?state=sleeping", '"sleeping" is no state'),
        ("#/jobs?colour=red", "colour"),
        ("#/jobs?since=yesterdayish", "is not a time"),
        ("#/jobs?sort=beauty", "cannot be sorted"),
        ("#/jobs?columns=beauty", "there is no column"),
    ],
)
def test_a_filter_that_makes_no_sense_is_explained(
    visit: Visit, faults: Faults, route: str, message: str
) -> None:
    """
    The message of the API is in place of the list, and its hint.
    """
    faults.allow(r"status of 400")
    page = visit(route)

    expect(page.get_by_role("alert")).to_contain_text(message, ignore_case=True)
    expect(page.get_by_text("reading …")).to_have_count(0)


def test_an_empty_list_names_what_would_fill_it(visit: Visit) -> None:
    """
    Without any job it offers to submit one, with filters to drop these.
    """
    page = visit("#/jobs")
    expect(page.get_by_text("No jobs so far")).to_be_visible()

    page.evaluate("location.hash = '#/jobs?state=failed'")
    page.get_by_role("link", name="Show all jobs").click()
    expect(page).to_have_url(address("#/jobs"))


@both_stores
def test_a_list_follows_its_jobs(visit: Visit, nox: Nox) -> None:
    """
    A state changes in its row, new jobs come on top; further down nothing moves, and a button counts them.
    """
    with nox.store() as store:
        submit(store, *(new_job(f"job{i:03}") for i in range(200)))
        page = visit("#/jobs")
        expect(row(page, "job199")).to_contain_text("queued")

        store.hold(store.with_numbers(200, 200), owner=None)
        expect(row(page, "job199")).to_contain_text("held")
        submit_named(store, "newest")
        expect(rows(page).first).to_contain_text("newest")
        expect(page.get_by_text("201 jobs", exact=True)).to_be_visible()

        page.locator(".list").evaluate("list => { list.scrollTop = 1600; }")
        expect(row(page, "job140")).to_be_visible()
        before = row(page, "job140").bounding_box()
        submit(store, *(new_job(f"more{i}") for i in range(3)))
        newer = page.get_by_role("button", name="3 new")
        expect(newer).to_be_visible()
        assert before == row(page, "job140").bounding_box()
        newer.click()
    expect(rows(page).first).to_contain_text("more2")
    expect(newer).to_be_hidden()


def test_a_row_that_could_not_be_read_is_read_again(visit: Visit, nox: Nox, faults: Faults) -> None:
    """
    A change that the page learns while the store fails is in its row afterwards, without another change.
    """
    faults.allow("status of 503")
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        expect(row(page, "one")).to_contain_text("queued")
        page.route("**/jobs?selector=*", lambda route: route.fulfill(**away()))

        # One that was asked for before may be answered now.
        with page.expect_response(lambda found: "?selector=" in found.url and found.status == 503):
            store.hold(store.with_numbers(1, 1), owner=None)
        page.unroute("**/jobs?selector=*")
    expect(row(page, "one")).to_contain_text("held")


def test_a_list_that_could_not_be_read_is_read_again(visit: Visit, nox: Nox, faults: Faults) -> None:
    """
    A new job that the page learns of while the store fails is in the list afterwards, without another change.
    """
    faults.allow("status of 503")
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        expect(row(page, "one")).to_contain_text("queued")
        page.route("**/jobs?sort=*", lambda route: route.fulfill(**away()))

        with page.expect_response(lambda found: "?sort=" in found.url and found.status == 503):
            submit_named(store, "two")
        expect(page.get_by_role("alert")).to_contain_text("The store did not answer")
        page.unroute("**/jobs?sort=*")
    expect(row(page, "two")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_list_from_before_a_change_does_not_hide_it(visit: Visit, nox: Nox) -> None:
    """
    A list that was read before a job changed, and comes after the job's new record, leaves the new state.
    """
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        expect(row(page, "one")).to_contain_text("queued")
        kept = kept_answers(page, "**/jobs?sort=*")
        submit_named(store, "two")
        wait_until(lambda: page.title() and kept, LIMIT_MS / 1_000, "a list")
        store.hold(store.with_numbers(1, 1), owner=None)
        expect(row(page, "one")).to_contain_text("held")

        ((route, old),) = kept
        with page.expect_response(lambda found: "?selector=" in found.url):
            route.fulfill(response=old)
        expect(row(page, "two")).to_be_visible()
        expect(row(page, "one")).to_contain_text("held")


def test_a_click_is_not_lost_by_what_is_drawn_meanwhile(visit: Visit, nox: Nox) -> None:
    """
    A button that is pressed while its number changes does its work once it is released.
    """
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        waiting = page.get_by_role("group", name="States").get_by_role("button", name="waiting")
        expect(waiting).to_have_text("waiting1")
        kept = kept_answers(page, "**/counts")
        submit_named(store, "two")
        wait_until(lambda: page.title() and kept, LIMIT_MS / 1_000, "a count")
    ((route, answer),) = kept
    waiting.hover()
    page.mouse.down()
    with page.expect_response("**/counts"):
        route.fulfill(response=answer)
    page.evaluate(DRAWN)
    page.mouse.up()

    expect(page).to_have_url(address("#/jobs?state=waiting"))


def test_a_row_that_changes_while_it_is_pressed_opens_its_job(visit: Visit, nox: Nox) -> None:
    """
    A row is drawn anew once the mouse is released, so that its click is not lost.
    """
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        page.get_by_role("gridcell", name="queued").hover()
        page.mouse.down()
        with page.expect_response(re.compile(r"/jobs\?")):
            store.hold(store.with_numbers(1, 1), owner=None)
    page.evaluate(DRAWN)
    page.mouse.up()

    expect(page).to_have_url(address("#/jobs/1"))


def test_a_row_that_was_read_before_it_is_pressed_opens_its_job(visit: Visit, nox: Nox) -> None:
    """
    A record that has come, but is not drawn so far, waits for the release of the mouse, too.
    """
    with nox.store() as store:
        submit_named(store, "one")
        page = visit("#/jobs")
        cell = page.get_by_role("gridcell", name="queued")
        cell.hover()
        page.evaluate("() => { window.held = []; window.requestAnimationFrame = (draw) => held.push(draw); }")
        store.hold(store.with_numbers(1, 1), owner=None)
        wait_in(page, "held.length > 0")
    page.mouse.down()
    page.evaluate("held.forEach((draw) => draw(0))")
    page.mouse.up()

    expect(page).to_have_url(address("#/jobs/1"))


@both_stores
def test_a_list_of_many_jobs_is_a_window(visit: Visit, nox: Nox) -> None:
    """
    Only visible rows are in the document; the scroll bar and the keys reach any of them.
    """
    with nox.store() as store:
        submit(store, *(new_job(f"job{i:04}") for i in range(1, MANY + 1)))
    page = visit("#/jobs")
    grid = page.get_by_role("grid", name="Jobs")
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))

    grid.evaluate("list => { list.scrollTop = list.scrollHeight / 2; }")
    expect(row(page, f"job{MANY // 2:04}")).to_be_visible()
    grid.press("End")
    expect(row(page, "job0001")).to_be_visible()
    expect(row(page, "job0001")).to_have_attribute("aria-rowindex", str(MANY + 1))
    grid.press("PageUp")
    grid.press("Home")
    expect(row(page, f"job{MANY:04}")).to_be_visible()
    assert rows(page).count() < 60


def test_a_person_who_comes_back_finds_the_place(visit: Visit, nox: Nox) -> None:
    """
    After a look at a job, Back shows the rows that were visible.
    """
    with nox.store() as store:
        submit(store, *(new_job(f"job{i:03}") for i in range(600)))
    page = visit("#/jobs")
    expect(page.get_by_text("600 jobs", exact=True)).to_be_visible()  # before, the list is shorter
    expect(row(page, "job599")).to_be_visible()
    page.locator(".list").evaluate("list => { list.scrollTop = 9600; }")
    row(page, "job290").get_by_role("link", name="job290").click()
    expect(page).to_have_url(address("#/jobs/291"))
    page.go_back()

    expect(row(page, "job290")).to_be_in_viewport()


@pytest.mark.usefixtures("mixed")
def test_keys_select_and_open(visit: Visit, nox: Nox) -> None:
    """
    j, k and Shift move and select, x selects, and the actions show their command and count before they act.
    """
    page = visit("#/jobs")
    expect(rows(page)).to_have_count(5)
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    expect(page.get_by_text("2 jobs selected")).to_be_visible()
    page.get_by_role("button", name="Hold", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 jobs: 2 waiting.")
    expect(dialog.locator("code")).to_have_text("nox hold 4-5")
    dialog.get_by_role("button", name="Hold 2 jobs").click()

    expect(page.get_by_text("2 jobs held")).to_be_visible()
    expect(row(page, "last")).to_contain_text("held")
    with nox.store() as store:
        assert 2 == store.counts()[JobState.HELD]
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(address("#/jobs/4"))


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(
    ("route", "command", "button", "changed"),
    [
        ("#/jobs?state=failed", "nox retry @failed", "Retry", {3}),
        (
            "#/jobs?state=failed,done&batch=screen&name=b*",
            "nox list -q --state failed,done --batch screen --name 'b*' --limit 100000 | nox retry -",
            "Retry",
            {3},
        ),
        ("#/jobs?tag=set=a", "nox cancel tag:set=a", "Cancel", {4}),
    ],
)
def test_all_jobs_of_a_list_are_named_by_its_filters(
    visit: Visit, nox: Nox, route: str, command: str, button: str, changed: set[int]
) -> None:
    """
    Where a selector names them it is used, else the filters: no list of ids is sent.
    """
    with nox.store() as store:
        before = {job.number: job.state for job in store.get_many(store.with_numbers(1, 5))}
    page = visit(route)
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("a")
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("code")).to_have_text(command)
    with page.expect_request("**/jobs/actions") as sent:
        dialog.get_by_role("button", name=button).click()
    assert "job_id" not in (sent.value.post_data or "")

    expect(dialog).to_be_hidden()
    with nox.store() as store:
        after = {job.number: job.state for job in store.get_many(store.with_numbers(1, 5))}
    assert changed == {number for number, state in after.items() if state is not before[number]}


@pytest.mark.usefixtures("mixed")
def test_a_session_that_may_only_read_cannot_act(visit: Visit, nox: Nox) -> None:
    """
    The buttons are disabled, and say why.
    """
    token = nox("token", "new", "looker", "--scope", "read", "--owner", ADA, check=True).stdout.strip()
    page = visit("#/jobs", token=token)
    expect(rows(page)).to_have_count(5)
    page.keyboard.press("a")

    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_disabled()
    expect(page.get_by_text("Your session may only read")).to_be_visible()


@pytest.mark.usefixtures("mixed")
def test_the_list_is_saved_as_csv(visit: Visit, nox: Nox, tmp_path: Path) -> None:
    """
    The file has the jobs that pass the filters, as the command writes them.
    """
    page = visit("#/jobs?batch=screen")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "jobs.csv")

    wanted = nox("list", "--batch", "screen", "-o", "csv", check=True).stdout
    assert wanted == (tmp_path / "jobs.csv").read_text()


@pytest.mark.usefixtures("mixed")
def test_rows_have_two_lines_on_a_phone(visit: Visit) -> None:
    """
    At 390 pixels nothing is wider than the screen, and a failed row has its reason.
    """
    page = visit("#/jobs", viewport=PHONE)

    expect(row(page, "bad").locator(".cell-message")).to_be_visible()
    assert 390 == page.evaluate("document.documentElement.scrollWidth")
    grid = page.get_by_role("grid")
    assert grid.evaluate("list => list.scrollWidth <= list.clientWidth")
    box = row(page, "bad").bounding_box()
    assert box is not None
    assert 50 < box["height"] < 70


def test_a_running_job_shows_its_steps(visit: Visit, nox: Nox) -> None:
    """
    Progress is no change of state: visible rows of running jobs are read again.
    """
    with nox.store() as store:
        submit(store, water("runs"))
        lease = claim(store).lease
        page = visit("#/jobs")
        expect(row(page, "runs")).to_contain_text("running")
        store.progress(lease, Progress(step=17, phase="opt", energy_hartree=-5.0))
        expect(row(page, "runs").locator(".cell-step")).to_have_text("17")
