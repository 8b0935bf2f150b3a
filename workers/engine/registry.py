"""The engines: by name, and those that a worker on this machine can offer.

Nothing of an engine loads before it is needed; versions are read from what is installed.  This module is also
what the engine child runs jobs with (`preload`, `prepare`, `run`).
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from workers.engine.distributions import version_of
from workers.engine.program import discovery
from workers.errors import EngineInput, EngineMissing
from workers.spec import ChemistrySpec, engine_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from workers.engine.base import Engine
    from workers.job import Progress
    from workers.result import ChemistryResult, EchoResult
    from workers.spec import EchoSpec

ECHO = "echo"
# Optimiser and vibrations load with the first job that wants them: single points start 15 ms earlier.
_STEPS = "workers.engine.libraries.steps"


class Kind(NamedTuple):
    """The module and the requirements of an engine."""

    module: str  # its `ENGINE` is the engine
    distribution: str  # whose version is the engine's; empty: it drives a program
    library: str  # what to import ahead of the first job
    shared: str = ""  # a shared library of the system's that its wheel does not bring
    package: str = ""  # the package that has it


ENGINES = {
    "xtb": Kind("workers.engine.libraries.xtb", "xtb", "xtb.interface"),
    "tblite": Kind(
        "workers.engine.libraries.tblite", "tblite", "tblite.interface", "libgomp.so.1", "libgomp1"
    ),
    "xtb-cli": Kind("workers.engine.program.engine", "", "workers.engine.program.calculation"),
}


def available(names: Iterable[str] | None = None) -> dict[str, str]:
    """The engines, of these or of all, that can run here, each with its version, besides echo."""
    return {name: version for name, version in installed(names).items() if not problem(name)}


def installed(names: Iterable[str] | None = None) -> dict[str, str]:
    """The engines, of these or of all, that are installed here, each with its version.

    They may not be able to run.  A program is asked for its version, which takes longer than looking.
    """
    found = {}
    for name in ENGINES if names is None else names:
        distribution = ENGINES[name].distribution
        version = version_of(distribution) if distribution else _program_version()
        if version:
            found[name] = version
    return found


def _program_version() -> str:
    """The version of the xtb program here; empty: there is none, or it does not tell."""
    found = discovery.find()
    return found.version if found is not None else ""


def problem(name: str) -> str:
    """Return why an installed engine cannot run here, with what to do; empty: it can."""
    kind = ENGINES[name]
    if kind.shared and sys.platform == "linux" and not _loads(kind.shared):
        return f"{name} needs {kind.shared}, which is not here: install the package {kind.package}"
    return ""


def keys() -> frozenset[str]:
    """The engine keys a worker here offers: `echo`, `xtb`, `xtb@22.1`, ..."""
    offered = {ECHO}
    for name, version in available().items():
        offered |= {name, engine_key(name, version)}
    return frozenset(offered)


def load(name: str) -> Engine:
    """Import an engine.

    Raises:
        EngineMissing: it is not installed here, or cannot be loaded.
    """
    kind = ENGINES.get(name)
    if name == ECHO:
        module = "workers.engine.libraries.echo"
    elif kind is None:
        raise EngineMissing(f"there is no engine called {name}", hint=f"engines are {', '.join(ENGINES)}")
    else:
        module = kind.module
    try:
        engine: Engine = importlib.import_module(module).ENGINE
    except ImportError as error:
        raise _missing(name, error) from None
    except OSError as error:
        raise _missing(name, error) from None
    return engine


def needs(engine_key: str) -> frozenset[str]:
    """Name the libraries that a job wants loaded ahead, by the key of its engine."""
    name = engine_key.partition("@")[0]
    return frozenset({name} if name in ENGINES else ())


def likely_needs(offered: frozenset[str]) -> frozenset[str]:
    """Name the libraries that most jobs want, of a worker that offers these engines (`keys`)."""
    engine = next((name for name in ENGINES if name in offered), None)
    return frozenset({engine}) if engine else frozenset()


def preload(libraries: Sequence[str]) -> None:
    """Import the modules of engines; a failed import is reported by the job that needs it."""
    for name in libraries:
        with suppress(ImportError, OSError):
            importlib.import_module(ENGINES[name].library if name in ENGINES else name)
            if name in ENGINES:
                load(name)


def prepare(spec: EchoSpec | ChemistrySpec) -> None:
    """Load what a job needs, before limits are set.

    Raises:
        EngineMissing: it is not installed here, or cannot be loaded.
    """
    if isinstance(spec, ChemistrySpec):
        warm(spec.engine)
        if spec.kind not in {"sp", "grad"}:
            importlib.import_module(_STEPS)


@cache
def warm(name: str) -> None:
    """Load an engine and have its libraries take what they keep, once a process.

    Raises:
        EngineMissing: it is not installed here, or cannot be loaded.
    """
    load(name).warm()


def run(
    spec: EchoSpec | ChemistrySpec,
    scratch: Path,
    report: Callable[[Progress], None],
    warn: Callable[[str], None],
) -> EchoResult | ChemistryResult:
    """Check a job and run it with the engine it names.

    Raises:
        InputRefused: it cannot be computed.
        EngineInput: the engine cannot compute the specification.
        EngineMissing: the engine is not here, or not in the version asked for.
        EngineError: whatever the engine raises.
    """
    if not isinstance(spec, ChemistrySpec):
        return load(ECHO).run(spec, scratch, report, warn)
    _check(spec)
    engine = load(spec.engine)
    have, want = engine_key(engine.name, engine.version()), spec.engine_key
    if want not in (engine.name, have):
        raise EngineMissing(f"the job wants {want}, and here is {have}")
    return engine.run(spec, scratch, report, warn)


def _check(spec: ChemistrySpec) -> None:
    """Refuse what no engine, or not this one, can compute.

    Raises:
        InputRefused: the structure or the solvent cannot be computed.
        EngineInput: this engine cannot compute the specification.
    """
    from workers.engine.abilities import able, lacking, needs
    from workers.engine.molecule.specification import check_spec

    check_spec(spec)
    wanted = needs(spec, has_cell=spec.structure.lattice_angstrom is not None)
    if missing := lacking(spec.engine, wanted):
        others = " or ".join(f"--engine {name}" for name in able(wanted))
        hint = f"ask for {others}" if others else "no engine has all of it"
        raise EngineInput(f"{spec.engine} has no {' and no '.join(missing)}", hint=hint)


@cache
def _loads(shared: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(shared)
    except OSError:
        return False
    return True


def _missing(name: str, error: Exception) -> EngineMissing:
    kind = ENGINES.get(name)
    why = problem(name) if kind is not None else ""
    if why:
        return EngineMissing(why)
    if kind is not None and kind.shared and kind.shared in str(error):
        return EngineMissing(f"{name} needs {kind.shared}: install the package {kind.package}")
    return EngineMissing(
        f"the engine {name} is not installed here",
        evidence=(str(error),),
        hint=f"pip install {kind.distribution if kind else name}, or run the job where it is installed",
    )
