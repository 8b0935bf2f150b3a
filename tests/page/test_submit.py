"""Submitting jobs in the page: files and options, their check, lost answers, and who may not."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.support.browser import both_stores

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.server import Server

WATER = "3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
HYDROXIDE = "2\n\nO 0 0 0\nH 0 0 0.97\n"
BAD = "1\n\nXx 0 0 0\n"
DROP = """files => {
    const dataTransfer = new DataTransfer();
    for (const [name, text] of Object.entries(files)) {
        dataTransfer.items.add(new File([text], name));
    }
    document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""


def choose(page: Page, **files: str) -> None:
    """Choose files; `a_xyz` is `a.xyz`."""
    chosen: Any = [
        {"name": ".".join(name.rsplit("_", 1)), "mimeType": "", "buffer": text.encode()}
        for name, text in files.items()
    ]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(chosen)


def jobs(server: Server) -> list[dict[str, Any]]:
    """List the jobs in the store, oldest first."""
    with server.client() as client:
        found: list[dict[str, Any]] = client.get("/jobs").json()["items"]
    return found[::-1]


@both_stores
def test_files_and_options_become_the_jobs_that_the_command_makes(
    visit: Visit, server: Server, tmp_path: Path
) -> None:
    """
    The form shows what would be computed and the command that does the same; nothing is stored before Submit.
    """
    page = visit("#/submit")
    choose(page, water_xyz=WATER, ion_xyz=HYDROXIDE, ion_CHRG="-1")
    page.get_by_label("Optimise", exact=True).check()
    page.get_by_label("Convergence").select_option("tight")
    page.get_by_label("Solvation").select_option("alpb")
    page.get_by_label("Solvent", exact=True).select_option("water")
    page.get_by_label("Batch").fill("a batch")

    expect(page.get_by_role("row", name="ion.xyz")).to_contain_text(re.compile(r"HO.*-1 ion\.CHRG.*10"))
    expect(page.get_by_role("button", name="Submit 2 jobs")).to_be_visible()
    expect(page.get_by_role("figure", name="water.xyz")).to_be_visible()
    assert [] == jobs(server)
    shown = page.locator(".command code").inner_text()
    page.get_by_role("button", name="Submit 2 jobs").click()
    expect(page.get_by_role("heading", name="2 jobs submitted")).to_be_focused()
    expect(page.get_by_role("link", name="Open the batch a batch")).to_be_visible()

    for name, text in (("water.xyz", WATER), ("ion.xyz", HYDROXIDE), ("ion.CHRG", "-1")):
        (tmp_path / name).write_text(text)
    server.nox(*shlex.split(shown)[1:], "--json", cwd=tmp_path, check=True)
    ours, theirs = jobs(server)[:2], jobs(server)[2:]
    assert ["water", "ion"] == [job["name"] for job in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert spec(server, other) == spec(server, one)
        assert "a batch" == one["batch"] == other["batch"]


def spec(server: Server, job: dict[str, Any]) -> Any:
    """Read the specification of a job."""
    with server.client() as client:
        return client.get(f"/jobs/{job['job_id']}").json()["spec"]


def test_a_refused_file_is_shown_with_line_and_column(visit: Visit, server: Server, faults: Faults) -> None:
    """
    A refusal is next to its file, and the option that leaves it out is named; once the file is removed, the
    others are submitted.
    """
    faults.allow("422")
    page = visit("#/submit")
    choose(page, good_xyz=WATER, bad_xyz=BAD)

    expect(page.get_by_role("row", name='bad.xyz:3:1: "Xx" is not an element')).to_be_visible()
    expect(page.get_by_text("--skip-bad submits the others")).to_be_visible()
    page.get_by_role("button", name="Remove bad.xyz").click()
    page.get_by_role("button", name="Submit 1 job").click()

    expect(page.get_by_role("link", name="Open the job")).to_be_visible()
    assert ["good"] == [job["name"] for job in jobs(server)]


def test_faults_of_the_form_are_summarised_and_lead_to_their_fields(visit: Visit, faults: Faults) -> None:
    """
    Submit of a form with faults names them, focuses the summary, and each link leads to its field.
    """
    faults.allow("400")
    page = visit("#/submit")
    page.get_by_label("Cores").fill("0")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("There is no structure")).to_be_visible()
    page.get_by_role("link", name="Cores").click()
    expect(page.get_by_label("Cores")).to_be_focused()


def test_an_option_that_the_server_refuses_is_marked(visit: Visit, faults: Faults) -> None:
    """
    Options that contradict each other are explained as one types; a link leads to the field, which is marked.
    """
    faults.allow("400")
    page = visit("#/submit?cycles=5")
    choose(page, water_xyz=WATER)

    expect(page.get_by_text("--cycles limits an optimisation, and none is asked for")).to_be_visible()
    expect(page.get_by_label("--cycles")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("link", name="Go to --cycles").click()
    expect(page.get_by_label("--cycles")).to_be_focused()
    page.get_by_label("Optimise", exact=True).check()
    expect(page.get_by_role("button", name="Submit 1 job")).to_be_visible()


def test_a_link_fills_the_form_and_submits_nothing(visit: Visit, server: Server, faults: Faults) -> None:
    """
    The options are words of the address, as of the command; a link fills them in.
    """
    faults.allow("status of 422 .*chrg=-1")  # a radical, which is checked unless the charge goes at once
    page = visit("#/submit?ohess=tight&gbsa=thf&tag=a=b&tag=c=d&chrg=-1&smiles=CCO&hold=true")

    expect(page.get_by_label("Optimise + frequencies")).to_be_checked()
    expect(page.get_by_label("Solvent", exact=True)).to_have_value("thf")
    expect(page.get_by_label("Tags")).to_have_value("a=b\nc=d")
    expect(page.locator(".command code")).to_have_text(
        "nox submit --ohess --gbsa thf --tag a=b --tag c=d --chrg=-1 --smiles CCO --hold"
    )
    page.get_by_label("Charge").fill("")
    expect(page.get_by_role("button", name="Submit 1 job")).to_be_visible()
    expect(page).to_have_url(
        re.compile(r"#/submit\?ohess=tight&gbsa=thf&tag=a=b&tag=c=d&smiles=CCO&hold=true$")
    )
    assert [] == jobs(server)


def test_a_lost_answer_makes_no_second_job(visit: Visit, server: Server, faults: Faults) -> None:
    """
    A submit whose answer is lost says so, and is repeated with the same key: the jobs are stored once.
    """
    faults.allow("Failed to load resource")
    page = visit("#/submit")
    choose(page, water_xyz=WATER, ion_xyz=HYDROXIDE)
    page.get_by_label("Unpaired").fill("auto")
    button = page.get_by_role("button", name="Submit 2 jobs")
    expect(button).to_be_visible()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(re.compile(r"/jobs\?"), lose, times=1)
    button.click()
    expect(page.get_by_text("jobs that are stored already are not made twice")).to_be_visible()
    assert 2 == len(jobs(server))
    page.get_by_role("button", name=re.compile("^Submit")).click()

    expect(page.get_by_role("heading", name="2 jobs submitted")).to_be_visible()
    assert 2 == len(jobs(server))


def test_many_files_are_sent_in_parts_as_one_batch(visit: Visit, server: Server, faults: Faults) -> None:
    """
    What one request cannot carry is sent in several; a store that fails in the middle is explained, and the
    repeated submit stores the rest.
    """
    faults.allow("Failed to load resource")
    page = visit()

    def fewer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "most_jobs": 2})

    page.route("**/choices", fewer)
    page.evaluate("location.hash = '#/submit'")
    choose(page, **{f"w{number}_xyz": WATER for number in range(5)})
    expect(page.get_by_text("w0.xyz and w1.xyz and 3 more are the same")).to_be_visible()
    expect(page.get_by_text("They are sent in 3 requests")).to_be_visible()
    failed = {"status": 503, "code": "unreachable", "detail": "the store went", "hint": None, "jobs": [{}]}
    sent = 0

    def fail(route: Route) -> None:
        nonlocal sent
        sent += 1
        if sent == 2:
            route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(failed))
        else:
            route.continue_()

    page.route(re.compile(r"/jobs\?"), fail)
    page.get_by_role("button", name="Submit 5 jobs").click()
    expect(page.get_by_text("3 jobs of this submit are stored")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Submit")).click()

    expect(page.get_by_role("heading", name="5 jobs submitted")).to_be_visible()
    stored = jobs(server)
    assert [f"w{number}" for number in range(5)] == [job["name"] for job in stored]
    assert 1 == len({job["batch"] for job in stored})


def test_files_dropped_on_any_view_and_pasted_texts_are_taken(page: Page, faults: Faults) -> None:
    """
    A drop on another view opens the form with the files; a pasted text becomes a file of its format.
    """
    faults.allow("422")  # a radical, until its spin is given
    page.evaluate(DROP, {"a.xyz": WATER, "same.xyz": WATER})
    expect(page.get_by_role("button", name="Submit 2 jobs")).to_be_visible()

    page.evaluate(DROP, {"a.xyz": HYDROXIDE})
    expect(page.get_by_text("a.xyz was replaced")).to_be_visible()
    page.get_by_label("Unpaired").fill("auto")
    page.get_by_text("Paste a structure").click()
    page.get_by_label("Text of a file").fill(WATER)
    page.get_by_role("button", name="Add").click()

    expect(page.get_by_role("row", name="pasted.xyz")).to_be_visible()
    page.get_by_role("button", name="pasted.xyz", exact=True).click()
    expect(page.get_by_role("figure", name="pasted.xyz")).to_be_visible()


def test_a_token_that_only_reads_sees_why_the_form_is_off(visit: Visit, server: Server) -> None:
    """
    With the scope read the form is disabled, and says why.
    """
    made = server.nox("token", "new", "reader", "--scope", "read", "--json", check=True)
    page = visit("#/submit", token=json.loads(made.stdout)["secret"])

    expect(page.get_by_text("Your token may read jobs only")).to_be_visible()
    expect(page.get_by_role("button", name="Choose files")).to_be_disabled()
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_disabled()
