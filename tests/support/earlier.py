"""An earlier nox, kept as an archive of its two packages, to run next to the one under test.

`python -m tests.support.earlier COMMIT` makes the archive anew, at each release.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "data" / "earlier.tar.xz"
PACKAGES = ("nox_cli", "workers")


def unpack(target: Path) -> dict[str, str]:
    """Unpack the earlier packages; return what lets a process of this test's nox be one of the earlier nox.

    It runs under the interpreter, and with the libraries, of the tests.
    """
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(target, filter="data")
    return {"PYTHONPATH": str(target)}


def commit() -> str:
    """Read which commit the archive was made from: git notes it in the archive's header."""
    with tarfile.open(ARCHIVE) as archive:
        return archive.pax_headers["comment"]


def main(wanted: str) -> None:
    """Make the archive of a commit's packages."""
    command = ["git", "archive", "--format=tar", wanted, *PACKAGES]
    plain = subprocess.run(command, check=True, capture_output=True).stdout
    ARCHIVE.write_bytes(lzma.compress(plain, preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(sys.argv[1])
