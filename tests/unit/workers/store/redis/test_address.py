"""Redis URLs and password files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from workers.errors import SettingsInvalid
from workers.store.redis.address import read_address, read_password

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
    address = read_address(url)

    assert (where, plain) == (address.where, address.is_plain)


def test_name_and_password_are_unquoted_and_never_shown() -> None:
    """
    What the URL must escape is what the server hears; printing the address shows neither form.
    """
    address = read_address(f"redis://a%40b:{SECRET}%2F@node01:7000/0")

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
        read_address(url)

    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_a_password_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    """
    An editor's last line end is no part of the password; the file goes before the URL.
    """
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)

    assert SECRET == read_address("redis://:other@node01", path).password


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
