"""Redis addresses as they are printed."""

from __future__ import annotations

import pytest

from workers.store.redis.mask import has_clear_host, has_password, masked

SECRET = "hunter2"


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
    assert shown == masked(url)


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
@pytest.mark.parametrize("secret", [SECRET, "hun%2Fter2", "123456", "99999999", "h\u00fcnter2"])
def test_whatever_may_be_a_password_is_masked(form: str, secret: str) -> None:
    """
    A password in any place of an address, be it a good address or not, is not printed.
    """
    assert secret not in masked(form.format(secret))


@pytest.mark.parametrize(
    "url",
    [
        "redis://host:6379/0", "redis://host:6379", "redis://10.0.0.1", "redis://localhost/3", "redis://[::1]:7000/15",
        "rediss://cache.example.org:6380/0", "unix:///run/redis.sock?db=2", "redis:///0", "redis://node_1:7000/?db=4",
        "rediss://h:1/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none",
    ],
)  # fmt: skip
def test_what_is_clearly_no_password_is_shown(url: str) -> None:
    """
    Host and port, database, socket and files of certificates are printed.
    """
    assert url == masked(url)
    assert not has_password(url)


def test_a_host_alone_may_be_a_password() -> None:
    """
    Unless it has a port, or a password stands in its own place.
    """
    assert [False, True, True, True] == [
        has_clear_host(url)
        for url in ("redis://node01", "redis://node01:1", "redis://:p@node01", "redis://127.0.0.1")
    ]
