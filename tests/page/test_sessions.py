"""Who sees the page: links, tokens, sessions that end, and other users of the same host."""

from __future__ import annotations

import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nox_cli.tokens.codes import new_code
from tests.support.browser import LIMIT_MS, both_stores, wait_in
from tests.support.ended import complete, water
from tests.support.page_views import go
from tests.support.stores import ADA, BOB
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from tests.support.server import Server

FIELD = "Link, code or token"
# The half of a session that the page keeps.
PROOF = "JSON.stringify(localStorage)"
# What a page of another port gets: the answer's status, or the error that the browser makes of it.
FETCH = """([url, headers]) => fetch(url, {credentials: "include", headers, mode: "cors"})
    .then((answer) => answer.status, (error) => error.name)"""


def test_a_link_signs_in_once_and_leaves_the_address(
    nox: Nox, server: Server, visit: Visit, faults: Faults
) -> None:
    """
    The code is neither in the address nor in the history; a second use of the link asks for another.
    """
    faults.allow("status of 401")
    page = visit("#/workers")
    code = new_code(nox.home)
    link = f"{server.url}/#code={code}"
    before = page.evaluate(PROOF)
    page.goto(link)
    wait_in(page, f"before => {PROOF} !== before", before)
    expect(page).not_to_have_url(re.compile("code"))
    page.go_back()
    expect(page).to_have_url(f"{server.url}/#/workers")

    page.context.clear_cookies()
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("dialog")).to_contain_text("it was used, or is older")
    page.get_by_label(FIELD).fill(f"{server.url}/#code={new_code(nox.home)}")
    page.keyboard.press("Enter")
    expect(page.locator("#account")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def token(nox: Nox, name: str, owner: str, *words: str) -> str:
    """Make a token of the scope `submit`; return its secret."""
    made = nox("token", "new", name, "--owner", owner, "--scope", "submit", *words, check=True)
    return made.stdout.strip()


@both_stores
def test_a_session_that_has_ended_continues_after_signing_in(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    The view stays as it was, without a new start of the page, and shows what has happened meanwhile.
    """
    faults.allow("status of 401")
    page = visit(token=token(nox, "first", ADA))
    page.evaluate("window.isTheSame = true")
    nox("token", "revoke", "first", check=True)
    expect(page.get_by_role("dialog", name="Sign in to nox")).to_contain_text("The session has ended")
    with nox.store() as store:
        complete(store, water("meanwhile"))

    page.get_by_label(FIELD).fill(token(nox, "second", ADA))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("main").get_by_text("meanwhile")).to_be_visible()
    with nox.store() as store:
        complete(store, water("afterwards"))
    expect(page.locator("main").get_by_text("afterwards")).to_be_visible()
    assert page.evaluate("window.isTheSame")


def test_a_request_of_the_session_before_is_sent_again(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    One that is refused after a person has signed in again does not ask to sign in once more.
    """
    faults.allow("status of 401")
    page = visit("#/workers", token=token(nox, "first", ADA))
    held: list[Route] = []
    # Playwright notes something at the function.
    page.route("**/progress*", lambda route: held.append(route), times=1)  # noqa: PLW0108
    page.evaluate("location.hash = '#/'")
    wait_until(lambda: page.title() and held, LIMIT_MS / 1_000, "a request")
    nox("token", "revoke", "first", check=True)
    page.get_by_label(FIELD).fill(token(nox, "second", ADA))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)

    with page.expect_response(lambda answer: "/progress" in answer.url and answer.ok):
        held[0].continue_(headers={**held[0].request.headers, "x-nox-csrf": "of the session before"})
    expect(page.get_by_role("dialog")).to_have_count(0)


@both_stores
def test_two_owners_do_not_see_each_other(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    Lists, events and addresses show a session the jobs of its owner only, also after another has signed in.
    """
    faults.allow("status of 40[14]")
    pages = {owner: visit(token=token(nox, owner, owner)) for owner in (ADA, BOB)}
    numbers = {}
    with nox.store() as store:
        for owner in pages:
            job_id = complete(store, water(f"of-{owner}", owner=owner, batch=f"by-{owner}"))
            numbers[owner] = store.get(job_id).number
    for owner, page in pages.items():
        other = BOB if owner == ADA else ADA
        expect(page.locator("main").get_by_text(f"of-{owner}")).to_be_visible()
        expect(page.locator("body")).not_to_contain_text(f"by-{other}")
        for route in ("#/jobs", f"#/jobs/{numbers[other]}", f"#/batches/by-{other}", "#/"):
            go(page, route)
            expect(page.locator("body")).not_to_contain_text(f"of-{other}")

    page = pages[BOB]
    expect(page.locator("main").get_by_text("of-bob")).to_be_visible()
    nox("token", "revoke", BOB, check=True)
    page.get_by_label(FIELD).fill(token(nox, "third", ADA))
    page.keyboard.press("Enter")
    expect(page.locator("main").get_by_text("of-ada")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("of-bob")


def test_signing_out_ends_the_session_in_every_tab(page: Page, visit: Visit, faults: Faults) -> None:
    """
    All tabs ask to sign in, and show nothing else; the cookie is gone.
    """
    faults.allow("status of 401")  # a request that was on its way when the session ended
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#account")).to_be_visible()
    page.locator("#account").click()
    page.get_by_role("button", name="Sign out").click()

    for tab in (page, other):
        expect(tab.get_by_role("dialog", name="Sign in to nox")).to_be_visible()
        expect(tab.locator("#account")).to_be_hidden()
    assert [] == page.context.cookies()
    assert visit().context.cookies()


def test_signing_out_ends_the_session_while_the_server_is_away(page: Page, faults: Faults) -> None:
    """
    The cookie stays then, and is worth nothing: its other half is gone.
    """
    faults.allow("ERR_FAILED|status of 401")
    page.route(
        "**/session", lambda route: route.abort() if route.request.method == "DELETE" else route.continue_()
    )
    page.locator("#account").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("dialog", name="Sign in to nox")).to_be_visible()
    expect(page.locator("#account")).to_be_hidden()
    assert page.context.cookies()
    assert 0 == page.evaluate("localStorage.length")


class Stranger(ThreadingHTTPServer):
    """A server of another user on this host, which notes the cookies that it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.cookies: set[str] = set()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Stranger)
        self.server.cookies.add(self.headers["Cookie"])
        self.send_response(HTTPStatus.OK)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    """Another user's server, which runs."""
    with Stranger() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_page_of_another_port_cannot_use_the_session(
    page: Page, server: Server, faults: Faults, stranger: Stranger
) -> None:
    """
    Browsers send the cookies of a host to all of its ports; they are worth nothing without the header of the
    page, which no other page can read or send.
    """
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert "Strict" == cookie["sameSite"]
    assert "" == page.evaluate("document.cookie")
    faults.allow("another host|CORS policy|Failed to load resource")

    page.goto(stranger.url)
    assert {f"{cookie['name']}={cookie['value']}"} == stranger.cookies
    assert 0 == page.evaluate("localStorage.length")
    assert "TypeError" == page.evaluate(FETCH, [f"{server.url}/jobs", {}])
    assert "TypeError" == page.evaluate(FETCH, [f"{server.url}/workers", {"X-Nox-CSRF": "x"}])
    with server.client(cookies={cookie["name"]: cookie["value"]}) as client:
        del client.headers["Authorization"]
        assert HTTPStatus.UNAUTHORIZED == client.get("/jobs").status_code
