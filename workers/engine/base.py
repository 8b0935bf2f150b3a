"""The Engine protocol.  `tests/conformance/test_engine.py` holds every kind to it.

An engine runs in a child process that holds no credentials: it gets a specification and an empty folder
and gives a result.  It imports nothing of the store, the queue or the runner, and its compute libraries
load only when it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.job import Progress
    from workers.result import ChemistryResult, EchoResult
    from workers.spec import ChemistrySpec, EchoSpec


class Engine(Protocol):
    """Runs one job at a time."""

    name: str

    def version(self) -> str:
        """The version of the library that computes."""

    def warm(self) -> None:
        """Let the libraries allocate their permanent memory: called once a process, before limits are set."""

    def run(
        self,
        spec: EchoSpec | ChemistrySpec,
        scratch: Path,
        report: Callable[[Progress], None],
        warn: Callable[[str], None],
    ) -> EchoResult | ChemistryResult:
        """Run a job to its end.

        Args:
            spec: what to compute.
            scratch: an empty directory of this attempt; `opt.xyz` and `trajectory.xyz` go there as they
                grow, so that a crash leaves what was reached.
            report: called with each step's progress; cheap to call often.
            warn: called with each warning for the user.

        Raises:
            EngineInput: the engine refuses the structure or an option.  Never retried.
            NotConverged: the optimiser's cycle limit was reached; its `partial` is the last result.
            ScfNotConverged: the self-consistent iterations did not converge.
        """
