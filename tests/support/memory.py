"""How much memory processes have had at their peak."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.nox import COMMAND

if TYPE_CHECKING:
    from tests.support.nox import Nox

CLIENT_KIB = 150 * 1024
WORKER_KIB = 120 * 1024
LIMIT_S = 600.0  # with a hundred thousand jobs, on a busy machine
# A process begins with the peak of the one that started it, so a small one stands in between.
_MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(ended.returncode)
"""


def peak_kib(nox: Nox, *words: str, code: int = 0, stdin: str = "") -> int:
    """Run a nox command that must end with a code; the most memory it had."""
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURE, *COMMAND, *words],
        env=nox.environ,
        cwd=nox.cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert code == ended.returncode, ended.stderr
    return int(ended.stdout)


def peak_so_far_kib(pid: int) -> int:
    """Read the most memory a living process has had."""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
