"""The page of `nox serve` in a browser: first paint, changes until they are visible, a long list, idle pages.

Run by name only: `python -m benchmarks page` takes minutes.  PAGE_JOBS: the length of the list.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from playwright.sync_api import expect

from benchmarks.figures import Figure, median, percentile
from benchmarks.ground import Ground, clean_environ, until
from benchmarks.processes import cpu_seconds
from nox_cli.tokens.codes import new_code
from tests.support.browser import LIMIT_MS, chromium
from tests.support.redis_server import RedisServer, free_port
from tests.support.stores import claim, new_job, outcome, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from workers.store.base import Store

JOBS = int(os.environ.get("PAGE_JOBS", "1000000"))
OWNER = "ada"
# Changes whose way to the page is timed, and the pace at which they happen, by chance.
CHANGES, PACE_A_SECOND = 150, 4
PAGES, WATCHED_S = 20, 30.0
_AT_ONCE = 10_000
# Notes when a row of a job shows a state for the first time, in milliseconds since 1970.
_WATCH = """() => {
  window.seen = {};
  new MutationObserver(() => {
    const now = Date.now();
    for (const row of document.querySelectorAll("main [role=row]")) {
      const found = /change-[0-9a-f]+/.exec(row.textContent);
      const word = /queued|running|done/.exec(row.textContent);
      if (found && word) window.seen[`${found[0]} ${word[0]}`] ??= now;
    }
  }).observe(document.querySelector("main"), {subtree: true, childList: true, characterData: true});
}"""
_LOADED = """() => performance.getEntries().filter((one) => one.encodedBodySize !== undefined)
    .map((one) => [new URL(one.name).pathname, one.encodedBodySize])"""


class Site:
    """A `nox serve` on a port of its own, over a store of its own, which can both be restarted."""

    def __init__(self, home: Path, redis: RedisServer | None) -> None:
        self.redis = redis
        url = redis.url if redis else None
        self.ground = Ground(clean_environ(home, url) | {"NOX_USER": OWNER}, home, url)
        self.address = f"http://127.0.0.1:{free_port()}"
        self.start()

    @property
    def kind(self) -> str:
        """The name of the store."""
        return "redis" if self.redis else "local"

    @property
    def server_s(self) -> float:
        """The processor time of the server and of Redis so far."""
        return cpu_seconds(self.process.pid) + (cpu_seconds(self.redis.pid) if self.redis else 0.0)

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        log = self.ground.home / "serve.log"
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nox_cli", "serve", "--bind", self.address.removeprefix("http://")],
                env=self.ground.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        until(lambda: "token of this server" in log.read_text(), "a server")

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(30)

    def visit(self, context: BrowserContext, route: str = "#/") -> Page:
        """Open a page and sign in."""
        context.set_default_timeout(LIMIT_MS)
        page = context.new_page()
        page.goto(f"{self.address}/#code={new_code(self.ground.home)}")
        expect(page.locator("#account")).to_be_visible()
        page.evaluate("route => { location.hash = route; }", route)
        return page


@contextmanager
def site(kind: str) -> Iterator[Site]:
    """Serve one store."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        home = Path(folder)
        redis = RedisServer(home) if kind == "redis" else None
        made = Site(home, redis)
        try:
            yield made
        finally:
            made.stop()
            if redis:
                redis.close()


