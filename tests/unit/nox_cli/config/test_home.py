"""Where state lies: never on a network file system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nox_cli.config import home
from workers import machine
from workers.errors import StoreRefused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that counts as NFS: the real look-up over a made-up table of mounts."""
    place = tmp_path / "nfs"
    place.mkdir()
    table = tmp_path / "proc/self"
    table.mkdir(parents=True)
    lines = ["1 0 0:1 / / rw - ext4 /dev/a rw", f"2 1 0:2 / {place} rw - nfs4 server:/home rw"]
    (table / "mountinfo").write_text("\n".join(lines) + "\n")
    real = machine.network_file_system
    monkeypatch.setattr(machine, "network_file_system", lambda path: real(path, proc=tmp_path / "proc"))
    return place


def test_a_default_home_moves_to_this_machine(network: Path, tmp_path: Path) -> None:
    """
    State that would lie on NFS lies in a directory of the user's own on a local disk, closed to others.
    """
    moved = home.node_local(network / "nox", (network, tmp_path))

    assert tmp_path / f"nox-{os.getuid()}" == moved
    assert 0o700 == moved.stat().st_mode & 0o777
    assert moved == home.node_local(network / "nox", (tmp_path,))


def test_a_local_home_stays(network: Path, tmp_path: Path) -> None:
    """
    Nothing is moved, and nothing is made, where the disk is a local one.
    """
    assert home.node_local(tmp_path / "nox", (tmp_path,)) is None
    home.refuse_network(tmp_path / "nox", "NOX_HOME")
    assert [network.name, "proc"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_home_asked_for_on_a_network_is_refused(network: Path) -> None:
    """
    NOX_HOME on NFS is refused, and the message names both.
    """
    with pytest.raises(StoreRefused, match=rf"NOX_HOME names {network}/nox.*\(nfs4\)"):
        home.refuse_network(network / "nox", "NOX_HOME")


def test_home_no_local_place_is_an_error(network: Path) -> None:
    """
    Where every directory lies on the network, nox says so instead of taking one.
    """
    with pytest.raises(StoreRefused, match="no place of this machine's own"):
        home.node_local(network / "nox", (network,))


def test_a_planted_directory_is_refused(network: Path, tmp_path: Path) -> None:
    """
    A link, and a directory others may enter, are not taken for the user's own.
    """
    place = tmp_path / f"nox-{os.getuid()}"
    place.symlink_to(network)
    with pytest.raises(StoreRefused, match="belongs to somebody else"):
        home.node_local(network / "nox", (tmp_path,))

    place.unlink()
    place.mkdir()
    place.chmod(0o755)
    with pytest.raises(StoreRefused, match="others may enter it"):
        home.node_local(network / "nox", (tmp_path,))
