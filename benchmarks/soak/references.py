"""The structures of a soak, and what an undisturbed computation makes of them."""

from __future__ import annotations

import itertools
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.nox import Nox

ROOT = Path(__file__).parents[2]
SINGLEPOINTS = 8
OPTIMISED = ("aspirin", "caffeine")


@dataclass(frozen=True, slots=True)
class Molecule:
    """A structure, what is computed of it, and the energy."""

    kind: str
    xyz: str
    energy_hartree: float = 0.0


def molecules() -> list[Molecule]:
    """Read some structures, and compute them with one worker and no faults."""
    small = (ROOT / "benchmarks" / "molecules" / "small200.xyz").read_text().splitlines()
    found = [Molecule("sp", xyz) for xyz in itertools.islice(_frames(small), SINGLEPOINTS)]
    found += [Molecule("opt", (ROOT / "examples" / f"{name}.xyz").read_text()) for name in OPTIMISED]
    with tempfile.TemporaryDirectory(prefix="nox-soak-") as folder:
        return _computed(Path(folder), found)


def _computed(folder: Path, molecules: list[Molecule]) -> list[Molecule]:
    home = folder / "state"
    home.mkdir(mode=0o700)
    nox = Nox(home)
    ids = []
    for number, molecule in enumerate(molecules):
        (folder / f"{number}.xyz").write_text(molecule.xyz)
        ids += nox.submit(str(folder / f"{number}.xyz"), f"--{molecule.kind}", "--no-start")
    worker = nox.worker("--slots", "2", "--cores", "2", "--memory", "64G", "--idle-timeout", "1")
    if worker.wait(300.0) != 0:
        raise RuntimeError(f"the undisturbed worker failed:\n{worker.log}")
    with nox.store() as store:
        outcomes = store.outcomes(ids)
    nox.close()
    results = [json.loads(outcomes[job_id])["result"] for job_id in ids]
    return [
        replace(one, energy_hartree=result["energy_hartree"])
        for one, result in zip(molecules, results, strict=True)
    ]


def _frames(lines: list[str]) -> itertools.chain[str]:
    """Take the structures of an xyz file apart."""
    starts, at = [], 0
    while at < len(lines):
        starts.append((at, at + int(lines[at]) + 2))
        at = starts[-1][1]
    return itertools.chain("\n".join(lines[start:end]) + "\n" for start, end in starts)
