"""A calculation from its file to its picture in the page alone, with real workers; and outages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support.browser import NO_SERVER, both_stores, over_own_redis
from tests.support.ended import complete, water

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from tests.support.redis_server import RedisServer
    from tests.support.server import Serve, Server

WATER = "3\n\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n"


def submit_water(page: Page, name: str) -> None:
    """Submit an optimisation by the form, and open the job."""
    page.get_by_role("link", name="Submit", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    files: Any = [{"name": f"{name}.xyz", "mimeType": "", "buffer": WATER.encode()}]
    chooser.value.set_files(files)
    page.get_by_label("Optimise", exact=True).check()
    page.get_by_role("button", name="Submit 1 job").click()
    page.get_by_role("link", name="Open the job").click()
    expect(page.locator("main h1")).to_contain_text(name)


@both_stores
def test_a_molecule_is_submitted_watched_opened_and_cancelled(nox: Nox, page: Page) -> None:
    """
    The page that submits a job sees it wait, run and end, and shows its structure and energy; the next one is
    cancelled.
    """
    submit_water(page, "first")
    badge = page.locator(".job-head .badge")
    expect(badge).to_contain_text("queued")
    worker = nox.worker("--slots", "1")
    expect(badge).to_contain_text("done", timeout=60_000)
    expect(page.get_by_role("img", name=re.compile("3 atoms, H2O, end"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"-5\.07\d{6} Eh")).first).to_be_visible()
    worker.process.terminate()
    worker.wait()

    submit_water(page, "second")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(badge).to_contain_text("cancelled")
    page.get_by_role("link", name="Jobs", exact=True).click()
    for name, state in (("first", "done"), ("second", "cancelled")):
        expect(page.get_by_role("row", name=re.compile(name))).to_contain_text(state)


@over_own_redis
def test_a_page_survives_restarts_of_server_and_redis(
    nox: Nox, own_redis: RedisServer, server: Server, page: Page, serve: Serve, faults: Faults
) -> None:
    """
    What happens during an outage and after it comes to the page that was open, without a reload.
    """
    faults.allow(f"{NO_SERVER}|status of 503")
    page.evaluate("window.isTheSame = true")
    page.get_by_role("link", name="Jobs", exact=True).click()
    state = page.locator("#connection")
    expect(state).to_have_text("live")

    server.stop()
    expect(state).to_contain_text("unreachable")
    with nox.store() as store:
        complete(store, water("without a server"))
        serve(nox, "--bind", server.url.removeprefix("http://"))
        expect(page.get_by_role("row", name=re.compile("without a server"))).to_contain_text("done")
        expect(state).to_have_text("live")

        own_redis.stop()
        expect(state).not_to_have_text("live")
        own_redis.start()
        complete(store, water("after redis"))
    expect(page.get_by_role("row", name=re.compile("after redis"))).to_contain_text("done")
    expect(state).to_have_text("live")
    assert page.evaluate("window.isTheSame")
