"""What the help of a command shows as examples works when it is typed."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from nox_cli.commandline.examples import EXAMPLES
from tests.support.environment import search_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

# Jobs 1 to 45, all of them completed, before any example is run.
COMPLETED = 45
H2 = "2\n\nH 0 0 0\nH 0 0 0.74\n"
CAFFEINE = "3\n\nO 0 0 0\nH 0 0.757 0.587\nH 0 -0.757 0.587\n"
# What is submitted waits.
WAITING = {"NOX_AUTOSTART": "never"}
# These never end by themselves, or need a Redis, a batch system, a server or a terminal.
NOT_RUN = {
    *(line for path, lines in EXAMPLES.items() if path.split()[0] == "alloc" for line, _ in lines),
    "nox worker --print-sbatch --cores 8 --time-limit 4h | sbatch",
    "nox events --follow",
    "nox top @batch:screen @running",
    "nox worker --slots 4 --idle-timeout 10m",
    "nox serve --with-worker",
    "nox serve --unix ~/nox.sock",
    "nox serve link",
    "nox push",
}
# These run first, over completed jobs; what submits and changes jobs comes after.
CHANGING = ("submit", "set", "hold", "release", "cancel", "retry", "clean")
# Examples that find nothing to do here, and say so.
NOTHING = {
    "nox clean @failed --older 1d",
    "nox cancel 40-45",
    "nox release 40-45",
    "nox retry @failed:not_converged --from-last-geometry",
    "nox retry @failed",
}


def test_the_examples_of_help_run(nox: Nox, tmp_path: Path) -> None:
    """
    Each example that ends by itself exits 0, or 3 where it finds no job to change.
    """
    (tmp_path / "all.xyz").write_text(H2 * COMPLETED)
    (tmp_path / "caffeine.xyz").write_text(CAFFEINE)
    (tmp_path / "radical.xyz").write_text(CAFFEINE)
    nox("run", "all.xyz", "--split", "--opt", "--batch", "screen", cwd=tmp_path, check=True)
    (tmp_path / "all.xyz").unlink()
    (tmp_path / "bin").mkdir()
    for program in ("jmol", "notify-send"):
        (tmp_path / "bin" / program).symlink_to("/bin/true")
    env = WAITING | {"DISPLAY": ":9", "NOX_VIEWER": "jmol", "PATH": f"{tmp_path / 'bin'}:{search_path()}"}
    order = sorted(EXAMPLES, key=lambda path: CHANGING.index(path) if path in CHANGING else -1)

    for line, _ in (example for path in order for example in EXAMPLES[path] if example[0] not in NOT_RUN):
        words = shlex.split(re.sub(r'^eval "\$\((.*)\)"$', r"\1", line).partition(" > ")[0])
        found = [
            [path.name for path in sorted(tmp_path.glob(word))] if "*" in word else [word] for word in words
        ]
        ended = nox(*(word for words in found[1:] for word in words), cwd=tmp_path, env=env)

        assert ended.returncode in ({0, 3} if line in NOTHING else {0}), (line, ended.stdout, ended.stderr)
