"""Single points by the library alone, in two processes that loop over files: the peer without nox.

`python -m benchmarks.bare [--warm] FILE...` is one of them.  For each file it reads the structure, computes,
and reads energy, gradient, charges, dipole, bond orders and orbital energies.  With `--warm` it computes the
first files once, writes a line, and waits for a line before it begins.  At its end it writes its processor
time in seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

PROCESSES = 2
# The number of molecules that are computed before the clock starts.
WARM = 4
_NUMBERS = {
    "H": 1,
    "B": 5,
    "C": 6,
    "N": 7,
    "O": 8,
    "F": 9,
    "Si": 14,
    "P": 15,
    "S": 16,
    "Cl": 17,
    "Br": 35,
    "I": 53,
}
_BOHR_PER_ANGSTROM = 1.8897261246257702


class Bare(NamedTuple):
    """Seconds from the start to the end of the last process, and the processor seconds of all."""

    seconds: float
    cpu_s: float


def run(files: Sequence[Path], *, is_warm: bool) -> Bare:
    """Compute files in two processes.

    Args:
        files: each process takes every other one.
        is_warm: whether the time begins after the imports and the first molecules; else it begins with the
            start of the processes.
    """
    options = ["--warm"] if is_warm else []
    start = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare", *options, *map(str, files[number::PROCESSES])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        for number in range(PROCESSES)
    ]
    if is_warm:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        start = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
    taken = []
    for process in processes:
        assert process.stdout is not None
        taken.append(float(process.stdout.readline()))
    seconds = time.perf_counter() - start
    for process in processes:
        process.communicate()
    return Bare(seconds, sum(taken))


def _singlepoint() -> Callable[[Path], None]:
    """Import the library that nox prefers; return what computes a file with it."""
    import numpy as np

    def read(path: Path) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
        rows = [line.split() for line in path.read_text().splitlines()[2:]]
        positions = np.array([[float(word) for word in row[1:4]] for row in rows])
        return np.array([_NUMBERS[row[0]] for row in rows]), positions * _BOHR_PER_ANGSTROM

    def by_xtb(path: Path) -> None:
        calculator = Calculator(Param.GFN2xTB, *read(path))
        calculator.set_verbosity("muted")
        results = calculator.singlepoint()
        results.get_energy()
        results.get_gradient()
        results.get_charges()
        results.get_dipole()
        results.get_bond_orders()
        results.get_orbital_eigenvalues()

    def by_tblite(path: Path) -> None:
        calculator = TbliteCalculator("GFN2-xTB", *read(path))
        calculator.set("verbosity", 0)
        results = calculator.singlepoint()
        for name in ("energy", "gradient", "charges", "dipole", "bond-orders", "orbital-energies"):
            results.get(name)

    try:
        from xtb.interface import Calculator, Param
    except ImportError:
        from tblite.interface import Calculator as TbliteCalculator

        return by_tblite
    return by_xtb


def main() -> None:
    """Compute the files that the command line names."""
    arguments = sys.argv[1:]
    is_warm = arguments[0] == "--warm"
    files = [Path(name) for name in arguments[is_warm:]]
    compute = _singlepoint()
    if is_warm:
        for path in files[: WARM // PROCESSES]:
            compute(path)
        print("ready", flush=True)
        sys.stdin.readline()
    before = time.process_time() if is_warm else 0.0
    for path in files:
        compute(path)
    print(time.process_time() - before, flush=True)


if __name__ == "__main__":
    main()
