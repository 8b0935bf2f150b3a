"""`nox watch` off a terminal: a line a change, or NDJSON."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from tests.commands.conftest import opened
from tests.support.ended import complete, fail, water
from tests.support.nox import Nox
from tests.support.stores import beat, claim, failed, outcome, run_to_end, submit, submit_named

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.conftest import StartRedis
    from workers.store.base import Store


def read(watching: subprocess.Popen[str], count: int) -> list[dict[str, Any]]:
    """Read so many lines of NDJSON."""
    assert watching.stdout is not None
    return [json.loads(watching.stdout.readline()) for _ in range(count)]


def brief(lines: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Name number and raw state of each line."""
    return [(line["number"], line["raw_state"]) for line in lines]


def test_every_change_is_an_object(any_nox: Nox, any_store: Store) -> None:
    """
    --json tells how each job is, then each change once and in order, until all are final.
    """
    submit_named(any_store, "cat int1")
    watching = any_nox.popen("watch", "1-2", "--json")
    first = read(watching, 2)
    for ended in (outcome(), failed()):
        any_store.finish(claim(any_store).lease, ended)
    rest = read(watching, 4)

    assert [(1, "queued"), (2, "queued")] == brief(first)
    assert [(1, "running"), (1, "done"), (2, "running"), (2, "failed")] == brief(rest)
    assert ["pending", "pending", "running", "completed", "running", "failed"] == [
        line["state"] for line in [*first, *rest]
    ]
    assert ("scf", 1, "cat", 1) == (rest[3]["reason"], rest[3]["attempt"], rest[0]["name"], rest[0]["schema"])
    assert 1 == watching.wait(60)
    assert ["", ""] == [*watching.communicate()]


def test_going_on_from_a_cursor(any_nox: Nox, any_store: Store) -> None:
    """
    With --since the stream goes on behind a line, without that line and without what went before.
    """
    complete(any_store)
    lines = [json.loads(line) for line in any_nox("watch", "1", "--json", "--since", "0").stdout.splitlines()]
    later = any_nox("watch", "1", "--json", "--since", lines[1]["cursor"]).stdout.splitlines()

    assert [(1, "queued"), (1, "running"), (1, "done")] == brief(lines)
    assert [lines[2]] == [json.loads(line) for line in later]
    assert 2 == any_nox("watch", "1", "--since", "banana").returncode


def test_a_line_a_change(nox: Nox, store: Store) -> None:
    """
    Without --json and off a terminal each change is a line with time, job, state and reason.
    """
    complete(store)
    fail(store)
    ended = nox("watch", "1-2")
    lines = [line.split("  ") for line in ended.stdout.splitlines()]

    assert [["1 water", "done"], ["2 prod2", "failed", "not converged"]] == [line[1:] for line in lines]
    assert all(line[0].endswith("Z") for line in lines)
    assert 1 == ended.returncode


def test_watch_which_jobs(nox: Nox, store: Store) -> None:
    """
    Without a selector the last submit is watched, with --all all that have not ended.
    """
    assert 3 == nox("watch").returncode
    complete(store)
    last = complete(store, water("last"))

    assert last == json.loads(nox("watch", "--json").stdout)["job_id"]
    assert 3 == nox("watch", "--all").returncode


def test_ctrl_c_ends_the_view_only(any_nox: Nox, any_store: Store) -> None:
    """
    Ctrl-C is 130 and names the command to go on with; the job is untouched.
    """
    submit_named(any_store, "cat")
    lease = claim(any_store).lease
    watching = any_nox.popen("watch", "1")
    assert watching.stdout is not None
    assert watching.stdout.readline().endswith("1 cat  running\n")
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=60)

    assert (130, "interrupted; jobs go on\nhint: go on with nox watch 1\n") == (watching.returncode, said)
    assert not any_store.get(lease.job_id).cancel_requested


def test_a_redis_that_goes_away(fresh_redis: StartRedis, home: Path) -> None:
    """
    While Redis is away stderr says so; afterwards the stream goes on, nothing lost or doubled.
    """
    server = fresh_redis()
    nox = Nox(home, server.url)
    try:
        store = opened(nox)
        cat, _ = submit(store, water("cat"), water("int1"))
        store.tick(beat())
        watching = nox.popen("watch", "1-2", "--json")
        assert [(1, "queued"), (2, "queued")] == brief(read(watching, 2))
        run_to_end(store, cat)
        assert [(1, "running"), (1, "done")] == brief(read(watching, 2))
        server.stop()
        assert watching.stderr is not None
        away = watching.stderr.readline()
        server.start()
        again = watching.stderr.readline()
        after = opened(nox)
        after.tick(beat())
        after.finish(claim(after).lease, outcome())

        assert "the store does not answer; reconnecting...\n" == away
        assert "the store answers again\n" == again
        assert [(2, "running"), (2, "done")] == brief(read(watching, 2))
        assert 0 == watching.wait(60)
        assert ("", "") == watching.communicate()
        store.close()
        after.close()
    finally:
        nox.close()
