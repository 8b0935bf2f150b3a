"""Very many jobs: lists come in pages, and memory stays small."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.nox import COMMAND

if TYPE_CHECKING:
    from tests.nox import Nox

JOBS = 20_000
CLIENT_KIB = 150 * 1024
# A process begins with the peak of the one that started it, so a small one stands in between.
MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(ended.returncode)
"""


def peak_kib(nox: Nox, *words: str) -> int:
    """Run a command that must end well; the most memory it had."""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, *COMMAND, *words],
        env=nox.environ,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 0 == ended.returncode, ended.stderr
    return int(ended.stdout)


def fill(nox: Nox) -> None:
    """Submit all the jobs."""
    requests = nox.cwd / "many.ndjson"
    requests.write_text('{"kind": "echo"}\n' * JOBS)
    nox("submit", str(requests), "--no-start", "-q", check=True)


def test_lists_of_many_jobs_are_pages_in_little_memory(any_nox: Nox) -> None:
    """
    With 20,000 jobs waiting, submit, list, status and results each stay below 150 MB.
    """
    fill(any_nox)
    peaks = {
        words: peak_kib(any_nox, *words.split())
        for words in (
            "list",
            "list --limit 1000 --json",
            "status",
            "results @all -a --limit 10",
            "list -q --limit 20000",
        )
    }
    page = any_nox("list", "-q", "--limit", "100", check=True).stdout.split()

    assert 100 == len(set(page))
    assert {} == {words: peak for words, peak in peaks.items() if peak > CLIENT_KIB}
