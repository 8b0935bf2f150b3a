"""Records that somebody edited by hand: those jobs fail, nothing in them is executed, the others run."""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.doctor import printed_without_engines
from tests.support.vandal import vandal_of
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

DAMAGES = [("state", "banana"), ("priority", "high"), ("tags", "\x1b[2J")]


def calculation(**fields: object) -> str:
    """Write the specification of a water molecule's energy."""
    structure = {"symbols": ["He"], "positions_angstrom": [[0, 0, 0]]}
    return json.dumps({"kind": "sp", "structure": structure, **fields})


class Planted:
    """What would run a command if anything unpickled it."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Make the canary's file."""
        return (exec, (f"open({str(self.canary)!r}, 'w')",))


def specifications(canary: Path) -> list[str]:
    """List specifications that each would leave the canary's file if they were obeyed."""
    command = f"$(touch {canary})"
    return [
        pickle.dumps(Planted(canary), protocol=0).decode("latin-1"),
        f"!!python/object/apply:os.system ['touch {canary}']",
        json.dumps({"kind": "os.system", "payload": f"touch {canary}"}),
        calculation(engine="os.system"),
        calculation(engine=command),
        calculation(method=command),
        calculation(solvent=f"; touch {canary}"),
        calculation(charge=f"--input=/etc/passwd `touch {canary}`"),
        calculation(unpaired=-1, cycles=-1),
        "[" * 100_000,
        '{"kind": "echo", "payload": NaN}',
        "",
    ]


def respecify(nox: Nox, job_id: str, text: str) -> None:
    """Put another specification in the place of a job's."""
    if nox.redis_url:
        with redis.Redis.from_url(nox.redis_url) as client:
            client.set(f"nox:spec:{job_id}", text)
        return
    where = "number = (SELECT number FROM jobs WHERE id = ?)"
    with closing(sqlite3.connect(nox.home / "nox.sqlite3", timeout=10)) as database, database:
        database.execute(f"UPDATE specs SET spec = ? WHERE {where}", (text, bytes.fromhex(job_id)))


def stored(nox: Nox, count: int) -> list[str]:
    """Store echo jobs that nobody runs yet."""
    return nox.submit("-", "--no-start", "-q", input='{"kind": "echo"}\n' * count)


def run_all(nox: Nox) -> str:
    """Let a worker run what there is, and end when there is no more; its log."""
    worker = nox.worker("--slots", "1", "--idle-timeout", "1")
    assert 0 == worker.wait(100), worker.log
    return worker.log


def test_a_specification_that_was_edited_is_executed_by_nobody(any_nox: Nox, tmp_path: Path) -> None:
    """
    Pickles, YAML, commands in any field, endless nesting: each job fails, the next one runs, nothing is done.
    """
    canary = tmp_path / "canary"
    texts = specifications(canary)
    *edited, good = stored(any_nox, len(texts) + 1)
    for job_id, text in zip(edited, texts, strict=True):
        respecify(any_nox, job_id, text)
    log = run_all(any_nox)
    states = [any_nox.job(job_id).state for job_id in (*edited, good)]

    assert not canary.exists()
    assert ["failed"] * len(edited) + ["done"] == states, log
    assert "Traceback" not in log
    for words in ("status 1", "status @all", "results @all -a", "list --json", "logs 1"):
        ended = any_nox(*words.split())
        assert "Traceback" not in ended.stderr
        assert ended.returncode in {0, 3}, f"{words}: {ended}"


@pytest.mark.parametrize(("field", "value"), DAMAGES)
def test_a_record_that_was_edited_is_told_and_harms_no_other(any_nox: Nox, field: str, value: str) -> None:
    """
    Every command shows such a job as failed, its record unreadable, and does its work on the others.
    """
    first, edited, last = stored(any_nox, 3)
    vandal_of(StoreSettings(any_nox.redis_url, "nox:", any_nox.home)).damage(edited, field, value)
    shown = any_nox.status(edited)["state"], any_nox.job(edited).reason
    log = run_all(any_nox)
    ended = {words: any_nox(*words.split()) for words in (
        "status @all", "list", "list --json", "results @all -a", f"wait {first} {last}", f"logs {edited}",
        f"cancel {edited} -y",
    )}  # fmt: skip
    code, findings = printed_without_engines(any_nox)

    assert ("failed", "damaged") == shown
    assert [["done"], ["done"]] == [[any_nox.job(job_id).state] for job_id in (first, last)], log
    assert "Traceback" not in log + "".join(done.stderr for done in ended.values())
    assert not {70} & {code, *(done.returncode for done in ended.values())}, ended
    assert "Traceback" not in findings
    assert "\x1b" not in log + findings + "".join(done.stdout + done.stderr for done in ended.values())
