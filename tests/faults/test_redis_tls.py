"""Redis over TLS, with a certificate that is right, expired, another host's, or of nobody known."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.nox import Nox
from tests.support.proxy import Proxy
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import StartRedis

NAME = "canary-of-the-job"
ECHO = ("submit", "--kind", "echo", "--payload", "1", "--no-start", "--name", NAME)


class Authority:
    """A certificate authority, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=nox tests",
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
        )

    def sign(self, name: str, *, host: str = "IP:127.0.0.1", days: str = "2") -> None:
        """Make NAME.key and NAME.crt for a host."""
        (self.folder / "host.cnf").write_text(f"subjectAltName={host}\n")
        self._openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=redis",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
        )
        self._openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-days",
            days,
            "-extfile",
            "host.cnf",
            "-out",
            f"{name}.crt",
        )

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests; its certificates are `right`, `late` and `other`."""
    made = Authority(tmp_path_factory.mktemp("tls"))
    made.sign("right")
    made.sign("late", days="0")
    made.sign("other", host="DNS:elsewhere.example")
    return made


@pytest.fixture
def wire(fresh_redis: StartRedis, authority: Authority) -> Iterator[Callable[[str], Proxy]]:
    """Starts a Redis that shows this certificate, behind a proxy that keeps what passes."""
    built: list[Proxy] = []

    def start(certificate: str) -> Proxy:
        port = free_port()
        fresh_redis(
            tls_port=str(port),
            tls_cert_file=str(authority.folder / f"{certificate}.crt"),
            tls_key_file=str(authority.folder / f"{certificate}.key"),
            tls_ca_cert_file=str(authority.certificate),
            tls_auth_clients="optional",
        )
        built.append(Proxy(port, records=True))
        return built[-1]

    yield start
    for proxy in built:
        proxy.close()


@pytest.fixture
def nox(home: Path) -> Iterator[Nox]:
    """Real nox processes; which Redis they use is in each URL."""
    driven = Nox(home)
    yield driven
    driven.close()


def url(proxy: Proxy, authority: Authority | None = None, **options: str) -> str:
    """Write the address of a Redis behind a proxy, its authority and more options in the query."""
    words = ({"ssl_ca_certs": str(authority.certificate)} if authority else {}) | options
    return f"rediss://127.0.0.1:{proxy.port}/0?{urlencode(words)}"


def test_a_certificate_that_is_right_serves(
    nox: Nox, wire: Callable[[str], Proxy], authority: Authority
) -> None:
    """
    Submit, worker, status and list work over TLS; what passes on the wire does not hold the job's name.
    """
    proxy = wire("right")
    env = {"REDIS_URL": url(proxy, authority)}
    (job_id,) = nox(*ECHO, env=env, check=True).stdout.split()
    assert 0 == nox.worker("--idle-timeout", "0.5", env=env).wait(60)

    assert "completed" == nox.status(job_id, env=env)["state"]
    assert NAME in nox("list", env=env, check=True).stdout
    assert len(proxy.record) > 1_000
    assert NAME.encode() not in proxy.record


def test_a_client_shows_its_own_certificate(
    nox: Nox, wire: Callable[[str], Proxy], authority: Authority
) -> None:
    """
    Key and certificate of a client are named in the address too.
    """
    mine = authority.folder / "right"
    options = {"ssl_certfile": f"{mine}.crt", "ssl_keyfile": f"{mine}.key"}
    env = {"REDIS_URL": url(wire("right"), authority, **options)}

    assert 0 == nox(*ECHO, env=env).returncode


@pytest.mark.parametrize(
    ("certificate", "knows_authority", "said"),
    [
        ("late", True, "certificate has expired"),
        ("other", True, "IP address mismatch"),
        ("right", False, "self-signed certificate in certificate chain"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_refused(
    nox: Nox,
    wire: Callable[[str], Proxy],
    authority: Authority,
    certificate: str,
    knows_authority: bool,
    said: str,
) -> None:
    """
    Every command says why in a line, and nothing is sent in plain text instead.
    """
    proxy = wire(certificate)
    env = {"REDIS_URL": url(proxy, authority if knows_authority else None)}
    for words in (ECHO, ("worker",), ("list",)):
        refused = nox(*words, env=env)
        assert (4, "") == (refused.returncode, refused.stdout), refused.stderr
        assert f"redis at 127.0.0.1:{proxy.port} showed a certificate that is not trusted: " in refused.stderr
        assert said.lower() in refused.stderr.lower()
        assert len(refused.stderr.splitlines()) <= 2, refused.stderr
    assert NAME.encode() not in proxy.record
    assert b"EVAL" not in proxy.record


def test_plain_and_encrypted_do_not_mix(nox: Nox, wire: Callable[[str], Proxy], redis_url: str) -> None:
    """
    Either mistake in the address is told in a line: a plain Redis asked for TLS, a TLS one asked in plain.
    """
    encrypted = wire("right")
    for address in (f"redis://127.0.0.1:{encrypted.port}/0", redis_url.replace("redis:", "rediss:")):
        for words in (ECHO, ("worker",), ("list",)):
            refused = nox(*words, env={"REDIS_URL": address})
            assert (4, "") == (refused.returncode, refused.stdout), refused.stderr
            assert len(refused.stderr.splitlines()) <= 2, refused.stderr
            assert refused.stderr.startswith("error: redis at 127.0.0.1:")


def test_a_file_that_is_not_there_is_told(nox: Nox, wire: Callable[[str], Proxy], tmp_path: Path) -> None:
    """
    A certificate of the authority that cannot be read is named, and by which option.
    """
    address = f"rediss://127.0.0.1:{wire('right').port}/0?ssl_ca_certs={tmp_path}/none.crt"
    refused = nox(*ECHO, env={"REDIS_URL": address})

    assert 2 == refused.returncode, refused.stderr
    said = f"error: the file {tmp_path}/none.crt, ssl_ca_certs of the Redis URL, cannot be read"
    assert refused.stderr.startswith(said), refused.stderr
