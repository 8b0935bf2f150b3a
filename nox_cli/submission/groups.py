"""Calculations by charge and spin, and who said them: what submit shows of many files in few lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nox_cli.inputs.charges import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nox_cli.inputs.charges import ChargeAndSpin
    from nox_cli.submission.drafts import Draft

# So many names of a group are kept; a terminal shows no more.
KEPT_NAMES = 40


@dataclass
class ChargeGroup:
    """Jobs that have the same charge and spin from the same kind of source."""

    charge: int
    unpaired: int
    origin: str
    count: int = 0
    names: list[str] = field(default_factory=list)


def group(drafts: Iterable[Draft]) -> tuple[ChargeGroup, ...]:
    """Group calculations, in the order they first appear."""
    found: dict[tuple[int, int, str], ChargeGroup] = {}
    for draft in drafts:
        decided = draft.decided
        if decided is None:
            continue
        kind = _origin(decided, own="NAME")
        key = decided.charge, decided.unpaired, kind
        one = found.get(key)
        if one is None:
            one = found[key] = ChargeGroup(decided.charge, decided.unpaired, _origin(decided))
        elif one.count == 1:
            one.origin = kind
        one.count += 1
        if len(one.names) < KEPT_NAMES:
            one.names.append(draft.name)
    return tuple(found.values())


def _origin(decided: ChargeAndSpin, own: str = "") -> str:
    """Say who decided; with `own`, files of the structures' own names are told as of that name."""
    said = dict.fromkeys((decided.charge_origin, decided.unpaired_origin))
    words = [_alike(origin, own) if own else origin for origin in said if origin != DEFAULT]
    return ", ".join(words) or DEFAULT


def _alike(origin: str, own: str) -> str:
    if origin.startswith("job "):
        return "each job's own"
    stem, dot, kind = origin.rpartition(".")
    return f"{own}.{kind}" if dot and stem and "/" not in stem and kind in {"CHRG", "UHF"} else origin
