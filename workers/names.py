"""Names and bounds of calculations, as xtb spells them.  Imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The defaults of thermochemistry: 25 °C and 1 atm.
TEMPERATURE_K, PRESSURE_PA = 298.15, 101_325.0
# The kinds of jobs.
CALCULATIONS = ("echo", "sp", "grad", "opt", "hess", "ohess", "bhess")
# The most atoms of a structure.
MAX_ATOMS = 1_000
# Of what is handed to the xtb program as it is.
MAX_PROGRAM_INPUT_BYTES = 16 * 1024
MAX_PROGRAM_OPTIONS = 32
# The files of an optimisation: its last geometry, and all geometries on the way.
OPT_XYZ, TRAJECTORY_XYZ = "opt.xyz", "trajectory.xyz"


class OptLevel(StrEnum):
    """The convergence thresholds of an optimisation, as xtb names them."""

    CRUDE = "crude"
    SLOPPY = "sloppy"
    LOOSE = "loose"
    NORMAL = "normal"
    TIGHT = "tight"
    VTIGHT = "vtight"
    EXTREME = "extreme"


class Method(StrEnum):
    """The Hamiltonian."""

    GFN2 = "gfn2"
    GFN1 = "gfn1"
    IPEA1 = "ipea1"
    GFN0 = "gfn0"
    GFNFF = "gfnff"


# As publications write them.
METHOD_TITLES: Mapping[str, str] = {
    Method.GFN2: "GFN2-xTB",
    Method.GFN1: "GFN1-xTB",
    Method.IPEA1: "IPEA1-xTB",
    Method.GFN0: "GFN0-xTB",
    Method.GFNFF: "GFN-FF",
}


class Solvation(StrEnum):
    """The model of a solvent around the molecule."""

    ALPB = "alpb"
    GBSA = "gbsa"


class EngineName(StrEnum):
    """The engines: two libraries and the xtb program."""

    XTB = "xtb"
    TBLITE = "tblite"
    XTB_CLI = "xtb-cli"
