"""Bonds made and broken since the first input of a chain of jobs, by Wiberg's orders of both wavefunctions.

A pair counts as changed only if it is clearly bonded at one end and clearly not at the other, so that
shared protons, stretched inputs and weak coordination do not look like reactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from workers.result import BondsChanged
from workers.spec import LEAST_BOND_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from workers.engine.arrays import Array
    from workers.result import ChemistryResult
    from workers.spec import BondOrder, ChemistrySpec

BONDED = 0.5


def changed(before: Array | None, after: Array | None) -> BondsChanged | None:
    """Compare two matrices of bond orders, shape (atoms, atoms); None: there are none to compare."""
    if before is None or after is None:
        return None
    return BondsChanged(
        broken=_pairs((before >= BONDED) & (after < LEAST_BOND_ORDER)),
        formed=_pairs((before < LEAST_BOND_ORDER) & (after >= BONDED)),
    )


def since_first_input(spec: ChemistrySpec, result: ChemistryResult) -> ChemistryResult:
    """Add to a result how its bonds differ from those of the first input of the chain of jobs.

    The calculation itself compares with its own input only.  A force field computes no bond orders: the
    changes of the jobs before it are kept.
    """
    first = spec.source.first_input
    if first is None:
        if result.first_bond_orders is not None or result.bond_orders is None:
            return result
        return replace(result, first_bond_orders=firm(result.bond_orders))
    broken, formed = first.broken, first.formed
    if result.bond_orders is not None:
        broken = _lost(first.bond_orders, result.bond_orders)
        formed = _lost(result.bond_orders, first.bond_orders)
    changed = BondsChanged(broken=broken, formed=formed, first_job=first.job)
    return replace(result, bonds_changed=changed, first_bond_orders=first.bond_orders)


def firm(orders: Iterable[BondOrder]) -> tuple[BondOrder, ...]:
    """Choose the orders that pairs are compared by."""
    return tuple(order for order in orders if order[2] >= LEAST_BOND_ORDER)


def listed(orders: Array | None, least: float = LEAST_BOND_ORDER) -> tuple[BondOrder, ...] | None:
    """List the bonds of a matrix of bond orders as (atom, atom, order).

    Args:
        orders: the matrix, shape (atoms, atoms); None: there is none, as of a force field.
        least: the least order; by default that from which on bonds are compared.

    Atoms are counted from 1, and the lower comes first.
    """
    if orders is None:
        return None
    first, second = np.nonzero(orders >= least)
    upper = first < second
    first, second = first[upper], second[upper]
    return tuple(
        zip((first + 1).tolist(), (second + 1).tolist(), orders[first, second].tolist(), strict=True)
    )


def _lost(before: Iterable[BondOrder], after: Iterable[BondOrder]) -> tuple[tuple[int, int], ...]:
    """Find pairs that are bonded before and apart after."""
    left = {(i, j) for i, j, order in after if order >= LEAST_BOND_ORDER}
    return tuple((i, j) for i, j, order in before if order >= BONDED and (i, j) not in left)


def _pairs(holds: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    first, second = np.nonzero(np.triu(holds, 1))
    return tuple(zip((first + 1).tolist(), (second + 1).tolist(), strict=True))
