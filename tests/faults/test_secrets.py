"""A password stays where it was put: no line, log, command line, engine or file of nox holds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.doctor import printed_without_engines
from tests.support.nox import Nox
from tests.support.processes import PROC, arguments, is_alive
from tests.support.redis_server import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer

CANARY = "c4n@ry/of ours?"
SPELLINGS = (CANARY, quote(CANARY, safe=""), CANARY.partition("/")[2])
COMMANDS = (
    "status", "status @last --json", "status @last --raw", "list --all-users", "results @all", "logs @last",
    "fetch @last --ls", "watch --json @last", "worker list --json", "doctor", "config show --json",
    "status --debug no-such",
)  # fmt: skip


@pytest.fixture
def server(fresh_redis: StartRedis) -> RedisServer:
    """A Redis that asks for a password."""
    return fresh_redis(requirepass=CANARY)


@pytest.fixture(params=["url", "file"])
def guarded(request: pytest.FixtureRequest, server: RedisServer, home: Path, tmp_path: Path) -> Iterator[Nox]:
    """Nox that knows the password from the URL, and from a file."""
    driven = Nox(home, url(server.port, SPELLINGS[1]))
    if request.param == "file":
        password = tmp_path / "secret"
        password.touch(mode=0o600)
        password.write_text(CANARY + "\n")
        driven.environ |= {"REDIS_URL": url(server.port), "NOX_REDIS_PASSWORD_FILE": str(password)}
    driven.redis_url = url(server.port, SPELLINGS[1])
    yield driven
    driven.close()


def url(port: int, password: str = "", rest: str = "/0", scheme: str = "redis") -> str:
    """Write the address of a server on this machine."""
    return f"{scheme}://{f':{password}@' if password else ''}127.0.0.1:{port}{rest}"


def spilt(text: str) -> list[str]:
    """Find the password in a text, however it is spelt."""
    return [spelling for spelling in SPELLINGS if spelling in text]


def files_with_secret(root: Path, but: str) -> list[Path]:
    """Find the files that hold the password, but those of this name."""
    found = (path for path in root.rglob("*") if path.is_file() and path.name != but)
    return [path for path in found if spilt(path.read_bytes().decode(errors="replace"))]


def test_a_password_stays_where_it_was_put(guarded: Nox, tmp_path: Path) -> None:
    """
    Over a job's whole life the password is in no output, log, command line, engine's environment or file.
    """
    worker = guarded.worker("--slots", "1", "--log-format", "json", standin=True)
    goal = tmp_path / "goal"
    lingering = f'{{"do": "linger", "until": "{goal}"}}'
    telling = '{"do": "tell", "print": ["spoken"]}'
    (first,) = guarded.submit("--kind", "echo", "--payload", lingering, "-q")
    wait_until(lambda: "running" == guarded.status(first)["state"], 30, lambda: worker.log)
    engines = wait_until(worker.look, 20, "an engine")
    lines = "\n".join(" ".join(arguments(pid)) for pid in engines | {worker.pid})
    inherited = b"\n".join((PROC / str(pid) / "environ").read_bytes() for pid in engines if is_alive(pid))
    goal.touch()
    (second,) = guarded.submit("--kind", "echo", "--payload", telling, "-q")
    for job_id in (first, second):
        guarded.wait(job_id, "completed")
    said = [guarded(*command.split()) for command in COMMANDS]

    assert inherited
    assert [] == spilt(lines + inherited.decode(errors="replace"))
    assert [] == spilt(worker.log)
    assert {} == {
        command: ended.stdout + ended.stderr
        for command, ended in zip(COMMANDS, said, strict=True)
        if spilt(ended.stdout + ended.stderr)
    }
    assert [] == files_with_secret(tmp_path, but="secret")


ADDRESSES = {
    "nobody listens": "redis://:{password}@127.0.0.1:{port}/0",
    "no port": "redis://:{password}@localhost:port/0",
    "no host": "redis://:{password}@[::1/0",
    "unescaped": "redis://:12/{raw}@127.0.0.1:6379/0",
    "as the database": "redis://127.0.0.1:{port}/{password}",
    "as an option": "redis://127.0.0.1:{port}/0?password={password}",
    "as an unknown option": "redis://127.0.0.1:{port}/0?no_such_option={password}",
    "as a number": "redis://127.0.0.1:{port}/0?socket_timeout={password}",
    "without a certificate": "rediss://:{password}@127.0.0.1:{port}/0?ssl_ca_certs=/no/such/file",
    "a socket": "unix://:{password}@/no/such/socket?db=0",
    "another scheme": "http://:{password}@127.0.0.1:{port}/0",
    "no scheme": "{password}@127.0.0.1",
}


@pytest.mark.parametrize("form", ADDRESSES.values(), ids=ADDRESSES)
def test_secrets_no_failure_tells_the_password(nox: Nox, form: str) -> None:
    """
    Whatever is wrong with the address, what is said, tracebacks too, does not hold the password.
    """
    address = form.format(password=SPELLINGS[1], raw=CANARY, port=free_port())
    ended = nox("submit", "--kind", "echo", "--debug", env={"REDIS_URL": address})

    assert ended.returncode in {2, 4}, ended.stderr
    assert [] == spilt(ended.stdout + ended.stderr)


def test_a_wrong_password_is_not_told(server: RedisServer, nox: Nox) -> None:
    """
    A server that refuses the password is named; the password is not.
    """
    server.options["requirepass"] = "another"
    server.stop()
    server.start()
    for scheme in ("redis", "rediss"):
        ended = nox(
            "submit", "--kind", "echo", env={"REDIS_URL": url(server.port, SPELLINGS[1], scheme=scheme)}
        )

        assert 4 == ended.returncode
        assert str(server.port) in ended.stderr
        assert [] == spilt(ended.stdout + ended.stderr)


def test_a_password_file_that_others_can_read_is_refused(nox: Nox, tmp_path: Path) -> None:
    """
    The refusal says how to close the file, and what is in it stays unsaid.
    """
    password = tmp_path / "secret"
    password.write_text(CANARY)
    password.chmod(0o644)
    places = {"REDIS_URL": url(free_port()), "NOX_REDIS_PASSWORD_FILE": os.fspath(password)}
    ended = nox("submit", "--kind", "echo", env=places)

    assert 2 == ended.returncode
    assert f"chmod 600 {password}" in ended.stderr
    assert [] == spilt(ended.stdout + ended.stderr)


SHOWING = (("config", "show"), ("status", "--debug"))
MISTYPED = {
    "as the port": "redis://h:{password}/0",
    "as the host": "redis://{password}",
    "as the host and a database": "redis://{password}/0",
    "as the host, over TLS": "rediss://{password}",
    "as the user": "redis://{password}@127.0.0.1:{port}/0",
    "as a port, without a host": "redis://:{password}",
    "as the socket": "unix://{password}",
    "as a fragment": "redis://127.0.0.1:{port}/0#{password}",
    "as an option's name": "redis://127.0.0.1:{port}/0?{password}",
}


@pytest.mark.parametrize("form", MISTYPED.values(), ids=MISTYPED)
def test_a_password_in_the_wrong_place_is_not_printed(nox: Nox, form: str) -> None:
    """
    Wherever in an address the password stands: settings, findings and tracebacks do not show it.
    """
    for password in (SPELLINGS[1], "Hunter2-of-ours"):
        address = form.format(password=password, raw=password, port=free_port())
        said = [nox(*words, env={"REDIS_URL": address}) for words in SHOWING]
        code, findings = printed_without_engines(nox, {"REDIS_URL": address})
        printed = "".join(ended.stdout + ended.stderr for ended in said) + findings

        assert {code, *(ended.returncode for ended in said)} <= {0, 1, 2, 4}
        assert "settings" in findings
        assert [] == spilt(printed)
        assert password.lower() not in printed.lower()
        assert "bug in nox" not in printed


def test_a_host_that_may_be_a_password_is_told_how_to_be_written(nox: Nox) -> None:
    """
    A host that is not known is named if it has a port; else the hint says where a password goes.
    """
    alone = nox("status", env={"REDIS_URL": "redis://hunter2.invalid"})
    ported = nox("status", env={"REDIS_URL": "redis://hunter2.invalid:6379"})

    assert "redis at *** cannot be reached" in alone.stderr
    assert "hint: write it as redis://:PASSWORD@HOST:PORT/DB" in alone.stderr
    assert "redis at hunter2.invalid:6379 cannot be reached" in ported.stderr


@pytest.mark.parametrize("form", ADDRESSES.values(), ids=ADDRESSES)
def test_settings_never_show_the_password(nox: Nox, form: str) -> None:
    """
    Whatever is wrong with the address, `nox config show` does not show the password.
    """
    address = form.format(password=SPELLINGS[1], raw=CANARY, port=free_port())
    ended = nox("config", "show", "--json", env={"REDIS_URL": address})

    assert [] == spilt(ended.stdout + ended.stderr)
