"""Fixtures every test may use.  The environment is scrubbed before anything of nox is imported."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import settings

from tests.support.environment import scrub
from tests.support.nox import Nox
from tests.support.patient import patience
from tests.support.proxy import Proxy
from tests.support.redis_server import RedisServer
from tests.support.stores import ADA
from workers.signals import HEEDED
from workers.store.redis.store import RedisStore
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from tests.support.server import Serve, Server
    from tests.support.slurm import Slurm

scrub(os.environ)
settings.register_profile("nox", deadline=None)  # a busy machine is no failure
settings.load_profile("nox")
LONG_S = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test that takes minutes as many as a busy machine makes of them, and begin with the longest."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_S))
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


class StartRedis(Protocol):
    """Starts one more Redis server, with options of redis.conf."""

    def __call__(self, **options: str) -> RedisServer:
        """Start it; it is ended after the test."""


@pytest.fixture(autouse=True, scope="session")
def _received_signals() -> None:
    """Let what tests start end by signals that nohup and a script's `&` let pytest ignore."""
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            # A program that is started has the default again where its parent has a handler; pytest goes on.
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _nothing)


def _nothing(*_: object) -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """Put back what a test made of the signals that end nox in this process."""
    before = {number: signal.getsignal(number) for number in HEEDED}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for all tests, with an append-only file; tests that stop or change it use `fresh_redis`."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the shared Redis, emptied for this test."""
    with redis_server.client() as client:
        # What a process sent before an earlier test killed it would be done after the emptying.
        client.client_kill_filter(_type="normal", skipme=True)
        client.flushall()
    return redis_server.url


@pytest.fixture
def fresh_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRedis]:
    """Starts servers of this test's own: `fresh_redis(maxmemory="2mb")`."""
    started: list[RedisServer] = []

    def start(**options: str) -> RedisServer:
        started.append(RedisServer(tmp_path_factory.mktemp("redis"), **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def proxy(redis_server: RedisServer, redis_url: str) -> Iterator[Proxy]:  # noqa: ARG001  emptied
    """A wire to the shared Redis, emptied for this test, that can be held, cut or slowed."""
    built = Proxy(redis_server.port)
    yield built
    built.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state directory for this test alone."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def redis_store(home: Path, redis_url: str) -> Iterator[RedisStore]:
    """An empty store in the shared Redis."""
    with patience():
        opened = RedisStore.open(StoreSettings(redis_url, "nox:", home))
    yield opened
    opened.close()


@pytest.fixture
def redis_client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client of the shared Redis that knows no nox."""
    with redis_server.client() as connected:
        yield connected


@pytest.fixture
def nox(home: Path) -> Iterator[Nox]:
    """Real nox processes over a local store of this test's own."""
    driven = Nox(home)
    yield driven
    driven.close()


@pytest.fixture
def redis_nox(home: Path, redis_url: str) -> Iterator[Nox]:
    """Real nox processes over the shared Redis, emptied for this test."""
    driven = Nox(home, redis_url)
    yield driven
    driven.close()


@pytest.fixture(params=["redis", "local"])
def any_nox(request: pytest.FixtureRequest) -> Nox:
    """Real nox processes: the test runs once over Redis and once over a local store."""
    driven: Nox = request.getfixturevalue("redis_nox" if request.param == "redis" else "nox")
    return driven


@pytest.fixture(scope="session")
def slurm_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """One Slurm for all tests; a test takes `slurm`, or starts a cluster of its own as this does."""
    from tests.support.slurm import Slurm

    with Slurm(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_cluster: Slurm) -> Slurm:
    """The shared Slurm without jobs, all its daemons running: three nodes of 4 cores and 4,000 MB."""
    slurm_cluster.clear()
    return slurm_cluster


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that are ended after the test."""
    from tests.support.server import Server

    started: list[Server] = []

    def start(nox: Nox, *args: str) -> Server:
        nox.environ |= {"NOX_AUTOSTART": "never", "NOX_USER": ADA}
        started.append(Server(nox, *args))
        return started[-1]

    yield start
    for server in started:
        server.close()
