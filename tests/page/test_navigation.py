"""Going from view to view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.support.browser import LIMIT_MS
from tests.support.page_views import fill, go
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox


def test_a_view_may_be_left_before_it_is_complete(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    A request that has not been answered by then is given up, which is no fault.
    """
    faults.allow("status of 404 .*/log$")
    with nox.store() as store:
        filled = fill(store)
    page = visit("#/submit")
    go(page, f"#/jobs/{filled.running}")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/points", hold)
    wait_until(lambda: page.title() and held, LIMIT_MS / 1_000, "the next look at the steps")
    page.evaluate("location.hash = '#/submit'")
    expect(page.locator("main h1")).to_have_text("Submit")
