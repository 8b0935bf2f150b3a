"""How jobs ended, read plainly from the store's documents: status and lists must not wait for pydantic.

The documents were checked when they were made (`workers.result`); here each number is looked at again as it
is taken out, so that a record that was damaged in the store shows as such and harms nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object from outside; what is not there, or not of the kind asked for, is None or empty."""

    fields: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        """Read a finite number."""
        return _finite(self.fields.get(name))

    def whole(self, name: str) -> int | None:
        """Read an integer."""
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool | None:
        """Read true or false."""
        value = self.fields.get(name)
        return value if isinstance(value, bool) else None

    def text(self, name: str) -> str:
        """Read a text."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        value = self.fields.get(name)
        return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()

    def numbers(self, name: str) -> tuple[float, ...]:
        """Read a list of finite numbers; empty if one of them is not."""
        value = self.fields.get(name)
        found = [_finite(part) for part in value] if isinstance(value, list) else []
        return () if None in found else tuple(part for part in found if part is not None)

    def part(self, name: str) -> Document:
        """Read an object within this one."""
        value = self.fields.get(name)
        return Document(value) if isinstance(value, dict) else Document()

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.fields)


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def document(text: str | None) -> Document:
    """Read a document of the store; a damaged one is empty."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return Document()
    return Document(value) if isinstance(value, dict) else Document()


@dataclass(frozen=True, slots=True)
class OutcomeDocument:
    """The stored outcome of an attempt, as JSON that older or newer workers may have written.

    Its fields are those of `workers.result.OutcomeRecord`; what is missing is empty.
    """

    whole: Document = field(default_factory=Document)

    @property
    def attempt(self) -> int | None:
        """Which attempt it was; None: the record does not say so."""
        return self.whole.whole("attempt")

    @property
    def has_completed(self) -> bool:
        """Whether the attempt completed: it left a result and did not fail."""
        return bool(self.result) and not self.failure

    @property
    def result(self) -> Document:
        """The numbers; of a failed optimisation those it had reached."""
        return self.whole.part("result")

    @property
    def failure(self) -> Document:
        """Why it failed: reason, message, hint, evidence."""
        return self.whole.part("failure")

    @property
    def convergence(self) -> Document:
        """What an optimisation was driven to, and what it reached."""
        return self.result.part("convergence")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know beside the numbers."""
        return self.whole.texts("warnings")


def outcome(text: str | None) -> OutcomeDocument:
    """Read how an attempt ended; a damaged record is empty."""
    return OutcomeDocument(document(text))
