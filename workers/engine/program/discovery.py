"""The xtb program on PATH: where it is, which version, and what it is started with.

Standard library only: the command line and workers ask before any engine is loaded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

NAME = "xtb"
# The time for printing its version; a slow network file system makes loading slow.
_VERSION_S = 20.0
_VERSION = re.compile(r"xtb version (\d[\w.]*)")
# What the program may see of the environment: its libraries, its threads, and the mark that a keeper knows
# its processes by.  Not HOME, where files of the user's would change its settings.
_ENVIRONMENT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "TMPDIR",
    "TZ",
    "OMP_NUM_THREADS",
    "OMP_STACKSIZE",
    "OMP_MAX_ACTIVE_LEVELS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "NOX_KEEPER_MARK",
)
GFN0_PARAMETERS = "param_gfn0-xtb.txt"


class Program(NamedTuple):
    """An xtb program."""

    path: str
    version: str  # empty: it does not tell, so it is not used

    def parameters(self) -> str | None:
        """Find the directory of its parameter files, by `XTBPATH` or next to the program; None: it has none.

        Only GFN0-xTB needs one: the other methods are built in.
        """
        named = [Path(part) for part in os.environ.get("XTBPATH", "").split(os.pathsep) if part]
        beside = Path(os.path.realpath(self.path)).parents[1] / "share" / "xtb"
        found = (folder for folder in (*named, beside) if (folder / GFN0_PARAMETERS).is_file())
        return next((str(folder) for folder in found), None)


def find() -> Program | None:
    """Look for the program; None: there is none on PATH."""
    path = shutil.which(NAME)
    if path is None:
        return None
    status = Path(path).stat()
    return Program(path, _version(path, status.st_mtime_ns, status.st_size))


def environment(folder: Path, parameters: str = "") -> dict[str, str]:
    """Return the environment in which the program is started.

    Args:
        folder: its home and, unless there are parameters, the only place it looks for parameter files, which
            would replace what is built in.
        parameters: the directory of parameter files a method needs.
    """
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    own = {"HOME": str(folder), "XTBPATH": parameters or str(folder), "XTBHOME": str(folder)}
    # Unbuffered, each step of an optimisation is seen as it is done.
    return kept | own | {"LC_ALL": "C", "GFORTRAN_UNBUFFERED_ALL": "y"}


@cache
def _version(path: str, _changed_ns: int, _size: int) -> str:
    """Ask a program for its version, once for each file at its path."""
    try:
        told = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(Path("/")),
            cwd="/",
            timeout=_VERSION_S,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    found = _VERSION.search(told.decode("utf-8", "replace"))
    return found[1] if found else ""
