"""The view of a batch: progress, ranked results, ensembles, structures together."""

from __future__ import annotations

import csv
import json
import math
import shlex
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support.browser import both_stores
from tests.support.ended import complete, fail, run_well, water
from tests.support.stores import BOB, new_job, submit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page, Route

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox
    from workers.store.base import Store

KCAL = 1 / 627.5094740631
ROUTE = "#/batches/conf"
# Hydrogen peroxide at four dihedral angles: conformers of one molecule.
PEROXIDE = ["O", "O", "H", "H"]


def peroxide(degrees: float) -> list[list[float]]:
    """Place the atoms of H2O2 for a dihedral angle."""
    angle = math.radians(degrees)
    return [[0, 0, 0], [1.45, 0, 0], [-0.2, 0.94, 0], [1.65, 0.94 * math.cos(angle), 0.94 * math.sin(angle)]]


def conformer(store: Store, name: str, kcal: float, degrees: float, **numbers: Any) -> str:
    """End one conformer of batch `conf` this far above the lowest."""
    job = water(name, batch="conf", formula="H2O2", atoms=4)
    result = {
        "symbols": PEROXIDE,
        "positions_angstrom": peroxide(degrees),
        "energy_hartree": -10.0 + kcal * KCAL,
        "gap_ev": 10.0 + kcal,
    }
    return complete(store, job, **result | numbers)


def ensemble(store: Store) -> None:
    """End an ensemble: three conformers, one of them again, one that reacted, a saddle point, a failure."""
    conformer(store, "skew", 0.0, 110)
    conformer(store, "cis", 1.25, 0)
    conformer(store, "trans", 0.4, 180)
    conformer(store, "again", 0.02, 110.3)
    conformer(
        store, "reacted", -7.0, 60, bonds_changed={"broken": [[1, 2]], "formed": []}, warnings=["O1 left O2"]
    )
    fail(store, water("stuck", batch="conf", formula="H2O2", atoms=4))


def rows(page: Page) -> list[dict[str, str]]:
    """Read the table of results as it is shown."""
    table = page.get_by_role("table", name="Results", exact=True)
    names = [name.strip("↑↓ ") for name in table.locator("thead th").all_inner_texts()]
    lines = table.locator("tbody tr").evaluate_all(
        "lines => lines.map((line) => [...line.cells].map((cell) => cell.textContent))"
    )
    return [dict(zip(names, line, strict=True)) for line in lines]


def column(page: Page, name: str) -> list[str]:
    """Read one column of the table of results."""
    return [row[name] for row in rows(page)]


def cells(page: Page) -> Locator:
    """The names of the jobs, in order."""
    return page.get_by_role("table", name="Results", exact=True).locator("tbody .col-name")


def copied(page: Page) -> list[str]:
    """Read the words of the command that the page offers."""
    text = page.get_by_label("Comparison").locator(".command code").inner_text()
    return shlex.split(text)[1:]


@pytest.fixture
def conf(nox: Nox) -> Nox:
    """A nox with an ensemble."""
    with nox.store() as store:
        ensemble(store)
    return nox


@both_stores
def test_batch_has_the_numbers_of_the_command(nox: Nox, visit: Visit) -> None:
    """
    Order, energies, differences, weights and remarks of the page are those of the command that it offers.
    """
    with nox.store() as store:
        ensemble(store)
    page = visit(ROUTE)
    expect(cells(page)).to_have_text(["skew", "again", "trans", "cis", "reacted"])

    found = json.loads(nox(*copied(page), "--json", check=True).stdout)["items"]

    assert [str(item["number"]) for item in found] == column(page, "#")
    assert [f"{item['energy_hartree']:.8f}" for item in found] == column(page, "E/Eh")
    differences = [item["relative_kcal_per_mol"] for item in found]
    assert ["-" if one is None else f"{one:.2f}" for one in differences] == column(page, "ΔE/kcal")
    assert [_weight(item) for item in found] == column(page, "w/%")
    assert [f"{item['gap_ev']:.3f}" for item in found] == column(page, "gap/eV")
    assert "not compared: bonds changed; ! O1 left O2" == rows(page)[-1]["note"]
    expect(page.get_by_text("6 stuck: failed, not shown (-a)")).to_be_visible()
    expect(page.get_by_text("1 row not compared, bonds changed: 5")).to_be_visible()
    _expect_sums(page, [item for item in found if item["boltzmann_weight"] is not None])


