"""Ctrl-C at any instant of a submit: what is said last is true."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

from nox_cli.submission.head_start import LEAST_INPUTS
from tests.support.examples import EXAMPLES
from tests.support.nox import COMMAND
from tests.support.waiting import wait_until
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

# So many instants are tried besides those at which something is written.
INSTANTS = 5
_CALL = re.compile(r"\w+\(")
# All was said, and the exit code is fixed.
_END = "exit_group("
_WRITING = ("fdatasync", "sendto")


def submit_under_strace(nox: Nox, *options: str, count: int = 1) -> subprocess.CompletedProcess[str]:
    """Submit a structure, so many times, under strace."""
    words = ["submit", *["w.xyz"] * count, "--no-start"]
    return subprocess.run(
        ["strace", "-qq", *options, *COMMAND, *words],
        env=nox.environ, cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def instants(nox: Nox, trace: Path, count: int = 1) -> list[tuple[str, int]]:
    """Choose system calls between reading the input and the end: by name, and how many of it came before."""
    submit_under_strace(nox, "-o", str(trace), count=count)
    counts: Counter[str] = Counter()
    calls: list[tuple[str, int]] = []
    for line in trace.read_text(errors="replace").splitlines():
        if line.startswith(_END):
            break
        if found := _CALL.match(line):
            name = found[0][:-1]
            counts[name] += 1
            if calls or '"w.xyz"' in line.partition("execve")[0]:
                calls.append((name, counts[name]))
    writing = [call for call in calls if call[0] in _WRITING]
    return sorted({*calls[:: max(1, len(calls) // INSTANTS)], *writing, calls[-1]})


def stored(nox: Nox) -> set[str]:
    """Find the ids of all jobs."""
    items = json.loads(nox("list", "--json", "--limit", "1000", check=True).stdout)["items"]
    return {job["job_id"] for job in items}


def test_interrupted_submit_whatever_is_said_last_is_true(any_nox: Nox, tmp_path: Path) -> None:
    """
    At whichever system call Ctrl-C comes, the job is stored and its id printed, or it is said that none is.
    """
    (any_nox.cwd / "w.xyz").write_bytes((EXAMPLES / "water.xyz").read_bytes())
    any_nox("submit", "--kind", "echo", "--no-start", check=True)
    chosen = instants(any_nox, tmp_path / "trace")
    before = stored(any_nox)
    printed: set[str] = set()
    for name, number in chosen:
        ended = submit_under_strace(
            any_nox, "-o", "/dev/null", "-e", f"inject={name}:signal=INT:when={number}"
        )
        ids = set(ended.stdout.split())
        now = stored(any_nox)

        assert ids == now - before, f"{name} {number}: {ended}"
        assert 130 == ended.returncode, f"{name} {number}: {ended}"
        assert bool(ids) != ("interrupted; nothing was submitted" in ended.stderr), (
            f"{name} {number}: {ended}"
        )
        assert "Traceback" not in ended.stderr
        before, printed = now, printed | ids

    assert printed
    assert len(chosen) > len(printed)


def test_an_interrupted_submit_of_many_files_is_whole_or_nothing(any_nox: Nox, tmp_path: Path) -> None:
    """
    The same of a submit whose first jobs are stored early: exactly the jobs whose ids are printed are stored.
    """
    (any_nox.cwd / "w.xyz").write_bytes((EXAMPLES / "water.xyz").read_bytes())
    any_nox("submit", "--kind", "echo", "--no-start", check=True)
    chosen = [call for call in instants(any_nox, tmp_path / "trace", LEAST_INPUTS) if call[0] in _WRITING]
    before = stored(any_nox)
    seen: set[bool] = set()
    for name, number in chosen[:: max(1, len(chosen) // INSTANTS)]:
        inject = f"inject={name}:signal=INT:when={number}"
        ended = submit_under_strace(any_nox, "-o", "/dev/null", "-e", inject, count=LEAST_INPUTS)
        ids = set(ended.stdout.split())
        now = stored(any_nox)

        assert ids == now - before, f"{name} {number}: {ended.stderr}"
        assert 130 == ended.returncode, f"{name} {number}: {ended.stderr}"
        assert bool(ids) != ("interrupted; nothing was submitted" in ended.stderr), f"{name}: {ended.stderr}"
        before = now
        seen.add(bool(ids))

    assert {True, False} == seen


def test_a_large_submit_stops_in_between(redis_nox: Nox, tmp_path: Path) -> None:
    """
    Ctrl-C in the middle of many jobs: exactly those whose ids were printed are stored, and they are counted.
    """
    requests = tmp_path / "many.ndjson"
    requests.write_text('{"kind": "echo"}\n' * 60_000)
    process = redis_nox.popen("submit", str(requests))
    wait_until(lambda: count(redis_nox), 30, "the first jobs")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    ids = out.split()

    assert 130 == process.returncode
    assert len(ids) == len(set(ids)) == count(redis_nox)
    assert f"interrupted; {len(ids):,} of 60,000 jobs were submitted" in err


def count(nox: Nox) -> int:
    """Count the jobs of a Redis."""
    store = open_store(StoreSettings(nox.redis_url, "nox:", nox.home))
    try:
        return sum(store.counts().values())
    finally:
        store.close()
