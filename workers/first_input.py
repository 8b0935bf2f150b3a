"""The first input of a chain of jobs, read from the result of one for the job that starts from it."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workers.spec import LEAST_BOND_ORDER, FirstInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID_LENGTH = 32


def first_input(job_id: str, result: Mapping[str, Any]) -> FirstInput | None:
    """Find the bonds that a job which starts from another's final geometry is compared with.

    Args:
        job_id: the job whose final geometry is used.
        result: its result, a `workers.result.ChemistryResult` as JSON, which may be damaged.

    Returns:
        The first input of its chain of jobs; None: its bond orders are unknown.
    """
    symbols, changes = result.get("symbols"), result.get("bonds_changed")
    if not isinstance(symbols, list):
        return None
    changes = changes if isinstance(changes, dict) else {}
    broken, formed = (_bonds(changes.get(name), len(symbols), 2) or () for name in ("broken", "formed"))
    orders = _bonds(result.get("first_bond_orders"), len(symbols), 3)
    if orders is None:
        # An older result: undo the changes at the final geometry; a weak bond may have been one.
        final = _bonds(result.get("bond_orders"), len(symbols), 3)
        if final is None:
            return None
        kept = (one[:2] for one in final if one[2] >= LEAST_BOND_ORDER and one[:2] not in formed)
        orders = tuple((*pair, 1.0) for pair in sorted((*kept, *broken)))
    job = changes.get("first_job") or job_id
    return FirstInput(job=str(job)[:_ID_LENGTH], bond_orders=orders, broken=broken, formed=formed)


def as_part_of_source(first: FirstInput | None) -> dict[str, Any]:
    """Return it as fields of a `workers.spec.Source`."""
    return {} if first is None else {"first_input": asdict(first)}


def _bonds(found: object, atoms: int, width: int) -> tuple[Any, ...] | None:
    """Read pairs of atoms, or pairs with an order; None: there are none, or one is damaged."""
    if not isinstance(found, list) or not all(_is_bond(one, atoms, width) for one in found):
        return None
    return tuple(tuple(one) for one in found)


def _is_bond(found: object, atoms: int, width: int) -> bool:
    if not isinstance(found, list) or len(found) != width or {*map(type, found[:2])} != {int}:
        return False
    order = found[2] if width > 2 else 0.0  # noqa: PLR2004
    is_number = isinstance(order, int | float) and math.isfinite(order)
    return is_number and 1 <= found[0] < found[1] <= atoms
