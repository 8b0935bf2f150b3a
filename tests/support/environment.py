"""The environment tests run in: nothing of the person who starts them, and no batch system."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_FOREIGN = (
    "REDIS_URL",
    "NOX_",
    "XDG_",
    "SLURM_",
    "SLURMD_",
    "PBS_",
    "LSB_",
    "SGE_",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
)
_SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
_SCHEDULERS = ("sbatch", "qsub", "bsub")
_KEPT = ("COVERAGE_PROCESS_START", "TMPDIR")


def scrub(environ: MutableMapping[str, str]) -> None:
    """Take out of `environ` whatever would reach nox from outside the tests, and set a plain PATH."""
    for name in [name for name in environ if name.startswith(_FOREIGN)]:
        del environ[name]
    environ["PATH"] = search_path()


def search_path() -> str:
    """The directory of this Python's programs, then the system's, all without a batch system's."""
    return os.pathsep.join([str(Path(sys.executable).parent), *map(_without_schedulers, _SYSTEM)])


def clean(home: Path, redis_url: str | None = None) -> dict[str, str]:
    """Make the whole environment of a nox process whose state lies in `home`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {
        "PATH": search_path(),
        "HOME": str(home.parent),
        "LANG": "C.UTF-8",
        "NOX_HOME": str(home),
    }
    return kept | own | ({"REDIS_URL": redis_url} if redis_url else {})


def changed(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Apply changes to an environment; None takes a variable out."""
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}


@cache
def _without_schedulers(directory: str) -> str:
    """Name the directory, or one of links that lacks a batch system's programs if it has them.

    All processes of tests share the links, until a program is installed.
    """
    if not any(Path(directory, program).exists() for program in _SCHEDULERS):
        return directory
    real = Path(directory).resolve()
    version = f"{os.getuid()}{real}-{real.stat().st_mtime_ns}".replace("/", "-")
    links = Path(tempfile.gettempdir(), f"nox-tests-bin-{version}")
    if not links.exists():
        made = Path(tempfile.mkdtemp(prefix="nox-tests-bin-"))
        for program in real.iterdir():
            if program.name not in _SCHEDULERS:
                (made / program.name).symlink_to(program)
        try:
            made.rename(links)
        except OSError:  # another process was first
            shutil.rmtree(made)
    return str(links)
