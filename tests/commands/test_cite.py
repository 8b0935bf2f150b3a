"""`nox cite`: a methods sentence with references."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.ended import complete, fail, water
from tests.support.stores import submit_named

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def test_a_paragraph_and_its_references(any_nox: Nox, any_store: Store) -> None:
    """
    The paragraph is folded, and each reference stands on a line with its DOI.
    """
    complete(any_store)
    complete(any_store, water("other"))
    fail(any_store)
    submit_named(any_store, "waiting")
    paragraph, references = any_nox("cite", "1-4", check=True).stdout.split("\n\n")

    assert "Geometries were optimised (normal thresholds) with GFN2-xTB [1]" in paragraph
    assert max(map(len, paragraph.splitlines())) < 80
    assert references.splitlines()[0].endswith("https://doi.org/10.1021/acs.jctc.8b01176")
    assert references.splitlines()[1].endswith("https://doi.org/10.1002/wcms.1493")


def test_json(nox: Nox, store: Store) -> None:
    """
    In JSON sentences and references stand apart.
    """
    complete(store)
    found = json.loads(nox("cite", "--json", check=True).stdout)

    assert {"schema", "jobs", "sentences", "references"} == set(found)
    assert (1, 2) == (found["jobs"], len(found["references"]))
    assert {"number", "text", "doi"} == set(found["references"][0])


def test_cite_nothing_to_cite(nox: Nox, store: Store) -> None:
    """
    Where nothing was computed there is nothing to cite, and the code says so.
    """
    fail(store)
    ended = nox("cite")

    assert (3, "") == (ended.returncode, ended.stdout)
    assert "no completed calculation is among these jobs" in ended.stderr
