"""Names made to be taken for paths, of jobs that got past all checks: no file elsewhere is touched."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
from contextlib import closing
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nox_cli.names import job_name, name_from
from tests.support.examples import EXAMPLES
from tests.support.nox import COMMAND
from tests.support.stores import ADA, artifact, claimant, new_job, outcome
from workers.errors import InputRefused
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.support.nox import Nox

TOKEN = "canary"  # in every name, so that a path made of one is known by it
PARTS = (
    "../", "..", "/", "/etc/", "/tmp/", "~/", "./", "//", "\\", "..\\", "\x00", "\n", "\x1b[2J", "-rf ", "--",
    "|", "$(id)", "`id`", ";", "*", "?", "%2e%2e/", "\u202e", "\u0301" * 9, "\ufeff", "\uff0e\uff0e\uff0f",
    " ", ".", "CON.", "nul", "x" * 300, "é", "分子", "\U000e0041", "{name}", "{job.id}", "attempt-1/",
)  # fmt: skip
_CALL = re.compile(r"\d+ +(?P<name>\w+)\((?P<rest>.*)")
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)?<(?P<folder>[^>]*)>, )?"(?P<name>(?:[^"\\]|\\.)*)"')
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")
_CHANGES = {"mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "creat",
            "symlink", "symlinkat", "link", "linkat", "mknod", "mknodat", "truncate"}  # fmt: skip


def hostile(count: int) -> list[str]:
    """Make names of parts that would lead elsewhere, the same each time."""
    chance = random.Random(69)
    return [
        "".join(chance.choices(PARTS, k=chance.randint(1, 4))) + f"{TOKEN}{number}" for number in range(count)
    ]


def touched(trace: Path, cwd: Path) -> Iterator[tuple[str, bool]]:
    """Read every path that a system call named, in full, and whether something was to be changed there."""
    for line in trace.read_text(errors="replace").splitlines():
        if call := _CALL.match(line):
            changes = call["name"] in _CHANGES or bool(_WRITES.search(call["rest"]))
            for path in _PATH.finditer(call["rest"]):
                yield normpath(Path(path["folder"] or cwd) / path["name"]), changes


def traced(nox: Nox, trace: Path, *words: str) -> None:
    """Run a nox command to its end under strace, noting all that it and its children do with files."""
    strace = ["strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "trace=%file", "-o", str(trace)]
    ended = subprocess.run(
        [*strace, *COMMAND, *words],
        env=nox.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(nox.cwd / "tmp")},
        cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert 0 == ended.returncode, ended.stderr[-2000:]


def outside(paths: Iterable[tuple[str, bool]], *inside: Path) -> list[str]:
    """Name the paths that lie elsewhere and either hold a name's token or were to be changed."""
    own = ("/dev/null/", "/proc/self/", *(f"{path}/" for path in inside))
    return sorted(
        {path for path, changes in paths if changes or TOKEN in path if not f"{path}/".startswith(own)}
    )


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_worker_makes_no_path_of_a_name(nox: Nox, tmp_path: Path, count: int) -> None:
    """
    Whatever jobs are called, a worker, its keeper and its engines change nothing outside the state
    directory and the worker's own scratch, and no path they name holds any of a job's name.
    """
    plain = json.dumps({"kind": "echo", "payload": 1})
    jobs = [new_job(name, batch=name, spec_json=plain) for name in hostile(count)]
    nox.submit(str(EXAMPLES / "water.xyz"), "--opt", "--no-start")
    with closing(sqlite3.connect(nox.home / "nox.sqlite3")) as database, database:
        database.execute("UPDATE jobs SET name = ?", (jobs[0].name,))
    with nox.store() as store:
        store.submit(jobs, submission="one")
    (tmp_path / "tmp").mkdir(mode=0o700)
    traced(nox, tmp_path / "trace", "worker", "--for", "all", "--slots", "2", "--idle-timeout", "1")
    paths = list(touched(tmp_path / "trace", nox.cwd))
    with nox.store() as store:
        ended = store.counts()

    assert {JobState.DONE: 1 + len(jobs)} == dict(ended)
    assert any("scratch" in path or "tmp/nox-" in path for path, _ in paths)
    assert [] == outside(paths, nox.home, tmp_path / "tmp")
    assert [] == sorted({path for path, _ in paths if TOKEN in path})


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.long)])
def test_fetching_writes_into_its_directory_only(nox: Nox, tmp_path: Path, count: int) -> None:
    """
    Files named after jobs lie in the directory that was asked for, one for each job, and nowhere else.
    """
    names = hostile(count)
    with nox.store() as store:
        store.submit([new_job(name) for name in names], submission="one")
        while found := store.claim(claimant()):
            store.finish(found.lease, outcome(artifacts=(artifact("engine.log", found.job.name),)))
    (tmp_path / "tmp").mkdir(mode=0o700)
    nox.environ["NOX_USER"] = ADA
    traced(nox, tmp_path / "trace", "fetch", f"1-{count}", "engine.log", "-d", "out")
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]

    assert count == len(made)
    assert {tmp_path / "out"} == {path.parent for path in made}
    assert [] == outside(touched(tmp_path / "trace", nox.cwd), tmp_path / "out", nox.home)


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_name_is_refused_or_harmless(count: int) -> None:
    """
    Of generated names each is refused or stays in any directory it is joined to; a name made of any of
    them is never refused.
    """
    for text in hostile(count):
        made = name_from(text)

        assert made == job_name(made)
        assert Path("/a") == (Path("/a") / made).parent
        try:
            assert "/" not in job_name(text)
        except InputRefused:
            continue
        assert Path("/a") == (Path("/a") / text).parent
