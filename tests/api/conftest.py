"""What the tests of the Python API share: the environment of a test's own nox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nox_cli.api import Client
    from tests.support.nox import Nox


@pytest.fixture
def here(any_nox: Nox, monkeypatch: pytest.MonkeyPatch) -> Nox:
    """A nox over each store, whose environment is that of the tests, without background workers."""
    entered(any_nox, monkeypatch)
    monkeypatch.setenv("NOX_AUTOSTART", "never")
    return any_nox


@pytest.fixture(autouse=True)
def _shared_clients_close(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients that the functions of the module shared: else each test leaves files open."""
    known: dict[object, Client] = {}
    monkeypatch.setattr("nox_cli.api.client._shared", known)
    yield
    for client in known.values():
        client.close()


def at_work(nox: Nox, *args: str) -> None:
    """Start a worker, and wait until the store knows it: before, a wait warns that there is none."""
    nox.worker(*args)

    def is_known() -> bool:
        with nox.store() as store:
            return any(worker.alive for worker in store.workers())

    wait_until(is_known, 60, "a worker in the store")


@pytest.fixture
def nox_home(nox: Nox) -> Nox:
    """A nox over a local store, for tests that give `nox` to the API."""
    return nox


def entered(nox: Nox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the tests the environment and the current directory of a nox."""
    for name in [name for name in os.environ if name not in nox.environ and not name.startswith("PYTEST")]:
        monkeypatch.delenv(name)
    for name, value in nox.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(nox.cwd)


@pytest.fixture
def water(tmp_path: Path) -> Path:
    """A file with one molecule of water."""
    path = tmp_path / "water.xyz"
    path.write_text("3\n\nO 0 0 0.12\nH 0 0.76 -0.48\nH 0 -0.76 -0.48\n")
    return path