def measure() -> list[Figure]:
    """Measure both stores with one browser."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as home, chromium(Path(home)) as browser:
        for kind in ("redis", "local"):
            with site(kind) as served, closing(served.ground.store()) as store:
                figures += first_paint(served, browser)
                figures += changes(served, store, browser)
                figures += idle(served, browser)
            with site(kind) as served, closing(served.ground.store()) as store:
                figures += long_list(served, store, browser)
    return figures


def first_paint(served: Site, browser: Browser) -> Iterator[Figure]:
    """Measure what is loaded until the overview is there."""
    with browser.new_context() as context:
        page = served.visit(context)
        expect(page.locator("main h1")).to_have_text("Overview")
        expect(page.locator("main .skeleton")).to_have_count(0)
        found = page.evaluate(_LOADED)
        files = [size for path, size in found if path == "/" or path.startswith("/page/")]
        yield Figure(f"{served.kind}, first paint, files", sum(files) / 1_000, "kB", 200)
        yield Figure(f"{served.kind}, first paint, requests for files", len(files), "")
        yield Figure(f"{served.kind}, first paint, requests for data", len(found) - len(files), "")


def changes(served: Site, store: Store, browser: Browser) -> Iterator[Figure]:
    """Time changes of jobs until they are in the document: at first, and after each end was restarted."""
    with browser.new_context() as context:
        page = served.visit(context, "#/jobs")
        expect(page.locator("main h1")).to_have_text("Jobs")
        page.evaluate(_WATCH)
        yield from _timed(served, store, page, "")
        served.stop()
        expect(page.locator("#connection")).not_to_have_text("live")
        served.start()
        yield from _timed(served, store, page, ", after a restart of the server")
        if served.redis:
            served.redis.stop()
            expect(page.locator("#connection")).not_to_have_text("live")
            served.redis.start()
            yield from _timed(served, store, page, ", after a restart of Redis")


def _timed(served: Site, store: Store, page: Page, when: str) -> Iterator[Figure]:
    expect(page.locator("#connection")).to_have_text("live")
    made: dict[str, float] = {}
    before, began = served.server_s, time.monotonic()
    for _ in range(CHANGES // 3):
        name = f"change-{uuid4().hex}"
        submit(store, new_job(name))
        _note(made, f"{name} queued")
        lease = claim(store).lease
        _note(made, f"{name} running")
        store.finish(lease, outcome())
        _note(made, f"{name} done")
    used = 100 * (served.server_s - before) / (time.monotonic() - began)
    page.wait_for_function("last => last in window.seen", arg=next(reversed(made)))
    seen: dict[str, float] = page.evaluate("seen")
    late = [seen[change] - at for change, at in made.items() if change in seen]
    # A state that ended before its row was read was never on the page.
    lost = sum(change not in seen for change in made)
    yield Figure(f"{served.kind}, change to page{when}, p50", median(late), "ms")
    yield Figure(f"{served.kind}, change to page{when}, p95", percentile(late, 0.95), "ms", 200)
    yield Figure(f"{served.kind}, change to page{when}, longest", max(late), "ms")
    yield Figure(f"{served.kind}, changes that another one overtook{when}", 100 * lost / len(made), "%")
    yield Figure(f"{served.kind}, {PACE_A_SECOND} changes/s on a page, server and store", used, "% of a core")


def _note(made: dict[str, float], change: str) -> None:
    """Note when a change was made, and wait for the next."""
    made[change] = time.time() * 1_000
    time.sleep(random.expovariate(PACE_A_SECOND))


def idle(served: Site, browser: Browser) -> Iterator[Figure]:
    """Measure the server while pages are open and nothing happens."""
    contexts = [browser.new_context() for _ in range(PAGES)]
    for context in contexts:
        expect(served.visit(context).locator("#connection")).to_have_text("live")
    time.sleep(3)
    before = cpu_seconds(served.process.pid)
    time.sleep(WATCHED_S)
    used = 100 * (cpu_seconds(served.process.pid) - before) / WATCHED_S
    for context in contexts:
        context.close()
    yield Figure(f"{served.kind}, {PAGES} open pages, nothing happens, server", used, "% of a core", 1)


def long_list(served: Site, store: Store, browser: Browser) -> Iterator[Figure]:
    """Measure a list of very many jobs: its first rows, its end, and the size of the document."""
    for start in range(0, JOBS, _AT_ONCE):
        jobs = [new_job(f"mol{number:07}") for number in range(start, min(JOBS, start + _AT_ONCE))]
        store.submit(jobs, submission=uuid4().hex)
    what = f"{served.kind}, list of {JOBS:,}"
    with browser.new_context() as context:
        page = served.visit(context)
        expect(page.locator("#connection")).to_have_text("live")
        before, began = served.server_s, time.monotonic()
        page.evaluate("location.hash = '#/jobs'")
        expect(page.get_by_text(f"mol{JOBS - 1:07}")).to_be_visible()
        yield Figure(f"{what}, first rows", time.monotonic() - began, "s", 1)
        yield Figure(f"{what}, first rows, server and store", served.server_s - before, "s", 0.2)
        before, began = served.server_s, time.monotonic()
        page.get_by_role("grid").focus()
        page.keyboard.press("End")
        expect(page.get_by_text("mol0000000")).to_be_visible()
        yield Figure(f"{what}, to the end", time.monotonic() - began, "s", 1)
        yield Figure(f"{what}, to the end, server and store", served.server_s - before, "s", 0.2)
        yield Figure(f"{what}, elements of the document", page.locator("*").count(), "", 2_000)
