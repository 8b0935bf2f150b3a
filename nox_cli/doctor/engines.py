"""Checks of the engines: each loads and computes in a child process, so that a crash is a finding."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from workers.engine import registry
from workers.engine.program import discovery
from workers.findings import Finding, ok, problem, warning
from workers.keeper.keeper import ENTRY, Keeper, Limits, Stop, Task
from workers.sizes import GIB, time_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from workers.keeper.keeper import Ended

# The limit for loading and computing; a slow network file system makes loading slow.
LIMIT_S = 60.0
# The limit for ending an engine that does not end by itself.
END_S = 20.0
_GRACE_S = 1.0
_NO_LIMIT = 0
HYDROGEN = {
    "kind": "sp",
    "structure": {"symbols": ["H", "H"], "positions_angstrom": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.74]]},
}
# The energy by GFN2-xTB, from the xtb program.
ENERGY_HARTREE, TOLERANCE_HARTREE = -0.981983694, 1e-6
PROGRAM = "xtb-cli"
_ONLY_THERE = "jobs with --gfnff, --gfn 0, --bhess, --input or --"


class Child:
    """Computes specifications with one engine, in a process of its own as for jobs."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._keeper = Keeper(grace_s=_GRACE_S, entry=ENTRY)

    def __enter__(self) -> Self:
        """Return this; the first calculation starts the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and all that it started."""
        self._keeper.close()

    def compute(self, spec: Mapping[str, Any], *, limit_s: float) -> Ended:
        """Compute a specification.

        Args:
            spec: the specification, without the engine.
            limit_s: the time for loading and computing; past it, `stopped` of the result is set.
        """
        alarm = threading.Timer(limit_s, self._keeper.stop, [Stop.CANCEL])
        alarm.daemon = True
        alarm.start()
        try:
            with TemporaryDirectory(prefix="nox-doctor-") as scratch:
                task = Task(
                    json.dumps({**spec, "engine": self._engine}).encode(),
                    Limits(memory_bytes=GIB, time_s=_NO_LIMIT),
                    Path(scratch),
                    on_progress=lambda _: None,
                    loads=registry.needs(self._engine),
                )
                return self._keeper.run(task)
        finally:
            alarm.cancel()


def installed() -> tuple[str, ...]:
    """Return the names of the engines to check."""
    return tuple(registry.installed())


def check_any() -> list[Finding]:
    """Warn if no engine is installed."""
    if installed():
        return []
    found = "none is installed here: jobs can be handed over, not computed"
    libraries = [name for name, kind in registry.ENGINES.items() if kind.distribution]
    return [warning("engines", found, f"pip install {' or '.join(reversed(libraries))}")]


def check_program() -> list[Finding]:
    """Report a missing xtb program, or one that cannot be used for everything."""
    found = discovery.find()
    if found is None:
        return [ok(PROGRAM, f"no xtb program is on PATH: {_ONLY_THERE} wait for a worker that has one")]
    if not found.version:
        fault = f"{found.path} does not tell its version as the xtb program does, and is not used"
        return [warning(PROGRAM, fault, "put the xtb program first on PATH")]
    if found.parameters() is None:
        fault = (
            f"the xtb program at {found.path} has no {discovery.GFN0_PARAMETERS}: it cannot compute GFN0-xTB"
        )
        return [warning(PROGRAM, fault, "set XTBPATH to the directory that has it")]
    return []


def check_engine(name: str) -> list[Finding]:
    """Compute a hydrogen molecule with an engine."""
    from workers.result import ChemistryResult

    shown, kind = f"{name} {registry.installed()[name]}", registry.ENGINES[name]
    if why := registry.problem(name):
        return [problem(name, why, f"apt-get install {kind.package}, or what it is called here")]
    start = time.monotonic()
    with Child(name) as child:
        ended = child.compute(HYDROGEN, limit_s=LIMIT_S)
    if ended.stopped is not None:
        found = f"{shown} did not compute a hydrogen molecule within {LIMIT_S:.0f} s"
        return [problem(name, found, "look for a disk that hangs, or too many processes")]
    if ended.failure is not None or not isinstance(ended.result, ChemistryResult):
        return [_failed(name, shown, ended)]
    energy = ended.result.energy_hartree
    if abs(energy - ENERGY_HARTREE) > TOLERANCE_HARTREE:
        found = f"{shown} computes {energy:.9f} Eh for a hydrogen molecule, not {ENERGY_HARTREE}"
        return [problem(name, found, _anew(name))]
    took = time_words(time.monotonic() - start)
    return [ok(name, f"{shown} loads and computes a hydrogen molecule ({took})")]


def _failed(name: str, shown: str, ended: Ended) -> Finding:
    failure = ended.failure
    message = failure.message if failure else "it gave no result"
    last = failure.evidence[-1:] if failure else ()
    words = f" ({last[0].strip()})" if last else ""
    hint = failure.hint if failure else ""
    return problem(name, f"{shown} cannot compute: {message}{words}", hint or _anew(name))


def _anew(name: str) -> str:
    """Return the hint to install an engine again."""
    distribution = registry.ENGINES[name].distribution
    if not distribution:
        return "install the xtb program anew, or put another first on PATH"
    return f"install it anew: pip install --force-reinstall {distribution}"
