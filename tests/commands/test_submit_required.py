"""`nox submit --require-store`: jobs go where they must, or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.nox import Nox

ECHO = ("submit", "--kind", "echo", "--payload", "1", "--no-start")


def count(nox: Nox) -> int:
    """Count the jobs of this test's store."""
    with nox.store() as store:
        return sum(store.counts().values())


def test_a_redis_that_is_not_set_is_an_error(nox: Nox) -> None:
    """
    As under cron, where the variable is missing: exit 4, nothing stored, what to do.
    """
    ended = nox(*ECHO, "--require-store", "redis")

    assert (4, "", 0) == (ended.returncode, ended.stdout, count(nox))
    assert (
        "error: --require-store redis, and REDIS_URL is not set; nothing was submitted\n"
        "hint: export REDIS_URL=redis://HOST:6379/0\n"
    ) == ended.stderr


def test_the_local_store_by_choice_is_not_redis(redis_nox: Nox) -> None:
    """
    `--local` and `--require-store redis` contradict each other, whatever is set.
    """
    ended = redis_nox(*ECHO, "--local", "--require-store", "redis")

    assert (4, "", 0) == (ended.returncode, ended.stdout, count(redis_nox))
    assert "--require-store redis, and --local chooses the local store; nothing was submitted" in ended.stderr


def test_a_redis_that_is_set_is_not_local(redis_nox: Nox) -> None:
    """
    The other way round, the error names where the address came from.
    """
    ended = redis_nox(*ECHO, "--require-store", "local")

    assert (4, "", 0) == (ended.returncode, ended.stdout, count(redis_nox))
    assert "--require-store local, and REDIS_URL names a Redis; nothing was submitted" in ended.stderr
    assert "hint: add --local\n" in ended.stderr


def test_the_store_that_is_required_is_used(any_nox: Nox) -> None:
    """
    Where jobs go there anyway, nothing changes.
    """
    required = "redis" if any_nox.redis_url else "local"
    ended = any_nox(*ECHO, "--require-store", required, "--require-durable", check=True)

    assert 1 == len(ended.stdout.split()) == count(any_nox)
