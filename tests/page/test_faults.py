"""A test of the page fails if the page does what no page may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import LIMIT_MS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.support.browser import Faults

ADDRESS = "http://127.0.0.1:9"
POLICY = "default-src 'none'; script-src 'self'; connect-src *"


@pytest.mark.parametrize(
    ("deed", "fault"),
    [
        ("console.error('bad')", "error: bad"),
        ("setTimeout(() => { throw new Error('bad'); })", "uncaught: bad"),
        ("setTimeout(() => Promise.reject(new Error('bad')))", "uncaught: bad"),
        ("document.body.setAttribute('onclick', 'x()')", "error: Executing inline event handler violates"),
        ("document.body.append(Object.assign(new Image(), {src: 'x.png'}))", "error: Loading the image"),
        ("fetch('https://chem.example.org').catch(() => 0)", "another host: https://chem.example.org/"),
        ("fetch('nowhere')", "error: Failed to load resource"),
    ],
)
def test_a_fault_of_a_page_is_noted(browser: Browser, faults: Faults, deed: str, fault: str) -> None:
    """
    Errors, breaches of the policy and other hosts are found, unless the test allows them.
    """

    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
        is_page = route.request.url == f"{ADDRESS}/"
        route.fulfill(status=200 if is_page else 404, headers=headers, body="<!doctype html><link rel=icon>")

    with browser.new_context() as context:
        context.route(f"{ADDRESS}/**", answer)
        faults.watch(context, ADDRESS)
        page = context.new_page()
        page.goto(ADDRESS)
        assert [] == faults.found
        page.evaluate(f"() => {{ {deed}; }}")
        # The browser reports while this thread waits for an answer of it.
        wait_until(lambda: page.title() or faults.found, LIMIT_MS / 1_000, "a fault")

    assert any(one.startswith(fault) for one in faults.found), faults.found
    faults.allow("bad|Content Security Policy|another host|Failed to load")
    assert [] == faults.found
