"""Reports on one job: its infrared spectrum, and how it is cited."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import MODES, complete, fail, water
from tests.support.stores import submit_named

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox


@pytest.mark.parametrize("width", [20, 5])
def test_a_spectrum_is_the_one_that_nox_plot_draws(app_client: TestClient, any_nox: Nox, width: int) -> None:
    """
    The curve has the points of `nox plot --data`; modes below the cutoff are marked as imaginary.
    """
    with any_nox.store() as store:
        complete(store, water(kind="hess"), kind="hess", convergence=None, vibrations=MODES)
    found = app_client.get("/jobs/1/spectrum", params={"width": width}).json()
    drawn = csv.DictReader(StringIO(any_nox("plot", "1", "--width", str(width), "--data", check=True).stdout))
    expected = [(float(row["wavenumber_cm1"]), float(row["ir_intensity_km_per_mol"])) for row in drawn]
    curve = found["curve_km_per_mol"]

    assert (width, f"1 water  GFN2-xTB · gas phase · IR, Lorentzian {width} cm-1 (FWHM), not scaled") == (
        found["width_cm1"],
        found["title"],
    )
    assert len(expected) == len(curve)
    for place, (at, intensity) in enumerate(expected):
        assert at == pytest.approx(place * found["step_cm1"])
        assert intensity == pytest.approx(curve[place], rel=1e-5, abs=1e-9)
    assert [True, False, False, False, False] == [mode["imaginary"] for mode in found["modes"]]
    assert MODES["frequencies_cm1"] == [mode["frequency_cm1"] for mode in found["modes"]]


def test_a_spectrum_of_width_0_has_its_modes_only(app_client: TestClient, any_nox: Nox) -> None:
    """
    There is no curve; a width that no line can have is refused.
    """
    with any_nox.store() as store:
        complete(store, water(kind="hess"), kind="hess", convergence=None, vibrations=MODES)
    found = app_client.get("/jobs/1/spectrum", params={"width": 0}).json()

    assert ([], 5) == (found["curve_km_per_mol"], len(found["modes"]))
    for width in ("0.5", "501", "-1", "nan", "inf", "x"):
        assert 400 == app_client.get("/jobs/1/spectrum", params={"width": width}).status_code, width


def test_a_spectrum_needs_frequencies(app_client: TestClient, any_nox: Nox) -> None:
    """
    A job without them, one that waits, and one whose list of intensities is cut are 404 in plain words.
    """
    with any_nox.store() as store:
        complete(store)
        cut = MODES | {"ir_intensities_km_per_mol": [1.0]}
        complete(store, water(kind="hess"), kind="hess", convergence=None, vibrations=cut)
        submit_named(store, "waiting")
    for job, words in ((1, "has no frequencies"), (2, "are damaged"), (3, "has no frequencies yet")):
        found = app_client.get(f"/jobs/{job}/spectrum")
        assert (404, "nothing_matched") == (found.status_code, found.json()["code"])
        assert words in found.json()["detail"]


def test_a_citation_is_that_of_nox_cite(app_client: TestClient, any_nox: Nox) -> None:
    """
    The sentences and references are those of the command, and BibTeX has an entry for each reference.
    """
    with any_nox.store() as store:
        complete(store)
        fail(store)
    found = app_client.get("/jobs/1/citation").json()
    entries = found.pop("bibtex")

    assert json.loads(any_nox("cite", "1", "--json", check=True).stdout) == found
    assert len(found["references"]) == entries.count("@")
    assert "doi = {10.1021/acs.jctc.8b01176}" in entries
    assert "nothing_matched" == app_client.get("/jobs/2/citation").json()["code"]
