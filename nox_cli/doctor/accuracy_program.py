"""The xtb program on PATH, asked for the same numbers: in a directory of its own, judged by what it wrote."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nox_cli.doctor.numbers import Numbers
from workers.engine.molecule.units import DEBYE_PER_AU

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_S = 60.0
_WRITTEN = "xtbout.json"


@dataclass(slots=True)
class Program:
    """An xtb program, and its version once it has said it."""

    path: str
    environ: Mapping[str, str]
    version: str = ""

    @classmethod
    def found(cls, environ: Mapping[str, str]) -> Program | None:
        """Look for it on PATH."""
        path = shutil.which("xtb", path=environ.get("PATH"))
        return None if path is None else cls(path, environ)

    def compute(self, spec: Mapping[str, Any], method: str) -> Numbers | None:
        """Have it compute a structure; None: it did not, or wrote what cannot be read."""
        with tempfile.TemporaryDirectory(prefix="nox-doctor-") as folder:
            structure = spec["structure"]
            rows = [
                f"{symbol} {x:.14f} {y:.14f} {z:.14f}"
                for symbol, (x, y, z) in zip(
                    structure["symbols"], structure["positions_angstrom"], strict=True
                )
            ]
            Path(folder, "in.xyz").write_text("\n".join([str(len(rows)), "", *rows]) + "\n")
            options = ["--gfn", method[-1], "--chrg", f"{spec['charge']}", "--uhf", f"{spec['unpaired']}"]
            try:
                subprocess.run(
                    [self.path, "in.xyz", *options, "--json"],
                    cwd=folder,
                    env={**self.environ, "HOME": folder, "OMP_NUM_THREADS": "1"},  # no settings of anybody's
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=LIMIT_S,
                    check=True,
                )
                return self._read(json.loads(Path(folder, _WRITTEN).read_text()))
            except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
                return None

    def _read(self, written: Mapping[str, Any]) -> Numbers:
        self.version = str(written["xtb version"]).split()[0]
        return Numbers(
            energy_hartree=float(written["total energy"]),
            gap_ev=float(written["HOMO-LUMO gap / eV"]),
            dipole_debye=math.hypot(*written["dipole / a.u."]) * DEBYE_PER_AU,
            charges_e=tuple(map(float, written["partial charges"])),
        )
