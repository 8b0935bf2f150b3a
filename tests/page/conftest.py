"""What tests of the page share: a browser, a `nox serve` over a real store, and pages that are signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import expect

from nox_cli.tokens.codes import new_code
from tests.support.browser import LIMIT_MS, Faults, chromium
from tests.support.nox import Nox

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer
    from tests.support.server import Serve, Server

HAS_FAILED = pytest.StashKey[bool]()


class Visit(Protocol):
    """Opens a page in a browser context of its own, signed in."""

    def __call__(self, route: str = "#/", *, token: str = "", **options: Any) -> Page:
        """Open it.

        Args:
            route: where, such as `#/jobs?state=failed`.
            token: signs in by the form with this one; empty: by a link with a code.
            options: of the context, such as `viewport`, `color_scheme` and `reduced_motion`.
        """


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test failed, for the fixtures that end after it."""
    report = yield
    if report.when == "call":
        item.stash[HAS_FAILED] = report.failed
    return report


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the tests of one module, since an event loop runs as long as it does."""
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def own_redis(fresh_redis: StartRedis) -> RedisServer:
    """A Redis of this test's own, which it may restart."""
    return fresh_redis()


@pytest.fixture
def nox(request: pytest.FixtureRequest, home: Path) -> Iterator[Nox]:
    """Real nox processes over a local store; with `both_stores` once more over the shared Redis.

    With `over_own_redis` it is that of the test.
    """
    kind = getattr(request, "param", "local")
    url: str | None = None
    if kind == "redis":
        url = request.getfixturevalue("redis_url")
    elif kind == "own redis":
        url = request.getfixturevalue("own_redis").url
    driven = Nox(home, url)
    yield driven
    driven.close()


@pytest.fixture
def server(nox: Nox, serve: Serve) -> Server:
    """The server of the page."""
    return serve(nox)


@pytest.fixture
def faults() -> Faults:
    """What the pages of this test did wrong: any fault that it does not allow fails it."""
    return Faults()


@pytest.fixture
def visit(
    browser: Browser, server: Server, faults: Faults, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Visit]:
    """Opens pages; after a failure there is a picture of each in the folder of the test."""
    opened: list[BrowserContext] = []

    def visit(route: str = "#/", *, token: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        opened.append(context)
        context.set_default_timeout(LIMIT_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        faults.watch(context, server.url)
        page = context.new_page()
        if token:
            page.goto(server.url)
            page.get_by_label("Link, code or token").fill(token)
            page.keyboard.press("Enter")
        else:
            page.goto(f"{server.url}/#code={new_code(server.nox.home)}")
        expect(page.locator("#account")).to_be_visible()
        page.evaluate("route => { location.hash = route; }", route)
        return page

    yield visit
    if request.node.stash.get(HAS_FAILED, True) or faults.found:
        for number, page in enumerate(page for context in opened for page in context.pages):
            page.screenshot(path=tmp_path / f"page-{number}.png")
    for context in opened:
        context.close()
    assert not faults.found, "\n".join(faults.found)


@pytest.fixture
def page(visit: Visit) -> Page:
    """The overview, signed in as the owner of the server."""
    return visit()
