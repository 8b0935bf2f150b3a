"""A worker is frozen while it gives a file its name, and wakes up when another owns the job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.standin.pauses import let_go
from tests.support.signed import LARGE_MIB, LIMIT_S, kept_of, run_out, signatures, submit_signing, worker_at
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox


@pytest.mark.parametrize("point", ["written", "renamed"])
def test_a_file_named_too_late_is_not_shown(any_nox: Nox, tmp_path: Path, point: str) -> None:
    """
    Just before the rename or just after: the new owner's record and files stay byte for byte, those of the
    old one are gone, and nothing half-written is left.
    """
    nox, book, mark = any_nox, tmp_path / "book", tmp_path / "mark"
    job_id = submit_signing(nox, book, mib=LARGE_MIB)
    old = worker_at(nox, point, mark)
    old.freeze()
    run_out(nox, job_id)
    nox.worker("--slots", "1", standin=True)
    nox.wait(job_id, "completed", LIMIT_S)
    before = kept_of(nox, job_id)
    let_go(mark)
    old.thaw()
    old.wait_log("lease lost, discarded", LIMIT_S)
    shown = f"{job_id}/attempt-2/engine.log"

    assert replace(before, files={shown: before.files[shown]}) == kept_of(nox, job_id)
    assert (JobState.DONE, 2) == (before.job.state, before.job.attempt)
    assert ["worker_lost"] == [tried.ended_as for tried in before.earlier]
    assert 2 == len(set(signatures(book)))
    assert [job_id] == [path.name for path in (nox.home / "artifacts").iterdir()]
