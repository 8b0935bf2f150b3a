"""Readers of JSON documents from the store, which do without pydantic: status and lists must not wait for it.

The models of `workers.result` check documents when they are written.  Here each value is checked again when
it is read, so that a record that was damaged in the store does no harm.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


_NOTHING: Mapping[str, Any] = {}


class Document(NamedTuple):
    """A JSON object from outside; a value that is missing or of another type is None or empty."""

    fields: Mapping[str, Any] = _NOTHING

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
        """Whether it has any fields."""
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


class OutcomeDocument(NamedTuple):
    """Reads the stored outcome of an attempt, which older or newer workers may have written.

    Its fields are those of `workers.result.OutcomeRecord`, its writer; a missing one is empty.
    """

    whole: Document = Document()

    @property
    def attempt(self) -> int | None:
        """The number of the attempt; None: it is missing."""
        return self.whole.whole("attempt")

    @property
    def has_completed(self) -> bool:
        """Whether the attempt completed: it left a result and did not fail."""
        return bool(self.result) and not self.failure

    @property
    def result(self) -> Document:
        """The result; of a failed optimisation the one that was reached."""
        return self.whole.part("result")

    @property
    def failure(self) -> Document:
        """The failure: reason, message, hint, evidence."""
        return self.whole.part("failure")

    @property
    def convergence(self) -> Document:
        """The thresholds of an optimisation, and the values it reached."""
        return self.result.part("convergence")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the result."""
        return self.whole.texts("warnings")


def outcome(text: str | None) -> OutcomeDocument:
    """Read the outcome of an attempt; a damaged one is empty."""
    return OutcomeDocument(document(text))
