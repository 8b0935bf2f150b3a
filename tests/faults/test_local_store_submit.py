"""The answer of `nox submit` is true, whatever became of the disk."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.disk import How, compiled
from tests.support.sound import go_on, look

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

JOBS = '{"kind": "echo", "payload": 1}\n{"kind": "echo", "payload": 2}\n'
HOWS = (How.EIO_ONCE, How.FULL, How.TORN)
SAMPLED = (1, 9, 16)
MOST = 200
NOTHING_STORED = "nothing was submitted"
NOT_KNOWN = "submitted is not known"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes the disk fail."""
    return compiled(tmp_path_factory.mktemp("shim"))


def submit(nox: Nox, shim: Path, at: int, how: How) -> bool:
    """Submit two jobs while the n-th call of the disk goes wrong; whether anything did."""
    before = set(look(nox.home).jobs)
    trouble = {"LD_PRELOAD": str(shim), "DISK_AT": str(at), "DISK_HOW": str(how.value)}
    ended = nox("submit", "-", "--no-start", input=JOBS, env=trouble)
    new = set(look(nox.home).jobs) - before
    printed = set(ended.stdout.split())

    assert printed <= new
    assert "Traceback" not in ended.stderr
    if ended.returncode == 0:
        assert 2 == len(printed) == len(new)
    elif ended.returncode == -signal.SIGKILL:
        assert len(new) in {0, 2}
    else:
        assert ended.returncode == 4, ended.stderr
        assert NOT_KNOWN in ended.stderr or NOTHING_STORED in ended.stderr, ended.stderr
        assert NOTHING_STORED not in ended.stderr or not new, ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize("how", HOWS)
def test_local_store_submit_what_submit_says_is_true(nox: Nox, shim: Path, how: How) -> None:
    """
    At some calls of the disk: ids that are printed are stored, and what was not submitted is not there.
    """
    nox.submit("-", "--no-start", input=JOBS)
    wrong = [submit(nox, shim, at, how) for at in SAMPLED]
    go_on(nox.home)

    assert any(wrong)


@pytest.mark.long
@pytest.mark.parametrize("how", HOWS)
def test_local_store_submit_what_submit_says_is_true_at_every_call(nox: Nox, shim: Path, how: How) -> None:
    """
    The same at every call of the disk, as long as any that goes wrong changes how submit ends.
    """
    nox.submit("-", "--no-start", input=JOBS)
    right = 0
    for at in range(1, MOST):
        right = 0 if submit(nox, shim, at, how) else right + 1
        if right > 30:
            break
    go_on(nox.home)

    assert right > 30
