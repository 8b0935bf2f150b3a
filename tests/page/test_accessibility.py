"""The page for everyone: what axe-core finds, keys alone, narrow screens, and no motion where none is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.page_views import fill

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.page.conftest import Visit
    from tests.support.nox import Nox

SERIOUS = {"serious", "critical"}
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


def barriers(page: Page) -> list[str]:
    """Find what axe-core calls serious or critical."""
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in SERIOUS
    ]


def test_views_have_no_barriers(nox: Nox, visit: Visit) -> None:
    with nox.store() as store:
        filled = fill(store)
    page = visit(reduced_motion="reduce")
    found = []
    import time

    for route in filled.routes:
        page.evaluate("route => { location.hash = route; }", route)
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main .skeleton")).to_have_count(0)
        for scheme, size in (("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            t = time.time()
            found += [f"{route} {scheme} {size['width']}: {b}" for b in barriers(page)]
            print(route, time.time() - t)
            page.screenshot(path=f"/tmp/browser/{route.replace('/', '_')}-{scheme}-{size['width']}.png")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > size["width"]:
                found.append(f"{route} {size['width']}: scrolls {wide}")
    assert not found, "\n".join(found)
