"""`--fallback` and NOX_FALLBACK: what becomes of jobs while Redis cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.redis_server import free_port
from tests.support.terminal import Terminal
from workers.job import JobState, Reason
from workers.store.opening import open_local
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartRedis
    from tests.support.nox import Nox
    from workers.store.base import Store

ECHO = ("submit", "--kind", "echo")
UNDER_WAY = (JobState.HELD, Reason.MOVED)


@pytest.fixture
def away() -> dict[str, str | None]:
    """An environment in which Redis refuses connections."""
    return {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}


@pytest.fixture
def local(nox: Nox) -> Iterator[Store]:
    """The local store."""
    found = open_local(StoreSettings(None, "nox:", nox.home))
    yield found
    found.close()


def test_local_runs_here(nox: Nox, away: dict[str, str | None]) -> None:
    """
    The jobs are stored and run here, stderr says so, and other commands find them.
    """
    env = away | {"NOX_AUTOSTART": "always"}
    ended = nox(*ECHO, "--fallback", "local", env=env, check=True)
    (job_id,) = ended.stdout.split()

    assert "refused the connection; jobs go to the local store" in ended.stderr
    waited = nox("wait", job_id, env=env | {"NOX_FALLBACK": "local"}, check=True)
    assert "these are jobs of the local store" in waited.stderr


def test_commands_that_are_named_find_the_jobs(nox: Nox, away: dict[str, str | None]) -> None:
    """
    They name the local store, where the settings still name the Redis that cannot be reached.
    """
    env = away | {"NOX_AUTOSTART": "always"}
    with Terminal(nox, *ECHO, "--fallback", "local", "--watch", columns=120, env=env) as terminal:
        terminal.wait_for("nox watch @last --local · nox results @last --local")
        terminal.wait_for("next: nox results 1 --local    nox fetch 1 --local")
    with Terminal(nox, *ECHO, "--fallback", "hold", columns=120, env=env) as terminal:
        terminal.wait_for("held: nox push, or nox release @last --local · nox watch @last --local")
    waited = nox(*ECHO, "--fallback", "hold", "--wait", env=env).stderr

    assert "later: nox wait @last --local" in waited


def test_hold_keeps_for_push_or_release(
    nox: Nox, local: Store, away: dict[str, str | None], redis_url: str
) -> None:
    """
    The jobs are held here, and nothing is started; released they wait here, pushed they are ready in Redis.
    """
    env = away | {"NOX_AUTOSTART": "always", "NOX_FALLBACK": "hold"}
    ended = nox(*ECHO, env=env, check=True)
    (first,) = ended.stdout.split()
    (second,) = nox(*ECHO, env=env, check=True).stdout.split()
    (held,) = nox(*ECHO, "--hold", env=env, check=True).stdout.split()

    assert "jobs are held in the local store" in ended.stderr
    assert "nox push hands them over, nox release runs them here" in ended.stderr
    assert [UNDER_WAY, UNDER_WAY, (JobState.HELD, None)] == [
        (job.state, job.reason) for job in local.get_many([first, second, held])
    ]
    assert [] == local.workers()
    assert "nox push" in nox("explain", second, env=env, check=True).stdout

    nox("release", first, env=env | {"NOX_AUTOSTART": "never"}, check=True)
    assert (JobState.QUEUED, None) == (local.get(first).state, local.get(first).reason)
    there = {"REDIS_URL": redis_url}
    nox("push", second, held, env=there, check=True)
    states = nox("list", "-o", "csv", "--columns", "raw_state", env=there, check=True).stdout.split()
    assert ["raw_state", "held", "queued"] == states


@pytest.mark.parametrize(
    "words", [("list",), ("status",), ("status", "1"), ("wait", "1", "--timeout", "0"), ("list", "--json")]
)
def test_held_jobs_are_pointed_to(
    nox: Nox, away: dict[str, str | None], redis_url: str, words: tuple[str, ...]
) -> None:
    """
    Who looks for them in Redis, whether it answers or not, learns that they are in the local store.
    """
    there: dict[str, str | None] = {"REDIS_URL": redis_url}
    told = "1 job is held in the local store: see them with --local, hand them to redis with nox push"
    assert "held in the local store" not in nox(*words, env=there).stderr
    nox(*ECHO, "--fallback", "hold", env=away, check=True)

    answers = [nox(*words, env=env) for env in (there, away)]

    assert [True, True] == [told in ended.stderr for ended in answers]
    nox("push", env=there, check=True)
    assert told not in nox(*words, env=there).stderr


@pytest.mark.parametrize("words", [("list",), ("status", "1"), ("results", "--json")])
def test_local_jobs_are_pointed_to_while_redis_is_unreachable(
    nox: Nox, away: dict[str, str | None], words: tuple[str, ...]
) -> None:
    """
    After `--fallback local`, a command without a fallback fails, and its hint names the local store.
    """
    hint = "the local store has jobs: see them with --local"
    before = nox(*words, env=away)
    nox(*ECHO, "--fallback", "local", env=away, check=True)
    after = nox(*words, env=away)

    assert [4, 4] == [before.returncode, after.returncode]
    assert [False, True] == [hint in ended.stderr for ended in (before, after)]


def test_jobs_are_looked_for_here_too(nox: Nox, redis_url: str) -> None:
    """
    With Redis there, a job that it does not have is found here, and stderr says so; one that is nowhere is
    not, and without a fallback nothing is looked for here.
    """
    (here,) = nox(*ECHO, check=True).stdout.split()
    there: dict[str, str | None] = {"REDIS_URL": redis_url, "NOX_FALLBACK": "hold"}
    nox(*ECHO, env=there, check=True)
    found = nox("status", here, "--json", env=there, check=True)

    assert here in found.stdout
    assert "redis has no such job; this is one of the local store" in found.stderr
    assert 3 == nox("status", "f" * 32, env=there).returncode
    assert 3 == nox("status", here, env=there | {"NOX_FALLBACK": None}).returncode


def test_fallback_what_cannot_be_known_is_no_answer(nox: Nox, away: dict[str, str | None]) -> None:
    """
    A job that is not here may be in the Redis that cannot be reached: that is the error.
    """
    nox(*ECHO, check=True)
    for words in (("status", "f" * 32), (*ECHO, "--after", "77")):
        ended = nox(*words, env=away | {"NOX_FALLBACK": "local"})

        assert 4 == ended.returncode
        assert "refused the connection" in ended.stderr


def test_fallback_what_is_required_is_no_fallback(
    nox: Nox, local: Store, away: dict[str, str | None]
) -> None:
    """
    --require-store redis fails whatever NOX_FALLBACK is, and contradicts --fallback; nothing is stored.
    """
    env = away | {"NOX_FALLBACK": "local"}
    ended = nox(*ECHO, "--require-store", "redis", env=env)
    assert 4 == ended.returncode
    assert "the job was not submitted" in ended.stderr
    assert 2 == nox(*ECHO, "--require-store", "redis", "--fallback", "hold", env=away).returncode
    assert 2 == nox(*ECHO, env=away | {"NOX_FALLBACK": "elsewhere"}).returncode
    assert 4 == nox(*ECHO, "--fallback", "none", env=env).returncode
    assert {} == local.counts()


def test_a_redis_that_refuses_is_an_error(nox: Nox, local: Store, fresh_redis: StartRedis) -> None:
    """
    A Redis that answers and refuses is not away.
    """
    server = fresh_redis(requirepass="secret")
    wrong: dict[str, str | None] = {"REDIS_URL": f"redis://:wrong@127.0.0.1:{server.port}/0"}

    assert 4 == nox(*ECHO, "--fallback", "local", env=wrong).returncode
    assert {} == local.counts()


def test_run_goes_on_here(nox: Nox, away: dict[str, str | None]) -> None:
    """
    `nox run` runs here with local, and holds nothing with hold: that is an error.
    """
    ran = nox("run", "--kind", "echo", env=away | {"NOX_FALLBACK": "local"})
    assert (0, True) == (ran.returncode, "jobs go to the local store" in ran.stderr)
    assert 4 == nox("run", "--kind", "echo", env=away | {"NOX_FALLBACK": "hold"}).returncode
