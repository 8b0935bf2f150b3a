"""An engine that computes as it should and leaves in its folder what no engine should.

The name of the structure's file says what; things of the test's own lie beside that file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workers.engine import registry
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workers.job import Progress
    from workers.result import ChemistryResult, EchoResult
    from workers.spec import EchoSpec


def preload(libraries: Sequence[str]) -> None:
    """Load what the real one loads."""
    registry.preload(libraries)


def prepare(spec: EchoSpec | ChemistrySpec) -> None:
    """Prepare what the real one prepares."""
    registry.prepare(spec)


def run(
    spec: EchoSpec | ChemistrySpec,
    scratch: Path,
    report: Callable[[Progress], None],
    warn: Callable[[str], None],
) -> EchoResult | ChemistryResult:
    """Compute, then litter."""
    result = registry.run(spec, scratch, report, warn)
    if isinstance(spec, ChemistrySpec):
        source = Path(spec.source.file)
        what, _, count = source.stem.partition("-")
        LITTER[what](scratch, source.parent, int(count or 0))
    return result


def links(scratch: Path, folder: Path, _: int) -> None:
    """Links to what is somebody's own, and to what never ends, under the names of artifacts."""
    (scratch / "opt.xyz").symlink_to(folder / ".ssh" / "id_ed25519")
    (scratch / "trajectory.xyz").symlink_to("/dev/zero")


def special(scratch: Path, _: Path, __: int) -> None:
    """A pipe that nobody writes to, and a folder."""
    os.mkfifo(scratch / "opt.xyz")
    (scratch / "trajectory.xyz").mkdir()


def swapped(scratch: Path, folder: Path, _: int) -> None:
    """Another folder in the place of its own, with a file of an artifact's name."""
    os.chdir("/")
    scratch.rmdir()
    scratch.symlink_to(folder / ".ssh")


def outside(scratch: Path, _: Path, __: int) -> None:
    """Files beside its folder, and names that lead there."""
    (scratch / ".." / "opt.xyz").write_text("outside")
    (scratch / "..opt.xyz").write_text("outside")
    (scratch / "-rf").write_text("outside")
    (scratch / "up").symlink_to("..")


def many(scratch: Path, _: Path, count: int) -> None:
    """Very many files."""
    for number in range(count):
        (scratch / f"opt.xyz.{number}").touch()


LITTER: dict[str, Callable[[Path, Path, int], None]] = {
    "links": links,
    "special": special,
    "swapped": swapped,
    "outside": outside,
    "many": many,
}
