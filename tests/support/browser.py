"""A real Chromium, cut off from every host but this one, and the faults of the pages that it shows."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

LIMIT_MS = 20_000
# A script that ends once the next frame is drawn.
DRAWN = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
# What a browser reports of a server that ends, at whatever point of a request, and of one that is not there.
NO_SERVER = "ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|(CONTENT_LENGTH|INCOMPLETE_CHUNKED)_)"
# Decorates a test of a page that is to run on both stores.
both_stores = pytest.mark.parametrize("nox", ["local", "redis"], indirect=True)
over_own_redis = pytest.mark.parametrize("nox", ["own redis"], indirect=True)
# Debian's chromium; where there is none, the one that `playwright install chromium` brought.
_PROGRAMS = ("chromium", "chromium-browser")
_ARGUMENTS = (
    "--no-sandbox",  # CI is root
    "--disable-dev-shm-usage",  # /dev/shm of a container is small
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_WITHOUT_HOST = {"about", "blob", "data"}


def wait_in(page: Page, script: str, arg: Any = None) -> None:
    """Evaluate a script in a page again and again until it returns something true.

    `Page.wait_for_function` does so in the page itself, whose policy refuses it from the second time on.
    """

    def is_true() -> bool:
        try:
            return bool(page.evaluate(script, arg))
        except Error as error:
            if "context was destroyed" in error.message:  # the page is being loaded again
                return False
            raise

    wait_until(is_true, LIMIT_MS / 1_000, script)


def away() -> dict[str, Any]:
    """Return what a route fulfils a request with whose store fails for a moment."""
    return {"status": 503, "headers": {"Retry-After": "2"}, "json": {"detail": "the store did not answer"}}


@contextmanager
def chromium(home: Path) -> Iterator[Browser]:
    """Run a browser whose HOME is a folder of its own.

    Until the end an event loop runs in this thread: nothing else may call `asyncio.run` meanwhile.
    """
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=_ARGUMENTS,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
        )
        try:
            yield browser
        finally:
            browser.close()


class Faults:
    """Notes what no page may do: errors, breaches of its policy, requests to other hosts."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    @property
    def found(self) -> list[str]:
        """The faults so far, without those that the test expects."""
        return [one for one in self._found if not any(pattern.search(one) for pattern in self._allowed)]

    def allow(self, pattern: str) -> None:
        """Expect faults whose text matches, also those that were noted already."""
        self._allowed.append(re.compile(pattern))

    def watch(self, context: BrowserContext, address: str) -> None:
        """Note the faults of all pages of a context.

        Args:
            context: of the browser.
            address: `http://HOST:PORT` of the server, the only one that pages may use.
        """
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self._found.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self._note_host(request, urlsplit(address).netloc))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"error: {message.text} at {message.location['url']}")

    def _note_host(self, request: Request, host: str) -> None:
        found = urlsplit(request.url)
        if found.scheme not in _WITHOUT_HOST and found.netloc != host:
            self._found.append(f"another host: {request.url}")
