"""What a failing Redis is called in nox's words."""

from __future__ import annotations

import socket
import ssl

import pytest

from workers.errors import Retry, StoreDamaged, StoreFull, StoreRefused, StoreUnreachable
from workers.store.redis.errors import check_server, refused, unreachable
from workers.store.redis.resp import reply_error

PLACE = "node01:6379"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "redis at node01:6379 refused the connection"),
        (TimeoutError("timed out"), "redis at node01:6379 did not answer"),
        (ConnectionResetError("gone"), "redis at node01:6379 closed the connection"),
        (BrokenPipeError(32, "Broken pipe"), "redis at node01:6379 closed the connection"),
        (
            socket.gaierror(-2, "Name unknown"),
            "redis at node01:6379 cannot be reached: this host is not known",
        ),
        (
            FileNotFoundError(2, "No such file"),
            "redis at node01:6379 cannot be reached: there is no such socket",
        ),
        (OSError(113, "No route to host"), "redis at node01:6379 cannot be reached: no route to host"),
    ],
)
def test_a_server_out_of_reach_is_told_by_how(error: OSError, what: str) -> None:
    """
    Each way not to be reached has its words; all may be tried again later.
    """
    told = unreachable(error, PLACE)

    assert isinstance(told, StoreUnreachable)
    assert (what, Retry.LATER) == (told.what, told.retry)


def test_a_certificate_that_is_not_trusted_is_a_refusal() -> None:
    """
    Trying again does not help, and nothing falls back to plain text.
    """
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"

    assert isinstance(unreachable(error, PLACE), StoreRefused)


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("WRONGPASS invalid username-password pair", StoreRefused, "refused the name or password"),
        ("NOAUTH Authentication required.", StoreRefused, "wants a password"),
        (
            "NOPERM User x has no permissions to run the 'evalsha' command",
            StoreRefused,
            "may not run EVALSHA",
        ),
        ("NOPERM No permissions to access a key", StoreRefused, "may not touch the keys of nox"),
        ("READONLY You can't write against a read only replica.", StoreRefused, "is a read-only replica"),
        ("MISCONF Redis is configured to save RDB snapshots", StoreRefused, "refuses writes"),
        ("MOVED 1234 node02:6379", StoreRefused, "is a cluster"),
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreFull, "is full"),
        ("LOADING Redis is loading the dataset in memory", StoreUnreachable, "still loading"),
        ("BUSY Redis is busy running a script.", StoreUnreachable, "busy with a script"),
        ("UNBLOCKED force unblock from blocking operation", StoreUnreachable, "has become a replica"),
        ("WRONGTYPE Operation against a key", StoreDamaged, "something else under a key"),
        ("ERR max number of clients reached", StoreRefused, "max number of clients reached"),
    ],
)
def test_a_refusal_is_told_by_its_code(text: str, kind: type[Exception], part: str) -> None:
    """
    The codes a server refuses with become the kinds of errors nox knows.
    """
    told = refused(reply_error(text), PLACE)

    assert kind is type(told)
    assert told.what.startswith(f"redis at {PLACE} ")
    assert part in told.what


@pytest.mark.parametrize(
    "info",
    [
        {"redis_version": "7.2.0"},
        {"redis_version": "8.0.2", "redis_mode": "standalone"},
        {"redis_version": "7.2.4", "valkey_version": "8.0.1"},
        {"redis_version": "10.0"},
        {},
    ],
)
def test_a_server_nox_works_with_is_taken(info: dict[str, str]) -> None:
    """
    From 7.2 (Valkey: 8) on; one that says nothing of itself gets the benefit of the doubt.
    """
    check_server(info, PLACE)


@pytest.mark.parametrize(
    ("info", "what"),
    [
        ({"redis_version": "6.2.14"}, "redis 6.2.14 at node01:6379: nox needs redis 7.2 or newer"),
        ({"redis_version": "7.0.15"}, "redis 7.0.15 at node01:6379: nox needs redis 7.2 or newer"),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.8"}, "valkey 7.2.8 at node01:6379: nox needs"),
        ({"redis_version": "8.0.0", "redis_mode": "cluster"}, "redis at node01:6379 is a cluster"),
    ],
)
def test_a_server_nox_does_not_work_with_is_refused(info: dict[str, str], what: str) -> None:
    """
    Too old, or a cluster: told at once, not by a script that fails later.
    """
    with pytest.raises(StoreRefused) as caught:
        check_server(info, PLACE)

    assert caught.value.what.startswith(what)
