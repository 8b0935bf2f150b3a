"""Engines: each that is installed really loads and computes, in a child, so that a crash is a finding."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workers.engine import registry
from workers.engine.program import discovery
from workers.findings import Finding, ok, problem, warning

if TYPE_CHECKING:
    from workers.keeper.keeper import Ended

# How long loading and computing may take; a slow network file system is slow at the former.
LIMIT_S = 60.0
# How long an engine that does not end may take to be ended.
END_S = 20.0
HYDROGEN = {
    "kind": "sp",
    "structure": {"symbols": ["H", "H"], "positions_angstrom": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.74]]},
}
# GFN2-xTB's, by the xtb program.
ENERGY_HARTREE, TOLERANCE_HARTREE = -0.981983694, 1e-6
PROGRAM = "xtb-cli"
_ONLY_THERE = "jobs with --gfnff, --gfn 0, --bhess, --input or --"


def installed() -> tuple[str, ...]:
    """Name the engines to look at."""
    return tuple(registry.installed())


def check_any() -> list[Finding]:
    """Say so if there is no engine at all."""
    if installed():
        return []
    found = "none is installed here: jobs can be handed over, not computed"
    libraries = [name for name, kind in registry.ENGINES.items() if kind.distribution]
    return [warning("engines", found, f"pip install {' or '.join(reversed(libraries))}")]


def check_program() -> list[Finding]:
    """Say so if there is no xtb program, or one that cannot be used for everything."""
    found = discovery.find()
    if found is None:
        return [ok(PROGRAM, f"no xtb program is on PATH: {_ONLY_THERE} wait for a worker that has one")]
    if not found.version:
        told = f"{found.path} does not tell its version as the xtb program does, and is not used"
        return [warning(PROGRAM, told, "put the xtb program first on PATH")]
    if found.parameters() is None:
        told = (
            f"the xtb program at {found.path} has no {discovery.GFN0_PARAMETERS}: it cannot compute GFN0-xTB"
        )
        return [warning(PROGRAM, told, "set XTBPATH to the directory that has it")]
    return []


def check_engine(name: str) -> list[Finding]:
    """Have an engine compute a hydrogen molecule."""
    from workers.result import ChemistryResult

    shown, kind = f"{name} {registry.installed()[name]}", registry.ENGINES[name]
    if why := registry.problem(name):
        return [problem(name, why, f"apt-get install {kind.package}, or what it is called here")]
    start = time.monotonic()
    ended = _compute(name)
    if ended.stopped is not None:
        found = f"{shown} did not compute a hydrogen molecule within {LIMIT_S:.0f} s"
        return [problem(name, found, "look for a disk that hangs, or too many processes")]
    if ended.failure is not None or not isinstance(ended.result, ChemistryResult):
        return [_failed(name, shown, ended)]
    energy = ended.result.energy_hartree
    if abs(energy - ENERGY_HARTREE) > TOLERANCE_HARTREE:
        found = f"{shown} computes {energy:.9f} Eh for a hydrogen molecule, not {ENERGY_HARTREE}"
        return [problem(name, found, _anew(name))]
    return [ok(name, f"{shown} loads and computes a hydrogen molecule ({time.monotonic() - start:.1f} s)")]


def _compute(name: str) -> Ended:
    from nox_cli.doctor.engine_child import Child

    with Child(name) as child:
        return child.compute(HYDROGEN, limit_s=LIMIT_S)


def _failed(name: str, shown: str, ended: Ended) -> Finding:
    failure = ended.failure
    message = failure.message if failure else "it gave no result"
    last = failure.evidence[-1:] if failure else ()
    words = f" ({last[0].strip()})" if last else ""
    hint = failure.hint if failure else ""
    return problem(name, f"{shown} cannot compute: {message}{words}", hint or _anew(name))


def _anew(name: str) -> str:
    """Say how to install an engine again."""
    distribution = registry.ENGINES[name].distribution
    if not distribution:
        return "install the xtb program anew, or put another first on PATH"
    return f"install it anew: pip install --force-reinstall {distribution}"