def _expect_sums(page: Page, weighed: list[dict[str, Any]]) -> None:
    """Expect the sums of weights, the conformers that make 95 %, and the entropy of mixing."""
    sums = np.cumsum([item["boltzmann_weight"] for item in weighed])
    terms = [
        item["boltzmann_weight"] * math.log(item["boltzmann_weight"] / item["degeneracy"]) for item in weighed
    ]
    facts = page.locator(".batch-facts")
    assert [f"{100 * one:.1f}" for one in sums] == [one for one in column(page, "Σw/%") if one]
    expect(facts).to_contain_text(f"{len(weighed)} of 4")
    expect(facts).to_contain_text(f"{-1.987204259 * sum(terms):.2f} cal/(mol K)")
    needed = facts.locator("div", has_text="in 95 %").locator("dd")
    expect(needed).to_have_text(str(int(np.searchsorted(sums, 0.95)) + 1))


def _weight(item: dict[str, Any]) -> str:
    if item["same_conformer_as"] is not None:
        return f"= {item['same_conformer_as']}"
    return "-" if item["boltzmann_weight"] is None else f"{100 * item['boltzmann_weight']:.1f}"


def test_batch_keeps_what_is_chosen_in_its_address(conf: Nox, visit: Visit, faults: Faults) -> None:
    """
    Unit, temperature, window, reacted structures and order are in the address and in the command; the page
    that is opened at that address shows the same.  What is refused is so in the words of the command.
    """
    faults.allow("400")
    page = visit(ROUTE)
    page.get_by_label("Unit").select_option("kj")
    expect(page.get_by_role("button", name="ΔE/kJ")).to_be_visible()
    page.get_by_label("Reacted too").check()
    expect(cells(page).first).to_have_text("reacted")
    page.get_by_label("T/K").fill("400")
    page.get_by_label("T/K").press("Enter")
    page.get_by_label("Window").fill("31")
    page.get_by_label("Window").press("Enter")
    page.get_by_role("button", name="gap/eV").click()
    page.get_by_role("button", name="gap/eV").click()
    expect(cells(page)).to_have_text(["trans", "again", "skew", "reacted"])

    again = visit(page.evaluate("location.hash"))
    expect(cells(again)).to_have_text(["trans", "again", "skew", "reacted"])

    assert rows(page) == rows(again)
    assert copied(page) == copied(again)
    found = json.loads(conf(*copied(again), "--json", check=True).stdout)["items"]
    assert ["trans", "again", "skew", "reacted"] == [item["name"] for item in found]
    assert [f"{item['relative_kj_per_mol']:.2f}" for item in found] == column(again, "ΔE/kJ")
    assert [_weight(item) for item in found] == column(again, "w/%")
    expect(again.get_by_text("weights at 400 K")).to_be_visible()

    again.get_by_label("T/K").fill("warm")
    again.get_by_label("T/K").press("Enter")
    expect(again.get_by_role("alert")).to_contain_text('"warm" is not a temperature')
    expect(cells(again)).to_have_count(4)


def test_batch_saves_its_rows(conf: Nox, visit: Visit) -> None:
    """
    The files have what the command writes: CSV, and structures from the lowest energy on.
    """
    page = visit(ROUTE)
    expect(cells(page)).to_have_count(5)
    for button, form, end in (("CSV", "csv", "csv"), ("XYZ", "extxyz", "xyz")):
        with page.expect_download() as saved:
            page.get_by_role("button", name=button, exact=True).click()
        assert f"conf.{end}" == saved.value.suggested_filename
        text = saved.value.path().read_text()
        assert conf(*copied(page), "-o", form, check=True).stdout == text
    assert 5 == len(list(csv.DictReader(StringIO(conf(*copied(page), "-o", "csv", check=True).stdout))))


@pytest.mark.usefixtures("conf")
def test_batch_links_the_histogram_to_the_table(visit: Visit) -> None:
    """
    A bar that is chosen by a key shows its jobs only; the width of the bars is stated.
    """
    page = visit(ROUTE)
    bars = page.get_by_role("figure").filter(has_text="Jobs per 0.05 kcal/mol")
    expect(bars.locator(".u-over")).to_be_visible()
    bars.get_by_role("img").press("ArrowRight")
    bars.get_by_role("img").press("Enter")

    expect(cells(page)).to_have_text(["skew", "again"])
    expect(page.get_by_text("2 of 5 rows, 0 to 0.05 kcal/mol")).to_be_visible()
    page.get_by_role("button", name="Show all rows").click()
    expect(cells(page)).to_have_count(5)


