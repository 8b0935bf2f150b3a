"""Inputs that were refused: the first are named, the others counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.errors import InputRefused

if TYPE_CHECKING:
    from nox_cli.results.records import Skipped, SkippedInputs

NOT_SUBMITTED = "nothing was submitted"
# Of many refused inputs this many are named to people, and this many to programs.
SHOWN = 10
KEPT = 1_000


@dataclass
class Refusals:
    """Inputs that were refused: how many, and the first of them."""

    count: int = 0
    first: list[InputRefused] = field(default_factory=list)

    def add(self, refusal: InputRefused) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(refusal)

    def lines(self) -> tuple[str, ...]:
        """Name the first of them, each on a line, and how many more there are."""
        more = (f"and {self.count - SHOWN:,} more",) if self.count > SHOWN else ()
        return (*(refusal.what for refusal in self.first[:SHOWN]), *more)

    def document(self) -> SkippedInputs:
        """Write what was left out for programs: how many inputs, and the first thousand, with their lines."""
        inputs: list[Skipped] = [{"message": one.what, "hint": one.hint or None} for one in self.first]
        return {"count": self.count, "inputs": inputs}

    def error(self, total: int) -> InputRefused:
        """Refuse all of the inputs for those that are bad."""
        only = self.first[0]
        if self.count == 1:
            return InputRefused(only.what, did=NOT_SUBMITTED, hint=only.hint or _others_hint(total > 1))
        return InputRefused(
            f"{self.count:,} of {total:,} inputs were refused",
            did=NOT_SUBMITTED,
            hint=self._common_hint() or _others_hint(total > self.count),
            details=self.lines(),
        )

    def _common_hint(self) -> str:
        hints = {refusal.hint for refusal in self.first[:SHOWN]}
        return hints.pop() if len(hints) == 1 else ""


def _others_hint(others: bool) -> str:
    return "--skip-bad submits the others" if others else ""
