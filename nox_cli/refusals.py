"""Inputs that were refused: the first are named, the others counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers.errors import InputRefused

NOT_SUBMITTED = "nothing was submitted"
# Of many refused inputs this many are named.
SHOWN = 10


@dataclass
class Refusals:
    """Inputs that were refused: how many, and the first of them."""

    count: int = 0
    first: list[InputRefused] = field(default_factory=list)

    def add(self, refusal: InputRefused) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(refusal)

    def lines(self) -> tuple[str, ...]:
        """Name the first of them, each on a line, and how many more there are."""
        more = (f"and {self.count - len(self.first):,} more",) if self.count > len(self.first) else ()
        return (*(refusal.what for refusal in self.first), *more)

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
        hints = {refusal.hint for refusal in self.first}
        return hints.pop() if len(hints) == 1 else ""


def _others_hint(others: bool) -> str:
    return "--skip-bad submits the others" if others else ""
