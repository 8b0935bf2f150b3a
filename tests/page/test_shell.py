"""The frame of the page: signing in, the header, keys, the theme, and the connection in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import expect

from nox_cli.tokens.codes import new_code
from tests.support.browser import NO_SERVER, wait_in
from tests.support.page_views import take_time_between_keys

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.server import Serve, Server

NO_SESSION = "status of 401"
# Keeps a page from the server until a person presses something.
WAIT_FOR_CLICK = """() => {
    const ask = window.fetch;
    window.fetch = () => Promise.reject(new TypeError("nothing was pressed"));
    addEventListener("click", () => { window.fetch = ask; }, {capture: true, once: true});
}"""
ASK = "path => import('./page/lib/api.js').then(({get}) => get(path)).then((found) => found.owner)"


def test_a_link_leads_to_a_view(page: Page) -> None:
    """
    Going to a view moves the focus to its heading, names it in the title and marks its link; the header fits
    into any window.
    """
    page.get_by_role("link", name="Workers").click()

    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title("Workers · nox")
    expect(page.locator("header [aria-current=page]")).to_have_text("Workers")
    page.go_back()
    expect(page).to_have_title("Overview · nox")
    page.evaluate("document.querySelector('#account .who').textContent = 'a.very.long.name@example.org'")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        wait_in(page, "width => innerWidth === width", width)
        assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_view_that_is_left_early_leaves_the_focus_to_the_next(page: Page) -> None:
    """
    Somebody who goes on before the first view is there finds the focus at the heading of the second.
    """
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/views/overview.js", hold)
    page.reload(wait_until="commit")
    expect(page.locator("#account")).to_be_visible()
    page.get_by_role("link", name="Workers").click()

    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert held


def test_keys_lead_to_views(page: Page) -> None:
    """
    The first key leads past the header; two letters go to a view; `?` lists all, and Escape closes the list.
    """
    take_time_between_keys(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_title("Overview · nox")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page).to_have_title("Workers · nox")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to the jobs")
    page.keyboard.press("g")  # none of them while a dialog is open
    page.keyboard.press("o")
    expect(page).to_have_title("Workers · nox")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_keys_are_letters_in_a_field(page: Page, faults: Faults) -> None:
    """
    `/` goes to the search, in which keys are what is typed; it leads to the job of a number, or to the jobs
    whose names contain a word or match a pattern.
    """
    faults.allow("status of 404")  # there is no job 42
    page.keyboard.press("/")
    field = page.get_by_label("Find a job by number or name")
    expect(field).to_be_focused()
    page.keyboard.type("g w?42")
    expect(field).to_have_value("g w?42")
    expect(page).to_have_title("Overview · nox")
    field.fill("42")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/jobs/42")
    for word, address in [("ben zene", "name=*ben%20zene*"), ("conf_?", "name=conf_%3F")]:
        field.fill(word)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{page.url.partition('#')[0]}#/jobs?{address}")


def test_a_view_that_comes_late_leaves_the_search_alone(page: Page) -> None:
    """
    Somebody who types into the search while a view is on its way goes on typing there once it is shown.
    """

    def type_meanwhile(view: Route) -> None:
        page.keyboard.press("/")
        page.keyboard.type("g")
        view.continue_()

    page.route("**/views/jobs.js", type_meanwhile)
    page.get_by_role("link", name="Jobs", exact=True).click()

    expect(page).to_have_title("Jobs · nox")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.type("w?")
    expect(page.get_by_label("Find a job by number or name")).to_have_value("gw?")


def test_the_theme_is_chosen(visit: Visit) -> None:
    """
    Without a choice the system's theme holds; a choice holds after the page is loaded again.
    """
    page = visit(color_scheme="dark")
    root = page.locator(":root")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.locator("#account").click()
    page.get_by_label("light").check()
    chosen = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert before != chosen
    expect(root).to_have_attribute("data-theme", "light")
    assert chosen == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#account").click()
    page.get_by_label("system").check()
    assert before == page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_page_continues_after_the_session_ended(page: Page, server: Server, faults: Faults) -> None:
    """
    A request that meets an ended session gets its answer once somebody has signed in, and the page stays.
    """
    faults.allow(NO_SESSION)
    page.get_by_label("Find a job by number or name").fill("begun")
    page.context.clear_cookies()
    page.evaluate(f"path => {{ window.asked = ({ASK})(path); }}", "session")

    form = page.get_by_role("dialog", name="Sign in to nox")
    expect(form).to_contain_text("nox serve link")
    page.keyboard.press("Escape")  # nothing to see without a session
    expect(form).to_be_visible()
    form.get_by_label("Link, code or token").fill(f"{server.url}/#code={new_code(server.nox.home)}")
    page.keyboard.press("Enter")

    expect(form).to_have_count(0)
    assert page.evaluate("window.asked")
    expect(page.get_by_label("Find a job by number or name")).to_have_value("begun")


def test_a_used_link_names_the_way_in(visit: Visit, server: Server, faults: Faults) -> None:
    """
    The code of a link is in the address no longer, and works once: the form names what to type instead.
    """
    faults.allow(NO_SESSION)
    page = visit()
    page.context.clear_cookies()
    page.evaluate("localStorage.clear()")
    code = new_code(server.nox.home)
    page.goto("about:blank")
    page.goto(f"{server.url}/#code={code}")
    expect(page.locator("#account")).to_be_visible()
    assert page.url == f"{server.url}/#/"
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(f"{server.url}/#code={code}")

    form = page.get_by_role("dialog", name="Sign in to nox")
    expect(form.get_by_role("alert")).to_contain_text("The code is not valid: it was used")
    assert code not in page.url


def test_tabs_share_a_session(page: Page, faults: Faults) -> None:
    """
    A second tab needs no link; signing out in one ends what the other shows.
    """
    faults.allow(NO_SESSION)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#account")).to_be_visible()

    page.locator("#account").click()
    page.get_by_role("button", name="Sign out").click()

    for tab in (page, other):
        expect(tab.get_by_role("dialog", name="Sign in to nox")).to_be_visible()
        expect(tab.get_by_role("heading", level=1)).to_have_count(0)


def test_the_header_names_a_lost_server(page: Page, server: Server, serve: Serve, faults: Faults) -> None:
    """
    The header has in words whether the page is live, and since when not; it comes back by itself.
    """
    faults.allow(NO_SERVER)
    state = page.locator("#connection")
    expect(state).to_have_text("live")
    server.stop()
    expect(state).to_contain_text("server unreachable since")
    page.evaluate(WAIT_FOR_CLICK)
    serve(server.nox, "--bind", urlsplit(server.url).netloc)
    state.get_by_role("button", name="try now").click()

    expect(state).to_have_text("live")
