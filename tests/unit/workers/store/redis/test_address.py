"""Redis URLs and password files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from workers.errors import SettingsInvalid
from workers.store.redis.address import RedisUrl, read_password

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "canary-7f3a"


@pytest.mark.parametrize(
    ("url", "where", "plain"),
    [
        ("redis://", "localhost:6379/0", True),
        ("redis://node01", "node01:6379/0", True),
        ("redis://node01:7000/3", "node01:7000/3", True),
        ("redis://node01/?db=4", "node01:6379/4", True),
        ("redis://[::1]:7000", "[::1]:7000/0", True),
        ("redis://node01?health_check_interval=5", "node01:6379/0", False),
        ("rediss://node01:7000", "node01:7000/0", False),
        ("unix:///run/redis.sock?db=2", "/run/redis.sock/2", False),
    ],
)
def test_a_url_is_read(url: str, where: str, plain: bool) -> None:
    """
    Host, port and database have redis's defaults; only plain TCP goes over a plain socket.
    """
    address = RedisUrl(url).address()

    assert (where, plain) == (address.where, address.is_plain)


def test_name_and_password_are_unquoted_and_never_shown() -> None:
    """
    What the URL must escape is what the server hears; printing the address shows neither form.
    """
    address = RedisUrl(f"redis://a%40b:{SECRET}%2F@node01:7000/0").address()

    assert ("a@b", f"{SECRET}/") == (address.username, address.password)
    assert SECRET not in f"{address!r} {address.where} {address.place}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "node01:6379",
        f"http://u:{SECRET}@node01",
        f"redis://u:{SECRET}@node01:port",
        f"redis://u:{SECRET}@node01:70000",
        f"redis://u:{SECRET}@node01/jobs",
        f"redis://u:{SECRET}@[::1",
        "unix://",
    ],
)
def test_a_url_that_is_none_is_refused_without_showing_it(url: str) -> None:
    """
    The message never repeats the URL: there may be a password in it.
    """
    with pytest.raises(SettingsInvalid) as caught:
        RedisUrl(url).address()

    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_a_password_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    """
    An editor's last line end is no part of the password; the file goes before the URL.
    """
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)

    assert SECRET == RedisUrl("redis://:other@node01").address(path).password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_password_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """
    A password everybody knows is none; the message says how to mend it.
    """
    path = tmp_path / "password"
    path.write_text(SECRET)
    path.chmod(mode)

    with pytest.raises(SettingsInvalid, match="others can read") as caught:
        read_password(path)
    assert f"make it yours alone: chmod 600 {path}" == caught.value.hint


def test_a_password_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who owns the file can change the password under us.
    """
    path = tmp_path / "password"
    path.write_text(SECRET)
    path.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

    with pytest.raises(SettingsInvalid, match="belongs to somebody else"):
        read_password(path)


def test_a_password_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """
    Missing, a directory, no text: told, not raised.
    """
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(0o600)

    for path in (tmp_path / "missing", tmp_path, binary):
        with pytest.raises(SettingsInvalid):
            read_password(path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:secret@host", "redis://:***@host"),
        ("rediss://me:s@cret@host:1/2", "rediss://me:***@host:1/2"),
        ("rediss://m/e:s/cret@host:1/2", "rediss://m/e:***@host:1/2"),
        ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock?db=1&password=***"),
        ("rediss://host?ssl_password=secret&ssl_keyfile=k", "rediss://host?ssl_password=***&ssl_keyfile=k"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    """
    Everything of an address is shown but its passwords.
    """
    assert shown == RedisUrl(url).masked()


@pytest.mark.parametrize(
    "form",
    [
        "redis://h:{}/0", "redis://h:{}", "redis://{}", "redis://{}/", "redis://{}/0", "redis://{}?db=0", "redis://:{}",
        "redis://:{}/0", "redis://{}@host:1/0", "redis://{}@", "redis://:{}@", "redis://:{}@h", "redis://me:{}@h:1",
        "redis://h:6379/{}", "redis://h:6379/0/{}", "redis://h:6379/0?{}", "redis://h:6379/0?{}=1",
        "redis://h:6379/0?password={}", "redis://h:6379/0?PASSWORD={}", "redis://h:6379/0?db={}", "redis://h#{}",
        "redis://h:1?a=1&ssl_password={}&b", "redis://h:6379{}", "redis://h:6379:{}", "redis://h {}:1", "redis://[{}]:1",
        "rediss://{}", "rediss://:{}@h:1", "unix://{}", "unix://:{}@/run/redis.sock", "unix://{}@/run/redis.sock",
        "unix:///run/redis.sock?password={}", "unix:///run/redis.sock?username=me&{}", "http://:{}@h:1/0",
        "{}", "{}@h:1", "redis:/{}", "redis:{}@h", "REDIS://:{}@h:1/0", "redis://a?b=c&password=x@{}", "\nredis://{}",
        "redis://h:6379/0?password=a@{}:1", "redis://12/{}@h:1/0?x=1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("secret", ["hunter2", "hun%2Fter2", "123456", "99999999", "h\u00fcnter2"])
def test_address_whatever_may_be_a_password_is_masked(form: str, secret: str) -> None:
    """
    A password in any place of an address, be it a good address or not, is not printed.
    """
    assert secret not in RedisUrl(form.format(secret)).masked()


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:6379/0", "redis://host:6379", "redis://10.0.0.1", "redis://localhost/3", "redis://[::1]:7000/15",
        "rediss://cache.example.org:6380/0", "unix:///run/redis.sock?db=2", "redis:///0", "redis://node_1:7000/?db=4",
        "rediss://h:1/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none",
    ],
)  # fmt: skip
def test_address_what_is_clearly_no_password_is_shown(url: str) -> None:
    """
    Host and port, database, socket and files of certificates are printed.
    """
    assert url == RedisUrl(url).masked()
    assert not RedisUrl(url).has_password


@pytest.mark.parametrize(
    "url",
    ["redis://:pw@host", "redis://ann:pw@host:6379/0", "redis://host/0?password=pw", "redis://host/0?pass%77ord=pw",
     "rediss://host:1?ssl_password=pw", "unix:///run/redis.sock?db=2&password=pw"],
)  # fmt: skip
def test_address_has_a_password_in_each_place_for_one(url: str) -> None:
    """
    Escaped ones too: redis-py reads them.
    """
    assert RedisUrl(url).has_password


@pytest.mark.parametrize("host", ["localhost.", "127.1", "[::ffff:127.0.0.1]"])
def test_address_is_loopback_where_a_client_finds_its_own_machine(host: str) -> None:
    """
    Each node would look for the Redis on itself.
    """
    assert RedisUrl(f"redis://{host}:6379/0").address().is_loopback


def test_a_host_alone_may_be_a_password() -> None:
    """
    Unless it has a port, or a password stands in its own place.
    """
    assert [False, True, True, True] == [
        RedisUrl(url).has_clear_host
        for url in ("redis://node01", "redis://node01:1", "redis://:p@node01", "redis://127.0.0.1")
    ]


def test_the_printed_form_of_a_url_and_of_an_address_holds_no_password() -> None:
    """
    A traceback prints a URL and what was read from it without any part that may be a password.
    """
    url = RedisUrl(f"redis://me:{SECRET}@node01:1/0?password={SECRET}")

    assert SECRET not in f"{url!r} {url.address()!r}"
