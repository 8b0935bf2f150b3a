"""On a shared machine: what nox makes is its owner's alone from the first instant, whatever the umask."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES
from tests.support.nox import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox

_PID = re.compile(r"(\d+) +(.*)")
_UMASK = re.compile(r"umask\(0?(\d+)\)")
_BORN = re.compile(r"(?:clone3?|v?fork)\b.*= (\d+)$")
_MADE = re.compile(r"(?:openat|open|creat|mkdir|mkdirat|mknod|mknodat)\(")
_PATH = re.compile(r'(?:AT_FDCWD|\d+)?(?:<([^>]*)>, )?"([^"]*)"')
_MODE = re.compile(r"(?:O_CREAT[^,]*|mkdir(?:at)?\([^\"]*\"[^\"]*\"), (0\d*)")
_GONE = re.compile(r'(?:unlink|unlinkat|rename|renameat2?|rmdir)\((?:.*?<([^>]*)>, )?"([^"]*)"')
CALLS = (
    "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,umask,clone,clone3,fork,vfork"
)


def made(trace: Path) -> Iterator[tuple[str, bool, int]]:
    """Read who made what: the path, whether it is a directory, and the mode it had at that instant."""
    masks: dict[str, int] = {}
    known: set[str] = set()
    for line in trace.read_text(errors="replace").splitlines():
        found = _PID.fullmatch(line)
        pid, call = (found[1], found[2]) if found else ("", line)
        if mask := _UMASK.match(call):
            masks[pid] = int(mask[1], 8)
        if born := _BORN.search(call):
            masks.setdefault(born[1], masks.get(pid, 0))
        if gone := _GONE.match(call):
            known.discard(os.path.join(gone[1] or "", gone[2]))
        mode = _MODE.search(call)
        if not (_MADE.match(call) and mode) or (call.endswith((")", "directory)")) and "= -1" in call):
            continue
        named = _PATH.search(call)
        assert named is not None, line
        path = os.path.join(named[1] or "", named[2])
        if path not in known:
            known.add(path)
            yield path, call.startswith("mkdir"), int(mode[1], 8) & ~masks.get(pid, 0)


def traced(nox: Nox, trace: Path, *words: str, **environ: str) -> None:
    """Run a nox command to its end under umask 000 and strace."""
    ended = subprocess.run(
        ["strace", "-f", "-y", "-qq", "-e", f"trace={CALLS}", "-o", str(trace), *COMMAND, *words],
        env=nox.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | environ,
        cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=100, umask=0,
    )  # fmt: skip
    assert 0 == ended.returncode, ended.stderr


def test_permissions_all_is_private_from_the_instant_it_is_made(nox: Nox, tmp_path: Path) -> None:
    """
    Under umask 000 every directory that submit, a worker and its engine make is 0700 and every file 0600.
    """
    (nox.cwd / "w.xyz").write_bytes((EXAMPLES / "methanol.xyz").read_bytes())
    places = {
        "NOX_HOME": f"{tmp_path}/new/deep/state",
        "NOX_ARTIFACTS": f"{tmp_path}/other/deep/artifacts",
        "TMPDIR": f"{tmp_path}/tmp",
    }
    (tmp_path / "tmp").mkdir(mode=0o700)
    traced(nox, tmp_path / "t1", "submit", "w.xyz", "--opt", "--no-start", **places)
    traced(nox, tmp_path / "t2", "worker", "--slots", "1", "--idle-timeout", "0.5", **places)
    found = [entry for name in ("t1", "t2") for entry in made(tmp_path / name)]
    own = [entry for entry in found if entry[0].startswith(str(tmp_path))]
    left = [path for top in ("new", "other", "tmp") for path in (tmp_path / top).rglob("*")]

    assert {"completed"} == {nox("status", "1", "--json", env=places).stdout.split('"state": "')[1][:9]}
    assert {"nox.sqlite3.new", "artifacts", "opt.xyz"} <= {os.path.basename(path) for path, _, _ in own}
    assert [] == [(path, oct(mode)) for path, _, mode in own if mode & 0o077]
    assert [] == [path for path in left if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@pytest.mark.parametrize("command", ["submit --kind echo", "list", "worker", "run --kind echo", "status"])
def test_a_directory_that_others_can_enter_is_refused(nox: Nox, command: str) -> None:
    """
    No command uses a state directory of mode 0755; each says which chmod closes it, and makes nothing.
    """
    nox.home.chmod(0o755)
    ended = nox(*command.split())

    assert 4 == ended.returncode, ended.stderr
    assert f"chmod 700 {nox.home}" in ended.stderr
    assert [] == list(nox.home.iterdir())


@pytest.mark.parametrize("command", ["submit --kind echo", "list", "worker"])
def test_a_directory_of_somebody_else_is_refused(nox: Nox, command: str) -> None:
    """
    A state directory that another user owns is not used, whatever its mode.
    """
    foreign = nox.home if os.getuid() == 0 else type(nox.home)("/usr")
    if os.getuid() == 0:
        os.chown(foreign, 65534, 65534)
    ended = nox(*command.split(), env={"NOX_HOME": str(foreign)})

    assert 4 == ended.returncode, ended.stderr
    assert "belongs to another user" in ended.stderr


def test_a_directory_below_one_that_anybody_may_change_is_refused(nox: Nox, tmp_path: Path) -> None:
    """
    Where others could put another directory in its place, the state directory is not used; below a sticky
    one, as /tmp is, it is.
    """
    open_to_all = tmp_path / "open"
    (open_to_all / "state").mkdir(mode=0o700, parents=True)
    open_to_all.chmod(0o777)
    places = {"NOX_HOME": f"{open_to_all}/state"}
    refused = nox("submit", "--kind", "echo", "--no-start", env=places)
    open_to_all.chmod(0o1777)
    taken = nox("submit", "--kind", "echo", "--no-start", env=places)

    assert (4, 0) == (refused.returncode, taken.returncode)
    assert f"anybody may change {open_to_all}" in refused.stderr
