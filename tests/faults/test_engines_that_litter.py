"""Engines that leave links, pipes, folders, very many files: nothing is published, and that is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

SECRET = "the secret of somebody"
LITTERER = {"STAND_IN": "tests.standin.litterer"}


def run(nox: Nox, litter: str) -> str:
    """Run one energy whose engine litters, and one more after it; return the job's id."""
    folder = nox.cwd / ".ssh"
    folder.mkdir()
    for name in ("id_ed25519", "opt.xyz"):
        (folder / name).write_text(SECRET)
    structure = nox.cwd / f"{litter}.xyz"
    structure.write_bytes((EXAMPLES / "water.xyz").read_bytes())
    (job_id,) = nox.submit(str(structure), "--sp", "--no-start")
    (after,) = nox.submit("--kind", "echo", "--no-start")
    temporary = nox.cwd / "tmp"
    temporary.mkdir(mode=0o700)
    env = LITTERER | {"TMPDIR": str(temporary)}
    assert 0 == nox.worker("--slots", "1", "--idle-timeout", "0.5", standin=True, env=env).wait(90)
    assert "completed" == nox.status(after)["state"]
    assert [] == [path for path in temporary.rglob("*") if not path.is_dir() or path.name.startswith(job_id)]
    return job_id


def holds_secret(folder: Path) -> list[Path]:
    """Name the files that hold the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("litter", "said"),
    [
        ("links", ["opt.xyz was refused: it is a link", "trajectory.xyz was refused: it is a link"]),
        ("special", ["opt.xyz was refused: not a regular", "trajectory.xyz was refused: not a regular"]),
        ("swapped", ["the engine's folder was refused: Not a directory"]),
        ("outside", []),
        ("many-2000", []),
        pytest.param("many-200000", [], marks=pytest.mark.long),
    ],
)
def test_engines_that_litter_what_an_engine_left_is_not_published(
    nox: Nox, litter: str, said: list[str]
) -> None:
    """
    The result counts, what was refused is told as a warning each, none of it is kept or copied, the next
    job runs, and the scratch folder is gone.
    """
    job_id = run(nox, litter)
    shown = nox("status", job_id, check=True).stdout
    listed = json.loads(nox("fetch", job_id, "--ls", "--json", check=True).stdout)

    assert "done (" in shown
    assert len(said) == shown.count("was refused")
    assert [] == [words for words in said if f"warning: {words}" not in shown]
    assert {"engine.log", "result.json"} == {item["name"] for item in listed["items"]}
    assert [] == holds_secret(nox.home)
    assert {"id_ed25519", "opt.xyz"} == {path.name for path in (nox.cwd / ".ssh").iterdir()}
