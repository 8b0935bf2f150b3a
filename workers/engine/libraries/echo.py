"""The engine of echo jobs: it returns the payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.result import EchoResult
from workers.spec import EchoSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.job import Progress
    from workers.spec import ChemistrySpec


class EchoEngine:
    """Returns what it is given."""

    name = "echo"

    def version(self) -> str:
        """Echo has one version."""
        return "1"

    def warm(self) -> None:
        """Echo has no libraries."""

    def run(
        self,
        spec: EchoSpec | ChemistrySpec,
        scratch: Path,  # noqa: ARG002 - the protocol's
        report: Callable[[Progress], None],  # noqa: ARG002 - the protocol's
        warn: Callable[[str], None],  # noqa: ARG002 - the protocol's
    ) -> EchoResult:
        """Return the payload."""
        assert isinstance(spec, EchoSpec)
        return EchoResult(payload=spec.payload)


ENGINE = EchoEngine()
