"""Programs that show molecules: those that nox knows, and the choice of one."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_OPENED = "nothing was opened"
# In this order they are looked for.  All read xyz files of several structures; xdg-open starts the program of
# the desktop for the type of a file.
KNOWN = ("avogadro2", "avogadro", "jmol", "pymol", "vmd", "xdg-open")
# These read the cell of a crystal from a POSCAR.  That of an extended xyz file is ignored by Jmol 16.2.
_READS_POSCAR = frozenset({"avogadro2", "avogadro", "jmol"})
# These are used in the terminal, which is theirs until they end.
_IN_TERMINAL = frozenset({"vmd", "less", "more", "vi", "vim", "nvim", "nano"})
# They need a display all the same.
_IN_WINDOWS_TOO = frozenset({"vmd"})


class Viewer(NamedTuple):
    """A program that shows a file."""

    argv: tuple[str, ...]  # the file follows

    @property
    def name(self) -> str:
        """The name of the program, without its directory."""
        return Path(self.argv[0]).name

    @property
    def reads_poscar(self) -> bool:
        """Whether it reads the cell of a crystal from a POSCAR."""
        return self.name in _READS_POSCAR

    @property
    def holds_terminal(self) -> bool:
        """Whether it runs in the terminal, and the command ends with it."""
        return self.name in _IN_TERMINAL

    @property
    def needs_display(self) -> bool:
        """Whether it opens windows."""
        return not self.holds_terminal or self.name in _IN_WINDOWS_TOO


def choose(wanted: str, environ: Mapping[str, str], elsewhere: str) -> Viewer:
    """Choose a viewer that can run here.

    Args:
        wanted: the program and its arguments, quoted as in a shell; empty: the first of `KNOWN` on PATH.
        environ: the environment, which has PATH and the display.
        elsewhere: the command that fetches the file to another machine, for an error.

    Raises:
        UsageError: there is no such program, or no display for its windows.
    """
    viewer = _wanted(wanted, environ) if wanted else None
    has_display = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    if not has_display and (viewer is None or viewer.needs_display):
        raise UsageError(
            "there is no display here: DISPLAY is not set",
            did=NOT_OPENED,
            hint=f"copy the file to your machine and open it there: {elsewhere}; or log in with ssh -X",
        )
    viewer = viewer or _on_path(environ)
    if viewer is None:
        raise UsageError(
            f"none of {', '.join(KNOWN)} is on PATH",
            did=NOT_OPENED,
            hint='install one, or name yours: viewer = "PROGRAM" in your config.toml, or --viewer PROGRAM',
        )
    return viewer


def _wanted(words: str, environ: Mapping[str, str]) -> Viewer:
    """Find the program that a user named.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        argv = shlex.split(words)
    except ValueError as error:
        raise UsageError(
            f"the viewer {words!r} is no command line: {str(error).lower()}", did=NOT_OPENED
        ) from None
    program = shutil.which(argv[0], path=environ.get("PATH")) if argv else None
    if program is None:
        name = argv[0] if argv else words
        raise UsageError(
            f"the viewer {name} is not on PATH", did=NOT_OPENED, hint="nox config show names its origin"
        )
    return Viewer((program, *argv[1:]))


def _on_path(environ: Mapping[str, str]) -> Viewer | None:
    found = (shutil.which(name, path=environ.get("PATH")) for name in KNOWN)
    return next((Viewer((program,)) for program in found if program), None)