@pytest.mark.usefixtures("conf")
def test_batch_draws_results_that_come_before_the_plots(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    A result that comes while the program of the plots is on its way is in them.
    """
    faults.allow("ERR_FAILED")  # no later result is read
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page = visit()
    page.route("**/uPlot.iife.min.js", hold)
    page.evaluate("route => { location.hash = route; }", ROUTE)
    expect(cells(page)).to_have_count(5)
    with nox.store() as store:
        conformer(store, "far", 3.0, 90)
    expect(cells(page)).to_have_count(6)
    page.route("**/results?*", lambda route: route.abort())
    held[0].continue_()

    bars = page.get_by_role("figure").first
    expect(bars.locator(".u-over")).to_be_visible()
    expect(bars).to_contain_text("Jobs per 0.2 kcal/mol")


def choose(page: Page, *names: str) -> None:
    """Choose the structures of jobs, and show them together."""
    for name in names:
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Overlay").click()


def rmsd(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """Compute the least root mean square distance by singular values (W. Kabsch, 1976)."""
    first, second = (np.array(places) - np.mean(places, axis=0) for places in (one, other))
    left, _, right = np.linalg.svd(second.T @ first)
    sign: NDArray[Any] = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return float(np.sqrt(np.mean(np.sum((second @ left @ sign @ right - first) ** 2, axis=1))))


@pytest.mark.usefixtures("conf")
def test_batch_lays_structures_on_each_other(visit: Visit) -> None:
    """
    Structures that are chosen are laid on the lowest, with the distance that is left; the address has them.
    """
    page = visit(ROUTE)
    choose(page, "cis", "skew", "trans")
    table = page.get_by_role("table", name="RMSD in Å")
    expect(table.locator("tbody tr")).to_have_count(3)
    shown = table.locator("tbody tr").all_inner_texts()

    for line, name, degrees in zip(shown[1:], ("trans", "cis"), (180, 0), strict=True):
        assert name in line
        assert f"{rmsd(peroxide(110), peroxide(degrees)):.3f}" in line
        mirror = [[-x for x in place] for place in peroxide(degrees)]
        assert f"{rmsd(peroxide(110), mirror):.3f}" in line
    expect(page.locator(".molecule-stage canvas")).to_be_visible()
    again = visit(page.evaluate("location.hash"))
    expect(again.get_by_role("table", name="RMSD in Å").locator("tbody tr")).to_have_count(3)


def test_batch_compares_no_structures_of_other_atoms(nox: Nox, visit: Visit) -> None:
    """
    Structures of other atoms, or of the same in another order, are shown side by side, and the page says why.
    """
    with nox.store() as store:
        conformer(store, "one", 0.0, 110)
        conformer(store, "turned", 1.0, 110, symbols=["H", "O", "H", "O"])
        complete(store, water("water", batch="conf"))
    page = visit(ROUTE)
    choose(page, "one", "turned")
    expect(page.get_by_text("2 turned has the same atoms in another order than 1 one")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    choose(page, "one", "water")

    expect(page.get_by_text("3 water has other atoms than 1 one")).to_be_visible()
    expect(page.get_by_label("Side by side")).to_be_checked()


def test_batch_ranks_only_what_can_be_compared(nox: Nox, visit: Visit) -> None:
    """
    Jobs of several molecules are ranked within each, and one group can be looked at.  A screening set is a
    table that can be sorted, and the page says why nothing in it is ranked.
    """
    with nox.store() as store:
        conformer(store, "low", 0.0, 110)
        conformer(store, "high", 2.0, 0)
        complete(store, water("w1", batch="conf"))
        complete(
            store,
            water("w2", batch="conf"),
            energy_hartree=-5.0,
            positions_angstrom=[[0, 0, 0], [0, 0.9, 0], [0.9, 0, 0]],
        )
        for formula, gap in (("H2O", 3.0), ("CH4", 9.0), ("NH3", 6.0)):
            complete(store, water(formula.lower(), batch="set", formula=formula), gap_ev=gap)
    page = visit(ROUTE)
    expect(cells(page)).to_have_text(["low", "high", "w1", "w2"])
    expect(page.get_by_text("2 groups: energies are compared within each")).to_be_visible()
    page.get_by_role("button", name="H2O2").click()

    expect(cells(page)).to_have_text(["low", "high"])
    expect(page.get_by_role("figure").first).to_contain_text("Jobs of H2O2 per")

    page.evaluate("location.hash = '#/batches/set'")
    expect(page.get_by_text("Nothing is ranked: no two of these jobs")).to_be_visible()
    expect(page.get_by_role("figure")).to_have_count(0)
    page.get_by_role("button", name="gap/eV").click()
    expect(cells(page)).to_have_text(["h2o", "nh3", "ch4"])
    assert {"H2O", "CH4", "NH3"} == set(column(page, "formula"))
    assert "w/%" not in rows(page)[0]


def test_batch_takes_new_results_in_without_jumping(nox: Nox, visit: Visit) -> None:
    """
    A result that comes joins the table by its energy; what is looked at and the focus stay where they are.
    """
    with nox.store() as store:
        for place in range(60):
            conformer(store, f"c{place}", 5.0 + place, 3.0 * place)
        (waiting,) = submit(store, water("late", batch="conf", formula="H2O2", atoms=4))
    page = visit(ROUTE)
    expect(page.locator(".u-over")).to_have_count(2)  # a plot that comes moves what is below it
    line = page.get_by_role("row", name="Choose 41 c40")
    line.get_by_role("checkbox").focus()
    line.evaluate("line => line.scrollIntoView({ block: 'center' })")
    before = line.evaluate("line => line.getBoundingClientRect().top")
    with nox.store() as store:
        run_well(
            store,
            waiting,
            symbols=PEROXIDE,
            positions_angstrom=peroxide(110),
            energy_hartree=-10.0,
        )
    expect(cells(page).first).to_have_text("late")

    assert before == pytest.approx(line.evaluate("line => line.getBoundingClientRect().top"), abs=2)
    expect(line.get_by_role("checkbox")).to_be_focused()
    expect(page.get_by_text("of 61 jobs")).to_be_visible()


def test_batch_of_many_jobs_has_pages(nox: Nox, visit: Visit) -> None:
    """
    A long table has pages of 200 rows, and its rank goes on over them.
    """
    with nox.store() as store:
        for place in range(205):
            complete(store, water(f"w{place}", batch="conf"), energy_hartree=-5.0 + place * KCAL)
    page = visit(ROUTE)
    expect(cells(page)).to_have_count(200)
    page.get_by_role("button", name="Next").click()

    expect(cells(page)).to_have_text([f"w{place}" for place in range(200, 205)])
    expect(page.get_by_text("201 to 205 of 205 rows")).to_be_visible()


def test_batch_that_has_no_result_says_why(nox: Nox, visit: Visit, faults: Faults) -> None:
    """
    A batch that waits, and one whose jobs all failed, are explained; one of another user is not there.
    """
    faults.allow("404")
    with nox.store() as store:
        fail(store, water("stuck", batch="bad"))
        fail(store, water("again", batch="bad"))
        submit(store, new_job("waits", batch="later"))
        submit(store, new_job("other", owner=BOB, batch="theirs"))
    page = visit("#/batches/later")
    expect(page.get_by_text("No results yet")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel waiting")).to_be_visible()
    page.evaluate("location.hash = '#/batches/bad'")
    expect(page.get_by_text("No job has a result: 2 of 2 failed")).to_be_visible()
    expect(page.get_by_role("link", name="not converged")).to_be_visible()
    page.get_by_label("Failed too").check()
    expect(cells(page)).to_have_text(["stuck", "again"])
    expect(page.get_by_text("2 rows not compared, not converged")).to_be_visible()
    expect(page.get_by_text("Nothing is ranked")).to_have_count(0)
    token = nox("token", "new", "reader", "--scope", "read", check=True).stdout.split()[-1]
    for batch in ("theirs", "none"):
        other = visit(f"#/batches/{batch}", token=token)
        expect(other.get_by_text("There is no such batch")).to_be_visible()


def test_batch_changes_its_jobs(nox: Nox, visit: Visit) -> None:
    """
    Waiting jobs are held, released and cancelled, failed ones run again; the progress shows it at once.
    """
    with nox.store() as store:
        fail(store, water("stuck", batch="conf"))
        submit(store, water("a", batch="conf"), water("b", batch="conf"))
    page = visit(ROUTE)
    for button, confirm, then in (
        ("Hold", "Hold 2 jobs", "2 held"),
        ("Release", "Release 2 jobs", "2 ○waiting"),
        ("Cancel waiting", "Cancel 2 jobs", "2 ⊘cancelled"),
        ("Retry failed", "Retry", "1 ○waiting"),
    ):
        page.get_by_role("button", name=button).click()
        page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()
        expect(page.get_by_label("Progress")).to_contain_text(then)
