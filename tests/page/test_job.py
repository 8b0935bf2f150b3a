"""One job in the page: its numbers, its structure in three dimensions, its course, log and files."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.support.browser import DRAWN, LIMIT_MS, away, both_stores, wait_in
from tests.support.ended import complete, done, fail, run_badly, run_well, water, xyz
from tests.support.stores import artifact, claim, served, submit, submit_named
from tests.support.waiting import wait_until
from workers.job import Parent, Progress, Reason
from workers.machine import host
from workers.runtime.artifacts import live_log
from workers.store.values import Point

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Locator, Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from workers.store.values import Artifact

NUMBERS: dict[str, Any] = {
    "charges_e": [-0.56, 0.28, 0.28],
    "bond_orders": [[1, 2, 0.921], [1, 3, 0.921]],
    "orbitals": {
        "energies_ev": [-18.2, -15.1, -13.4, -12.0, 2.0, 4.5],
        "occupations": [2.0, 2.0, 2.0, 2.0, 0.0, 0.0],
    },
}
MODES: dict[str, Any] = {
    "frequencies_cm1": [-66.3, 1640.0, 3650.0],
    "ir_intensities_km_per_mol": [1.0, 120.0, 9.0],
    "imaginary_modes": 1,
    "imaginary_cutoff_cm1": -20.0,
    "lowest_mode_cm1": -66.3,
    "gradients": 18,
    "step_bohr": 0.005,
}
# The share of the stage's height from the highest pixel that is not background to the lowest.
HEIGHT_DRAWN = """() => {
    const drawn = document.querySelector(".molecule-stage canvas");
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [drawn.width, drawn.height];
    const context = copy.getContext("2d");
    context.drawImage(drawn, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, copy.width, copy.height).data.buffer);
    const places = [...pixels.keys()].filter((place) => pixels[place] !== pixels[0]);
    const rows = places.map((place) => Math.floor(place / copy.width));
    return rows.length ? (rows.at(-1) - rows[0] + 1) / copy.height : 0;
}"""
GAS: dict[str, Any] = {
    "temperature_k": 298.15,
    "pressure_pa": 100_000.0,
    "symmetry_number": 2,
    "symmetry_number_origin": "detected",
    "mass_u": 18.015,
    "moments_of_inertia_u_angstrom2": [0.6, 1.2, 1.8],
    "rotor_cutoff_cm1": 50.0,
    "zpe_hartree": 0.02,
    "enthalpy_hartree": -5.0,
    "entropy_hartree_per_k": 0.02 / 298.15,
    "gibbs_hartree": -5.02,
    "entropy_rrho_hartree_per_k": 0.02 / 298.15,
    "gibbs_rrho_hartree": -5.02,
}
PHONE = {"width": 390, "height": 844}
# How many answers with steps the page has.
POINTS_READ = "performance.getEntriesByType('resource').filter((one) => /points$/.test(one.name)).length"


def trajectory(frames: int) -> Artifact:
    """Make the path of an optimisation of water, whose bonds become shorter."""
    return artifact(
        "trajectory.xyz",
        "".join(
            f"3\nenergy={-5.0 - step / 1e3:.12f} gnorm={0.2 / step:.9f} nox=0.1.0\n"
            f"O 0 0 0.1\nH 0 {0.9 - step / 1e4:.6f} -0.4\nH 0 {step / 1e4 - 0.9:.6f} -0.4\n"
            for step in range(1, frames + 1)
        ),
    )


def stage(page: Page) -> Locator:
    """Find the molecule."""
    return page.get_by_role("img", name=re.compile("atoms"))


def open_command(page: Page, text: str) -> Locator:
    """Find a command that is offered to copy."""
    return page.locator(".command code", has_text=re.compile(f"^{re.escape(text)}$"))


def test_job_shows_its_numbers(nox: Nox, visit: Visit) -> None:
    """
    Energies come in the unit that is chosen, which the address keeps; charges, levels and modes are tables.
    """
    with nox.store() as store:
        job = water(kind="hess", spec={"kind": "hess", "opt_level": None})
        complete(store, job, convergence=None, vibrations=MODES, warnings=["1 imaginary mode"], **NUMBERS)
    page = visit("#/jobs/1")

    expect(page.get_by_role("heading", name="1 water")).to_be_visible()
    expect(page.get_by_text("frequencies · GFN2-xTB · gas phase · 298.15 K")).to_have_count(0)
    expect(page.get_by_text("-5.07054412 Eh")).to_be_visible()
    expect(page.get_by_text("1 imaginary mode", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"Orbital levels: .* HOMO -12\.000 eV"))).to_be_visible()
    expect(page.get_by_text("HOMO -12.000 eV", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="1 -66.30 1.00 imaginary")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("IR spectrum, lines 20 cm-1 wide"))).to_be_visible()
    page.get_by_label("Unit").select_option("kcal")
    expect(page.get_by_text("-3181.8145 kcal/mol")).to_be_visible()
    expect(page).to_have_url(re.compile("unit=kcal"))
    expect(open_command(page, "nox results 1 --unit kcal")).to_be_visible()
    page.get_by_label("Width of the lines").select_option("50")
    expect(open_command(page, "nox plot 1 --kind ir --width 50")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("IR spectrum, lines 50 cm-1 wide"))).to_be_visible()
    page.get_by_text("Bonds").last.click()
    expect(page.get_by_role("row", name="O1-H2 0.921")).to_be_visible()


def test_job_free_energy_has_one_unit_and_its_conditions(nox: Nox, visit: Visit) -> None:
    """
    Temperature, pressure and entropy are in the words of the terminal and in the unit of the energies.
    """
    with nox.store() as store:
        complete(store, water(kind="ohess"), vibrations=MODES | {"imaginary_modes": 0}, thermochemistry=GAS)
    page = visit("#/jobs/1?unit=kcal")

    words = "298.15 K, 100000 Pa, symmetry number 2 (detected), TS 12.5502 kcal/mol"
    expect(page.get_by_text(words)).to_be_visible()


def test_job_names_changed_bonds_once(nox: Nox, visit: Visit) -> None:
    """
    Bonds that changed are one warning, in the words of the terminal, and marked in the table of bonds.
    """
    with nox.store() as store:
        changed = {"bonds_changed": {"formed": [[1, 3]], "broken": [[2, 3]]}}
        complete(store, water(), warnings=["bonds changed: H3 moved H2 -> O1"], **NUMBERS | changed)
    page = visit("#/jobs/1")

    expect(page.locator("dd", has_text="-5.07054412 Eh")).to_be_visible()
    expect(page.get_by_text(re.compile("bonds changed", re.IGNORECASE))).to_have_count(1)
    page.get_by_text("Bonds 3 rows").click()
    expect(page.get_by_role("row", name="O1-H3 0.921 formed")).to_be_visible()
    expect(page.get_by_role("row", name="H2-H3 broken")).to_be_visible()


def test_job_path_is_played_and_measured(nox: Nox, visit: Visit) -> None:
    """
    A slider goes from the start over 1,000 steps to the end; atoms are measured by number, and by arrow keys
    the molecule is turned.  A picture can be saved.
    """
    with nox.store() as store:
        complete(store, water(), xyz("water"), trajectory(1_000), **NUMBERS)
    page = visit("#/jobs/1")
    slider, atoms = page.get_by_label("Step", exact=True), page.get_by_label("Atoms to measure")

    expect(stage(page)).to_have_attribute("aria-label", re.compile("3 atoms, H2O, end"))
    expect(slider).to_have_attribute("max", "1001")
    atoms.fill("2 1 3 9")
    atoms.press("Enter")
    expect(page.get_by_text("H2\N{EN DASH}O1\N{EN DASH}H3 108.92°")).to_be_visible()
    slider.fill("500")
    expect(slider).to_have_attribute("aria-valuetext", "step 500 of 1000 · -5.50000000 Eh")
    atoms.fill("1 2")
    atoms.press("Enter")
    expect(page.get_by_text("O1\N{EN DASH}H2 0.9862 Å")).to_be_visible()
    stage(page).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(atoms).to_have_value("")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    slider.fill("0")
    page.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_attribute("aria-valuetext", re.compile("start"))
    page.get_by_role("button", name="Pause").click()


def test_job_shows_all_atoms_of_a_molecule(nox: Nox, visit: Visit) -> None:
    """
    A molecule that is as deep as it is wide fits the stage, and fills most of it.
    """
    symbols = ["C"] * 6
    places = [[9.0, 0.0, 0.0], [-9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, -9.0, 0.0], [0.0, 0.0, 9.0]]
    structure = {"symbols": symbols, "positions_angstrom": [*places, [0.0, 0.0, -9.0]]}
    with nox.store() as store:
        submit(store, water(spec={"structure": structure}))
    page = visit("#/jobs/1")

    expect(stage(page).locator("canvas").first).to_be_visible()
    wait_in(page, f"({HEIGHT_DRAWN})() > 0")
    assert 0.6 < page.evaluate(HEIGHT_DRAWN) < 0.98


def test_job_releases_the_graphics_memory(nox: Nox, visit: Visit) -> None:
    """
    There is one WebGL context however many molecules are opened, and none once the page leaves them.
    """
    with nox.store() as store:
        for name in ("one", "two"):
            complete(store, water(name))
    page = visit("#/jobs/1")
    expect(page.locator("canvas")).to_have_count(1)  # its context is made before it is shown
    contexts = page.evaluate_handle(
        "() => { const found = []; const take = OffscreenCanvas.prototype.getContext;"
        " OffscreenCanvas.prototype.getContext = function (...words) {"
        " const made = take.apply(this, words); found.push(made); return made; }; return found; }"
    )
    for number in (2, 1, 2):
        page.evaluate(f"location.hash = '#/jobs/{number}'")
        expect(stage(page)).to_have_attribute("aria-label", re.compile(f"^{number} "))
        expect(page.locator("canvas")).to_have_count(1)
    page.evaluate("location.hash = '#/jobs'")
    expect(page.locator("canvas")).to_have_count(0)

    assert 3 == contexts.evaluate("found => found.length")
    assert contexts.evaluate("found => found.every((one) => one.isContextLost())")


def test_job_without_webgl_is_a_table(nox: Nox, visit: Visit) -> None:
    """
    A browser that cannot draw in three dimensions shows a remark and all atoms.
    """
    with nox.store() as store:
        complete(store, water(), **NUMBERS)
    page = visit()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    page.goto("about:blank")
    page.go_back()
    page.evaluate("location.hash = '#/jobs/1'")

    expect(page.get_by_text("WebGL is off")).to_be_visible()
    page.get_by_text("Atoms 3 rows").click()
    expect(page.get_by_role("row", name="1 O 0.000000 0.000000 0.100000 -0.5600")).to_be_visible()


@both_stores
def test_job_is_followed_as_it_runs(nox: Nox, visit: Visit) -> None:
    """
    State, steps, thresholds that are met, and lines of the log appear without a reload.
    """
    with nox.store() as store:
        (job_id,) = submit(store, water())
        page = visit("#/jobs/1")
        expect(page.locator(".job-head .badge")).to_contain_text("queued")
        log = live_log(nox.home / "artifacts", job_id, 1)
        log.parent.mkdir(parents=True)
        log.write_text("first line\n")  # else the job runs where its log cannot be read
        lease = claim(store).lease
        points = [Point(1, -5.0, 0.5), Point(2, -5.01, 0.25)]
        store.progress(lease, Progress(phase="opt", step=2, energy_hartree=-5.01), points)
        expect(page.locator(".job-head .badge")).to_contain_text("running")
        expect(page.get_by_text("|g| 2.5e-01 wanted below 1e-03")).to_be_visible()
        expect(page.get_by_label("Log", exact=True)).to_contain_text("first line")
        figure = page.get_by_role("figure").filter(has_text="Gradient and change of energy")
        expect(figure.locator(".u-over")).to_be_visible()
        store.progress(lease, Progress(phase="opt", step=3), [Point(3, -5.010001, 0.0009)])
        with log.open("a") as more:
            more.write("second line\n")
        expect(page.get_by_text("|g| 9.0e-04 ok")).to_be_visible()
        expect(page.get_by_text("|dE| 1.0e-06 ok")).to_be_visible()
        expect(page.get_by_label("Log", exact=True)).to_have_text("first line\nsecond line")
        figure.get_by_role("img").focus()
        page.keyboard.press("End")
        expect(figure.get_by_role("status").first).to_contain_text("step 3")
        store.finish(lease, done(lease, artifacts=(xyz("water"),)))
    expect(page.locator(".job-head .badge")).to_contain_text("done")
    expect(page.get_by_text("-5.07054412 Eh").first).to_be_visible()


def test_job_reads_again_what_could_not_be_read(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    The result of a job that ends while the store fails is there afterwards, without another change.
    """
    faults.allow("status of 503")
    failed: set[str] = set()

    def fail_once(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path in failed:
            route.continue_()
        else:
            failed.add(path)
            route.fulfill(**away())

    with nox.store() as store:
        (job_id,) = submit(store, water())
        page = visit("#/jobs/1")
        expect(page.locator(".job-head .badge")).to_contain_text("queued")
        page.route(re.compile(r"/(results\?|jobs/1/(points|log|citation|artifacts/|explain))"), fail_once)
        run_well(store, job_id, xyz("water"), trajectory(4), artifact("engine.log", "one line\n"))
    expect(page.get_by_text("-5.07054412 Eh").first).to_be_visible()
    expect(page.get_by_role("button", name="Copy BibTeX")).to_be_visible()
    expect(page.get_by_label("Step", exact=True)).to_have_attribute("max", "5")
    expect(page.get_by_label("Log", exact=True)).to_have_text("one line")
    expect(
        page.get_by_role("figure").filter(has_text="Gradient and change").locator(".u-over")
    ).to_be_visible()
    assert 5 == len(failed)


def test_job_is_shown_without_what_cannot_be_read(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    Parts that cannot be read leave the others; they are asked for again, and the focus stays meanwhile.
    """
    faults.allow("status of 500|ERR_FAILED")
    with nox.store() as store:
        complete(store, water(), xyz("water"), trajectory(4), artifact("engine.log", "one line\n"))
    page = visit()
    page.route("**/jobs/1/artifacts/*", lambda route: route.abort())
    page.route(re.compile(r"/(results\?|jobs/1/citation)"), lambda route: route.fulfill(status=500))
    page.evaluate("location.hash = '#/jobs/1'")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The server does not answer")
    expect(page.get_by_text("The path cannot be read: the server does not answer")).to_be_visible()
    expect(page.get_by_label("Step", exact=True)).to_have_attribute("max", "1")
    expect(page.get_by_label("Log", exact=True)).to_have_text("one line")
    again = page.get_by_role("button", name="Try again")
    again.focus()
    alert.evaluate("box => { box.isTheSame = true; }")
    with page.expect_request("**/jobs/1/artifacts/*"):
        pass
    with page.expect_request("**/jobs/1/artifacts/*"):
        page.evaluate(DRAWN)
    expect(again).to_be_focused()
    assert alert.evaluate("box => box.isTheSame")

    page.unroute_all()
    again.click()
    expect(page.get_by_text("-5.07054412 Eh").first).to_be_visible()
    expect(page.get_by_label("Step", exact=True)).to_have_attribute("max", "5")
    expect(page.get_by_role("button", name="Copy BibTeX")).to_be_visible()
    expect(alert).to_have_count(0)


def test_a_view_that_fails_again_says_so_once(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    What is said of a view that could not be shown stays, with the focus, until the view is there.
    """
    faults.allow("status of 503")
    with nox.store() as store:
        complete(store, water(), xyz("water"))
    page = visit()
    page.route("**/jobs/1", lambda route: route.fulfill(**away()))
    page.evaluate("location.hash = '#/jobs/1'")
    alert = page.get_by_role("alert")
    again = page.get_by_role("button", name="Try again")
    again.focus()
    alert.evaluate("box => { box.isTheSame = true; }")
    for _ in range(2):
        with page.expect_response("**/jobs/1"):
            pass
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    expect(again).to_be_focused()
    assert alert.evaluate("box => box.isTheSame")

    page.unroute_all()
    expect(page.get_by_text("-5.07054412 Eh").first).to_be_visible()
    expect(alert).to_have_count(0)
    expect(page.get_by_text("This view could not be shown")).to_have_count(0)


def test_job_is_shown_once_all_of_the_page_can_be_loaded(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    A file of the page that cannot be loaded is no defect of it, and the view comes by itself.
    """
    faults.allow("ERR_FAILED")
    with nox.store() as store:
        complete(store, water(), xyz("water"), trajectory(4))
    page = visit()
    page.route("**/uPlot.iife.min.js", lambda route: route.abort(), times=1)
    page.evaluate("location.hash = '#/jobs/1'")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text(re.compile("^UPlot.iife.min.js could not be loaded from the server"))

    expect(page.locator(".u-over")).to_have_count(2)
    expect(alert).to_have_count(0)


def test_job_shows_the_newest_steps(nox: Nox, visit: Visit) -> None:
    """
    Steps that were asked for while the job ran, and come after those of its end, do not replace them.
    """
    kept: list[tuple[Route, APIResponse]] = []
    with nox.store() as store:
        submit(store, water())
        lease = claim(store, f"{host()}-1-abcdef").lease
        store.progress(lease, Progress(phase="opt", step=1), [Point(1, -5.0, 0.5)])
        page = visit("#/jobs/1")
        expect(page.get_by_text("step 1", exact=True)).to_be_visible()
        page.route("**/points", lambda route: kept.append((route, route.fetch())), times=1)
        wait_until(lambda: page.title() and kept, LIMIT_MS / 1_000, "the next look")
        store.finish(lease, done(lease, artifacts=(trajectory(4),)))
    newest = page.get_by_text("step 4", exact=True)
    expect(newest).to_be_visible()
    before = page.evaluate(POINTS_READ)
    kept[0][0].fulfill(response=kept[0][1])
    wait_in(page, f"{POINTS_READ} > {before}")
    page.evaluate(DRAWN)

    expect(newest).to_be_visible()


@both_stores
def test_job_is_cancelled_by_its_button(nox: Nox, visit: Visit) -> None:
    """
    The dialog shows the command; afterwards the view has the new state and other buttons.
    """
    with nox.store() as store:
        submit(store, water())
    page = visit("#/jobs/1")
    page.get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("nox cancel 1")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()

    expect(page.locator(".job-head .badge")).to_contain_text("cancelled")
    expect(page.get_by_text("by request").first).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert "cancelled" == json.loads(nox("status", "1", "--json", check=True).stdout)["state"]


def test_job_leaves_the_focus_with_a_button(nox: Nox, visit: Visit) -> None:
    """
    A button that has the focus keeps it when the state of the job changes.
    """
    with nox.store() as store:
        submit(store, water())
        page = visit("#/jobs/1")
        cancel = page.get_by_role("button", name="Cancel")
        cancel.focus()
        store.hold(store.with_numbers(1, 1), owner=None)
        expect(page.get_by_role("button", name="Release")).to_be_visible()

    expect(cancel).to_be_focused()


def test_job_leaves_the_focus_with_its_heading(nox: Nox, visit: Visit) -> None:
    """
    Going to a job moves the focus to its heading, which keeps it when the state of the job changes.
    """
    with nox.store() as store:
        submit(store, water())
        page = visit("#/jobs/1")
        heading = page.get_by_role("heading", level=1)
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        expect(heading).to_be_focused()
        store.hold(store.with_numbers(1, 1), owner=None)
        expect(page.get_by_role("button", name="Release")).to_be_visible()

    expect(heading).to_be_focused()


def test_job_explains_its_state(nox: Nox, visit: Visit) -> None:
    """
    A failure comes with evidence and commands, a dependency with its names; an echo job has its payload.
    """
    with nox.store() as store, served(store):
        failed = fail(store)
        submit(store, water("after", parents=(Parent(failed),)))
    nox("run", "--kind", "echo", "--payload", json.dumps("hi"), check=True)
    page = visit("#/jobs/1")
    expect(page.get_by_text("a line of evidence")).to_be_visible()
    expect(open_command(page, "nox retry 1 --from-last-geometry")).to_be_visible()
    expect(
        page.get_by_text("optimisation not converged").or_(page.get_by_text("not converged in 4 steps"))
    ).to_be_visible()
    page.evaluate("location.hash = '#/jobs/2'")
    expect(page.get_by_role("link", name="1 prod2")).to_be_visible()
    page.evaluate("location.hash = '#/jobs/3'")
    expect(page.locator("pre", has_text='"hi"')).to_be_visible()
    expect(stage(page)).to_have_count(0)


def test_job_shows_earlier_attempts(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    A job that failed after it had completed shows the earlier result and says so; each attempt has its own
    log, or none.
    """
    faults.allow("status of 404")
    with nox.store() as store:
        job = complete(store, water(), xyz("water"), artifact("engine.log", "of the first\n"))
        store.retry([job], owner=None, done=True)
        run_badly(store, job, Reason.CRASHED)
    page = visit("#/jobs/1")

    expect(page.get_by_text("Result of attempt 1; attempt 2 is failed.")).to_be_visible()
    page.get_by_role("button", name="Log of attempt 1").click()
    expect(page.get_by_label("Log", exact=True)).to_have_text("of the first")
    expect(open_command(page, "nox logs 1 --attempt 1")).to_be_visible()
    page.get_by_role("button", name="Log of attempt 2").click()
    expect(open_command(page, "nox logs 1 --attempt 2")).to_be_visible()
    expect(page.get_by_text("of the first")).to_be_hidden()


def test_job_files_are_saved(nox: Nox, visit: Visit) -> None:
    """
    Files, the table of a plot, and the citation leave the page as they are; a command fetches all files.
    """
    with nox.store() as store:
        complete(store, water(), xyz("water"), trajectory(4))
    page = visit("#/jobs/1")
    expect(open_command(page, "nox fetch 1 all -d .")).to_be_visible()
    with page.expect_download() as file:
        page.get_by_role("button", name="Save opt.xyz").click()
    figure = page.get_by_role("figure").filter(has_text="Gradient and change of energy")
    figure.get_by_text("Numbers 4 rows").click()
    with page.expect_download() as table:
        figure.get_by_role("button", name="Save as CSV").click()
    page.get_by_role("button", name="Copy BibTeX").click()
    copied = "navigator.clipboard.readText().then((text) => text.includes('@article{Bannwarth2019'))"
    wait_in(page, copied)

    assert "water-opt.xyz" == file.value.suggested_filename
    assert Path(file.value.path()).read_text().startswith("3\nwater\n")
    assert Path(table.value.path()).read_text().splitlines()[:2] == ["step,|g| (Eh/bohr),|dE| (Eh)", "1,0.2,"]


def test_job_plots_are_read_by_keys(nox: Nox, visit: Visit) -> None:
    """
    Arrow keys go from point to point of a plot, and its values are written next to its title.
    """
    with nox.store() as store:
        complete(store, water(), xyz("water"), trajectory(4))
    page = visit("#/jobs/1")
    figure = page.get_by_role("figure").filter(has_text="Gradient and change of energy")
    plot = figure.get_by_role("img")

    expect(plot).to_have_attribute("aria-label", re.compile(r"\|g\|: from 0\.05 to 0\.2, last 0\.05 Eh/bohr"))
    expect(figure.locator(".u-over")).to_be_visible()
    plot.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(figure.get_by_role("status").first).to_have_text("step 2 · |g| 0.1 Eh/bohr · |dE| 1e-03 Eh")
    page.keyboard.press("Escape")
    expect(figure.get_by_role("status").first).to_have_text("")


def test_job_whose_files_are_gone_is_shown(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    Start and end are drawn, the rest has a remark, and no part of the view fails.
    """
    with nox.store() as store:
        job = complete(store, water(), xyz("water"), artifact("trajectory.xyz", "3\ncut"))
        submit_named(store, "waiting")
    page = visit("#/jobs/1")
    expect(page.get_by_text("The first 0 steps of the path are shown.")).to_be_visible()
    expect(page.get_by_label("Step", exact=True)).to_have_attribute("max", "1")
    faults.allow("404")
    page.evaluate("location.hash = '#/jobs/99'")
    expect(page.get_by_role("alert")).to_contain_text("99")
    assert job


def test_job_fits_a_phone(nox: Nox, visit: Visit) -> None:
    """
    At 390 pixels nothing is wider than the screen, whatever the name.
    """
    with nox.store() as store:
        name = "a-very-long-name-without-any-blank-" * 6
        complete(store, water(name, batch="b" * 60), xyz("water"), trajectory(4), **NUMBERS)
    page = visit("#/jobs/1", viewport=PHONE)

    expect(stage(page)).to_be_visible()
    expect(page.get_by_role("heading", name="Citation")).to_be_visible()
    assert 390 == page.evaluate("document.documentElement.scrollWidth")


def test_job_line_submits_the_same_calculation(nox: Nox, page: Page, tmp_path: Path) -> None:
    """
    The command that a job shows makes a job with the same specification, name, tags and resources.
    """
    (tmp_path / "water.xyz").write_text("3\n\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n")
    asked = [
        ["--opt", "tight", "--alpb", "water"],
        ["--ohess", "--gfn", "1", "--temp", "350", "--pressure", "2atm", "--symmetry-number", "2"],
        ["--hess", "-c", "1", "-u", "1", "--tag", "set=a b", "--tag", "x=1", "--priority", "3"],
        ["--opt", "--cycles", "7", "--freeze", "1-2", "--acc", "0.5", "--etemp", "500", "--iterations", "99"],
        ["--grad", "--cores", "2", "--memory", "512M", "--time", "90", "--retries", "2", "--batch", "it's"],
    ]
    for options in asked:
        nox("submit", "water.xyz", "--no-start", *options, cwd=tmp_path, check=True)
    read = "job => import('./page/views/job/calculation.js').then((library) => library.submitLine(job))"
    for number in range(1, len(asked) + 1):
        job = json.loads(nox("status", str(number), "--raw", check=True).stdout)
        written = page.evaluate(read, job)
        words = subprocess.run(
            ["sh", "-c", f"nox() {{ printf '%s\\0' \"$@\"; }}; {written}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")[:-1]
        nox(*words, "--no-start", cwd=tmp_path, check=True)
        again = json.loads(nox("status", "@last", "--raw", check=True).stdout)
        fields = (
            "spec",
            "name",
            "batch",
            "tags",
            "priority",
            "cores",
            "memory_bytes",
            "time_limit_s",
            "retries",
        )
        for field in fields:
            assert job[field] == again[field], (field, written)
