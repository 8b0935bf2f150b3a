"""The peer with automatic allocations: a HyperQueue server and one queue on the Slurm of a benchmark."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.ground import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.slurm import Slurm

PROGRAM = "hq"


class HyperQueue:
    """Submits naps to a running server."""

    def __init__(self, slurm: Slurm, folder: Path) -> None:
        self._slurm, self._server = slurm, str(folder / "server")

    def run(self, *words: str) -> str:
        """Run a command of the program and return its output."""
        return self._slurm.run(PROGRAM, f"--server-dir={self._server}", *words, **self.environ)

    @property
    def environ(self) -> dict[str, str]:
        """The environment that the server and its allocations need."""
        return {"HQ_SERVER_DIR": self._server, "HOME": self._server}

    def submit(self, count: int, cores: int, nap_s: float, *words: str) -> None:
        """Submit tasks that need cores and do nothing for a time."""
        asked = (f"--array=1-{count}", f"--cpus={cores}", "--stdout=none", "--stderr=none")
        self.run("submit", *asked, *words, "--", "sleep", f"{nap_s:g}")

    def wait(self) -> None:
        """Wait for the end of all tasks."""
        process = subprocess.run(
            [PROGRAM, f"--server-dir={self._server}", "job", "wait", "all"],
            env=self._slurm.environ | self.environ,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        assert process.returncode == 0


@contextmanager
def hyperqueue(slurm: Slurm, folder: Path, *queue: str) -> Iterator[HyperQueue]:
    """Keep a server with one queue of allocations running.

    Args:
        slurm: the cluster.
        folder: for the files of the server.
        queue: options of `hq alloc add slurm`.
    """
    folder.mkdir()
    peer = HyperQueue(slurm, folder)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [PROGRAM, f"--server-dir={folder / 'server'}", "server", "start", "--host=127.0.0.1"],
            env=slurm.environ | peer.environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            until((folder / "server" / "hq-current").exists, "the server of hq")
            peer.run("alloc", "add", "slurm", *queue)
            yield peer
        finally:
            server.terminate()
            server.wait(30)
