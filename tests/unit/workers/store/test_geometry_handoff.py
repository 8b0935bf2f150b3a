"""The geometry of one job in what another is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.ended import POSITIONS, SYMBOLS
from workers.errors import EngineInput
from workers.store.geometry_handoff import complete

PARENT = "ab" * 16
MOVED = [[9.0, 0.0, 0.0], *POSITIONS[1:]]


def spec(**changes: Any) -> str:
    """Ask for a calculation that waits for a geometry."""
    asked = {
        "kind": "hess",
        "structure": {"symbols": SYMBOLS, "positions_angstrom": POSITIONS},
        "source": {"job": PARENT},
        "awaits_geometry": True,
    }
    return json.dumps(asked | changes)


def ended(**result: Any) -> str:
    """Say how the parent ended."""
    return json.dumps({"result": {"symbols": SYMBOLS, "positions_angstrom": MOVED} | result})


def test_the_final_geometry_takes_its_place() -> None:
    """
    Of the job that is named, and of no other; nothing else changes.
    """
    found = json.loads(complete(spec(), {PARENT: ended()}.get))
    assert (
        json.loads(spec(structure={"symbols": SYMBOLS, "positions_angstrom": MOVED}, awaits_geometry=False))
        == found
    )


def test_geometry_handoff_what_its_chain_began_with_goes_along() -> None:
    """
    Bonds are compared with the first input, which only the parent's result knows.
    """
    changes = {"broken": [[1, 2]], "formed": [], "first_job": "cd" * 16}
    outcome = ended(first_bond_orders=[[1, 2, 0.9], [1, 3, 0.9]], bonds_changed=changes)
    found = json.loads(complete(spec(), {PARENT: outcome}.get))

    assert {
        "job": PARENT,
        "first_input": {
            "job": "cd" * 16,
            "bond_orders": [[1, 2, 0.9], [1, 3, 0.9]],
            "broken": [[1, 2]],
            "formed": [],
        },
    } == found["source"]


def test_geometry_handoff_what_waits_for_nothing_stays() -> None:
    """
    No outcome is read for it, whatever it holds.
    """
    for text in (
        spec(awaits_geometry=False),
        '{"kind":"echo","payload":{"awaits_geometry":true}}',
        "[",
        "[1]",
    ):
        assert text == complete(text, lambda _: pytest.fail("an outcome was read"))


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        "{",
        "[]",
        '{"result":null}',
        ended(symbols=["O", "H"]),
        ended(symbols=None),
        ended(lattice_angstrom=[[9, 0, 0], [0, 9, 0], [0, 0, 9]]),
    ],
)
def test_geometry_handoff_no_geometry_is_told(outcome: str | None) -> None:
    """
    The job is named, whether it runs again, was damaged or is of another molecule.
    """
    with pytest.raises(EngineInput, match=PARENT):
        complete(spec(), lambda _: outcome)
