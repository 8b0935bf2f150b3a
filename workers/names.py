"""The names a calculation is told in, as xtb spells them.  Imports nothing heavy."""

from __future__ import annotations

from enum import StrEnum

# Of thermochemistry, unless somebody says otherwise: 25 °C and 1 atm.
TEMPERATURE_K, PRESSURE_PA = 298.15, 101_325.0
# What a job may be, as its kind says.
CALCULATIONS = ("echo", "sp", "grad", "opt", "hess", "ohess", "bhess")
# Of what is handed to the xtb program as it is.
MAX_PROGRAM_INPUT_BYTES = 16 * 1024
MAX_PROGRAM_OPTIONS = 32


class OptLevel(StrEnum):
    """How far an optimisation is driven, as xtb names it."""

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


class Solvation(StrEnum):
    """The model of a solvent around the molecule."""

    ALPB = "alpb"
    GBSA = "gbsa"


class EngineName(StrEnum):
    """The library, or the program, that computes."""

    XTB = "xtb"
    TBLITE = "tblite"
    XTB_CLI = "xtb-cli"
