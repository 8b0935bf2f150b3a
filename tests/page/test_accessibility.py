"""The page for everyone: what axe-core finds, keys alone, narrow screens, no motion where none is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.page_views import fill, go, take_time_between_keys

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox

SERIOUS = {"serious", "critical"}
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
MOST_STOPS = 200
MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
    const style = getComputedStyle(one);
    return [style.transitionDuration, style.animationDuration].some((word) => parseFloat(word) > 0.01);
}).map((one) => one.outerHTML.slice(0, 200))"""
# Texts of which a part is not shown, without a title that has all of it.
CUT = """() => [...document.querySelectorAll("body :not(.visually-hidden, .list-header *, pre)")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible")
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE))
    .filter((one) => one.checkVisibility({visibilityProperty: true}))
    .filter((one) => !one.closest("[title]") && !one.querySelector("[title]"))
    .map((one) => `cut: ${one.outerHTML.slice(0, 200)}`)"""
# Elements that keys should reach and have not, once `NOTE` has marked those that they did.
MISSED = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({visibilityProperty: true}))
    .filter((one) => one.type !== "radio" || one.checked)
    .filter((one) => !("reached" in one.dataset)).map((one) => one.outerHTML.slice(0, 200))"""
# Stops what a view draws from time to time, or lets it go on: what is drawn anew has lost its mark.
REST = "isHidden => Object.defineProperty(document, 'hidden', {configurable: true, get: () => isHidden})"
# Marks the focused element, which must look focused; null: the focus has left the document.
NOTE = """() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    one.dataset.reached = "";
    const style = getComputedStyle(one);
    const isShown = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return isShown ? "" : one.outerHTML.slice(0, 200);
}"""


def barriers(page: Page) -> list[str]:
    """Find what axe-core calls serious or critical."""
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", PHONE)], ids=["light", "dark and narrow"]
)
def test_views_have_no_barriers(
    nox: Nox, visit: Visit, faults: Faults, scheme: str, size: dict[str, Any]
) -> None:
    """
    axe-core finds nothing serious in any view, nothing is wider than the screen, no text is cut without a
    title, and nothing moves.
    """
    faults.allow("status of 404 .*/log$")
    with nox.store() as store:
        filled = fill(store, "a name of some length, as those of conformers often are")
    page = visit(reduced_motion="reduce", color_scheme=scheme, viewport=size)
    found: dict[str, list[str]] = {}
    for route in ("#/submit", *filled.routes):
        go(page, route)
        found[route] = [*barriers(page), *page.evaluate(MOVING), *page.evaluate(CUT)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > size["width"]:
            found[route].append(f"{wide} pixels wide")

    assert {} == {route: faults for route, faults in found.items() if faults}


def test_keys_reach_all_of_a_view(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    Tab reaches each link, button and field, shows where it is, and leaves the view at its end.
    """
    faults.allow("status of 404 .*/log$")
    with nox.store() as store:
        filled = fill(store)
    page = visit("#/submit")
    found: dict[str, list[str]] = {}
    for route in filled.routes[:6]:
        page.evaluate(REST, False)
        go(page, route)
        page.evaluate(REST, True)
        page.locator(".skip").focus()
        looks: list[str] = []
        while len(looks) < MOST_STOPS and (look := page.evaluate(NOTE)) is not None:
            looks.append(look)
            page.keyboard.press("Tab")
        found[route] = [*page.evaluate(MISSED), *filter(None, looks)]

    assert {} == {route: faults for route, faults in found.items() if faults}


def test_keys_alone_lead_through_the_page(nox: Nox, visit: Visit) -> None:
    """
    Shortcuts go to each view; in the list of jobs, arrows choose and Enter opens; Escape closes a dialog.
    """
    with nox.store() as store:
        filled = fill(store)
    page = visit()
    take_time_between_keys(page)
    for keys, heading in (("gw", "Workers"), ("gs", "Submit"), ("go", "Overview"), ("gj", "Jobs")):
        for key in keys:
            page.keyboard.press(key)
        expect(page.locator("main h1")).to_have_text(heading)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    assert all(words.strip() for words in sheet.locator("dd").all_text_contents())
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(page.locator("main").get_by_text("sample").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text("sample")
    page.keyboard.press("/")
    page.keyboard.type(f"{filled.done}")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text(f"{filled.done} sample")
