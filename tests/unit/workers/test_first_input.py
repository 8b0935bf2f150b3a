"""What bonds of a later job are compared with, from the result of the one before."""

from __future__ import annotations

from typing import Any

import pytest

from workers.first_input import first_input
from workers.spec import FirstInput

JOB, EARLIER = "ab" * 16, "cd" * 16
ORDERS = [[1, 2, 0.9], [2, 3, 0.3]]


def result(**changes: Any) -> dict[str, Any]:
    """Say how a job of three atoms ended, its bond between 1 and 2 broken."""
    plain = {
        "symbols": ["C", "C", "C"],
        "bond_orders": [[1, 2, 0.11], [2, 3, 0.3], [1, 3, 0.8]],
        "first_bond_orders": ORDERS,
        "bonds_changed": {"broken": [[1, 2]], "formed": [[1, 3]], "first_job": ""},
    }
    return plain | changes


def expected(job: str, orders: list[list[float]] = ORDERS) -> FirstInput:
    """Name what is compared with."""
    pairs: Any = tuple(map(tuple, orders))
    return FirstInput(job=job, bond_orders=pairs, broken=((1, 2),), formed=((1, 3),))


def test_the_first_job_of_a_chain_is_compared_with() -> None:
    """
    A job that began a chain is its first; one further down names the one it was compared with itself.
    """
    later = result(bonds_changed={"broken": [[1, 2]], "formed": [[1, 3]], "first_job": EARLIER})

    assert expected(JOB) == first_input(JOB, result())
    assert expected(EARLIER) == first_input(JOB, later)


def test_first_input_nothing_moved() -> None:
    """
    A single point has changed no bonds.
    """
    found = first_input(JOB, result(bonds_changed=None))

    assert FirstInput(job=JOB, bond_orders=((1, 2, 0.9), (2, 3, 0.3))) == found


def test_results_of_before_have_their_changes_undone() -> None:
    """
    Bonds they broke are bonds, those they formed are none, and a weak one may have been one.
    """
    found = first_input(JOB, result(first_bond_orders=None))

    assert expected(JOB, [[1, 2, 1.0], [2, 3, 1.0]]) == found


@pytest.mark.parametrize(
    "orders",
    [7, [[1, 2]], [[2, 1, 0.9]], [[1, 4, 0.9]], [[1, 2, "0.9"]], [[1, 2, float("nan")]], [[True, 2, 1]]],
)
def test_orders_that_are_none_are_not_taken(orders: object) -> None:
    """
    Damaged records give what is known otherwise, or nothing.
    """
    assert first_input(JOB, result(first_bond_orders=orders)) == first_input(
        JOB, result(first_bond_orders=None)
    )
    assert first_input(JOB, result(first_bond_orders=None, bond_orders=orders)) is None
    assert first_input(JOB, {}) is None
