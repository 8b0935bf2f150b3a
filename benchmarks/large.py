"""Large molecules, from submit to the last result, compared with the xtb program on as many cores.

Optimisations of taxol (113 atoms), of a peptide (203) and of 100 waters, and a Hessian of taxol on two cores.
The waters are on a cubic grid, each turned at random: `--opt crude` takes them some way to a droplet.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice, product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.figures import Figure, median, ratio
from benchmarks.frequencies import program_s, submitted_s
from benchmarks.ground import ROOT, WAITED_S, has, local_ground

# In turn, so that what else the machine does meanwhile meets both alike.
ROUNDS = 3
WATERS = 100
SPACING_ANGSTROM = 3.1


class Case(NamedTuple):
    """A calculation, its cores, and the most that its time may be of the program's."""

    title: str
    file: Path
    options: tuple[str, ...]
    cores: int
    bound: float


def measure() -> list[Figure]:
    """Measure each in turn with the program; the medians, and the medians of the rounds' ratios."""
    with tempfile.TemporaryDirectory(prefix="nox-bench-") as folder:
        waters = Path(folder) / "waters.xyz"
        waters.write_text(droplet(WATERS))
        taxol, peptide = (
            ROOT / name for name in ("benchmarks/molecules/taxol.xyz", "tests/molecules/pep200.xyz")
        )
        cases = (
            Case("optimisation of taxol", taxol, ("--opt",), 1, 0.5),
            Case("optimisation of a peptide", peptide, ("--opt",), 1, 0.5),
            Case("crude optimisation of 100 waters", waters, ("--opt", "crude"), 1, 1.0),
            Case("Hessian of taxol on 2 cores", taxol, ("--hess",), 2, 1.0),
        )
        return [figure for case in cases for figure in _measured(case)]


def _measured(case: Case) -> list[Figure]:
    own: list[float] = []
    peer: list[float] = []
    with local_ground() as ground, ground.worker(case.cores):
        time.sleep(WAITED_S)
        for _ in range(ROUNDS):
            own.append(submitted_s(ground, case.file, *case.options, "--cores", f"{case.cores}"))
            if has("xtb"):
                peer.append(program_s(case.cores, case.file, *case.options))
    figures = [Figure(f"{case.title}, submit to end", median(own), "s")]
    if peer:
        figures += [
            Figure(f"{case.title}, xtb", median(peer), "s"),
            Figure(f"{case.title}, submit to end / xtb", ratio(own, peer), "x", case.bound),
        ]
    return figures


def droplet(number: int) -> str:
    """Write waters on the cells of a cubic grid as an XYZ file."""
    random = np.random.default_rng(0)
    water = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])
    side = range(round(np.ceil(np.cbrt(number))))
    lines = [str(3 * number), ""]
    for cell in islice(product(side, repeat=3), number):
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
        places = water @ turn + SPACING_ANGSTROM * np.array(cell)
        lines += [
            f"{symbol} {x:.6f} {y:.6f} {z:.6f}" for symbol, (x, y, z) in zip("OHH", places, strict=True)
        ]
    return "\n".join(lines) + "\n"
