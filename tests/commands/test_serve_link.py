"""`nox serve link`, and the link that a server prints: each signs in once, at the server that runs."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx2
import pytest
from pydantic import TypeAdapter

from nox_cli.tokens.codes import CODES, new_code, redeem
from nox_cli.tokens.json_objects import LinkRecord
from nox_cli.tokens.links import PageAddress, new_link, noted
from tests.support.server import Server
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox

LIMIT_S = 60.0


@pytest.fixture
def server(nox: Nox) -> Iterator[Server]:
    """A server of a local store."""
    made = Server(nox)
    yield made
    made.close()


def signs_in(url: str, link: str) -> int:
    """Sign in by a link, and return the status."""
    return httpx2.post(
        f"{url}/session", json={"code": link.partition("#code=")[2]}, timeout=LIMIT_S
    ).status_code


def test_serve_logs_a_link_that_signs_in_once(server: Server) -> None:
    """
    The log has it, and says for how long it is valid.
    """
    (line,) = [line for line in server.log.splitlines() if " page link=" in line]
    link = line.partition("link=")[2].partition(" ")[0]

    assert link.startswith(f"{server.url}/#code=")
    assert "valid=once, for 10 minutes" in line
    assert [200, 401] == [signs_in(server.url, link) for _ in range(2)]


def test_serve_link_signs_in_at_the_server_that_runs(nox: Nox, server: Server) -> None:
    """
    The link is alone on stdout; as JSON it comes with its end, and neither shows the server's token.
    """
    printed = nox("serve", "link", check=True)
    found = json.loads(nox("serve", "link", "--json", check=True).stdout)
    TypeAdapter(LinkRecord).validate_python(found)

    assert printed.stdout.startswith(f"{server.url}/#code=")
    assert 200 == signs_in(server.url, printed.stdout.strip())
    assert 200 == signs_in(server.url, found["link"])
    assert (os.uname().nodename, None) == (found["host"], found["tunnel"])
    assert server.token not in printed.stdout + printed.stderr


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGKILL])
def test_serve_link_without_a_server_is_an_error(nox: Nox, number: signal.Signals | None) -> None:
    """
    Whether none was started, or it has ended, or was killed; no code is made.
    """
    if number is not None:
        Server(nox).stop(number)
    codes = list((nox.home / CODES).glob("*"))
    ended = nox("serve", "link")

    assert 3 == ended.returncode
    assert "no nox serve runs with the state directory" in ended.stderr
    assert "start one: nox serve" in ended.stderr
    assert codes == list((nox.home / CODES).glob("*"))


@pytest.mark.parametrize(
    ("options", "url", "tunnel"),
    [
        (("--public-url", "https://chem.example/nox"), "https://chem.example/nox/", ""),
        (("--unix", "{home} x/socket"), "http://localhost:8646/", "ssh -L 8646:'{home} x/socket' {host}"),
        (("--bind", "0.0.0.0:0"), "http://{host}:", ""),
    ],
)
def test_a_link_has_the_address_that_a_browser_needs(
    nox: Nox, options: tuple[str, ...], url: str, tunnel: str
) -> None:
    """
    That of the proxy; of the machine, if others reach it; for a socket, with the command that forwards it.
    """
    names = {"home": str(nox.home), "host": os.uname().nodename}
    (nox.home.parent / f"{nox.home.name} x").mkdir()
    server = Server(nox, *(option.format(**names) for option in options))
    try:
        found = json.loads(nox("serve", "link", "--json", check=True).stdout)
        assert found["link"].startswith(url.format(**names))
        assert (tunnel.format(**names) or None) == found["tunnel"]
        assert f"page link={found['link'].partition('#')[0]}" in server.log
    finally:
        server.close()


def test_serve_link_is_for_the_newest_server_of_this_machine(nox: Nox, server: Server) -> None:
    """
    One of another machine, which shares the state directory, is named only if none runs here.
    """
    tunnel = "ssh -L 8646:localhost:8646 node07"

    def url() -> str:
        return nox("serve", "link", check=True).stdout.partition("/#")[0]

    with noted(nox.home, PageAddress("http://127.0.0.1:8646/", "node07", tunnel)):
        second = Server(nox)
        try:
            assert second.url == url()
        finally:
            second.close()
        assert server.url == url()
        server.stop()
        ended = nox("serve", "link", check=True)

    assert ended.stdout.startswith("http://127.0.0.1:8646/#code=")
    assert f"hint: on your own machine, first: {tunnel}" in ended.stderr
    assert 3 == nox("serve", "link").returncode


def test_serve_link_finds_a_server_that_replaces_another(home: Path) -> None:
    """
    One that began at the same address before the earlier one had ended is found until it ends itself.
    """
    home.mkdir(exist_ok=True)
    address = PageAddress("https://chem.example/nox/", "node07")
    with ExitStack() as later:
        with noted(home, address):
            later.enter_context(noted(home, address))
        assert new_link(home).url.startswith(address.url)
    with pytest.raises(NothingMatched):
        new_link(home)


def test_serve_on_a_login_node_shows_the_way_to_it(nox: Nox) -> None:
    """
    No browser runs there: the log and the link name the command that forwards the port.
    """
    nox.environ |= {"SLURM_JOB_ID": "4711"}  # as in the shell of salloc
    server = Server(nox)
    try:
        port = server.url.rpartition(":")[2]
        tunnel = f"ssh -L {port}:localhost:{port} {os.uname().nodename}"
        assert f"reachable from your machine by={tunnel}" in server.log
        assert tunnel == json.loads(nox("serve", "link", "--json", check=True).stdout)["tunnel"]
    finally:
        server.close()


def test_a_code_is_used_by_one_of_many_requests(home: Path) -> None:
    """
    Which is the one that removed its file.
    """
    home.mkdir(exist_ok=True)
    code = new_code(home)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: redeem(home, code), range(32)))

    assert [True] == [one for one in found if one]


def test_a_code_is_kept_as_a_hash_that_only_its_user_can_read(home: Path) -> None:
    """
    The folder has mode 0700, the file 0600, and neither name nor content is the code.
    """
    home.mkdir(exist_ok=True)
    code = new_code(home)
    (file,) = (home / CODES).iterdir()

    assert (0o700, 0o600) == (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777)
    assert code not in file.name + file.read_text()
    assert redeem(home, code)
    assert not redeem(home, code)
    assert [] == list((home / CODES).iterdir())


def test_a_code_that_has_expired_is_refused_and_removed(home: Path) -> None:
    """
    By the next code that is made, or by an attempt to use it.
    """
    home.mkdir(exist_ok=True)
    for use in (lambda code: not redeem(home, code), lambda _code: new_code(home)):
        code = new_code(home)
        (file,) = (home / CODES).iterdir()
        file.write_text("1700000000000")
        assert use(code)
        assert file not in (home / CODES).iterdir()


@pytest.mark.parametrize("code", ["", "x", "../serve.token", "0" * 31, "0" * 32, "\uff10" * 32])
def test_a_text_that_is_no_code_is_refused(home: Path, code: str) -> None:
    """
    Nothing outside of the folder is looked at or removed.
    """
    home.mkdir(exist_ok=True)
    (home / "serve.token").write_text("kept")

    assert not redeem(home, code)
    assert (home / "serve.token").exists()


def test_codes_that_others_could_write_are_not_used(home: Path) -> None:
    """
    A folder with another mode refuses codes, as another user may have put them there.
    """
    home.mkdir(exist_ok=True)
    code = new_code(home)
    (home / CODES).chmod(0o770)

    with pytest.raises(PermissionError, match="others can write"):
        redeem(home, code)


def test_addresses_that_others_could_write_are_not_used(nox: Nox, server: Server) -> None:
    """
    A code would reach a server of theirs, which could use it.
    """
    assert server.url
    (nox.home / "serve.addresses").chmod(0o777)
    codes = list((nox.home / CODES).iterdir())
    ended = nox("serve", "link")

    assert 2 == ended.returncode
    assert f"others can write to {nox.home / 'serve.addresses'}; no link was made" in ended.stderr
    assert codes == list((nox.home / CODES).iterdir())


def test_a_code_that_another_process_writes_is_left_alone(home: Path) -> None:
    """
    Its file has no time yet; one that a process has left so is removed once a code would have expired.
    """
    home.mkdir(exist_ok=True)
    new_code(home)
    begun = home / CODES / "0"
    begun.touch()
    new_code(home)
    assert begun.exists()
    os.utime(begun, (0, 0))
    new_code(home)
    assert not begun.exists()


def test_serve_without_codes_still_serves(nox: Nox) -> None:
    """
    Where no code can be written, the log says that there is no link, and the API answers.
    """
    nox.home.mkdir(exist_ok=True)
    (nox.home / CODES).write_text("")
    server = Server(nox)
    try:
        assert "there is no link to the page" in server.log
        assert 200 == httpx2.get(f"{server.url}/health/live", timeout=LIMIT_S).status_code
    finally:
        server.close()
