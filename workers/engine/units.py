"""Conversion between the units of engines (atomic) and those people read.  CODATA 2018."""

from __future__ import annotations

ANGSTROM_PER_BOHR = 0.529177210903
EV_PER_HARTREE = 27.211386245988
DEBYE_PER_AU = 2.5417464739297717
HARTREE_PER_KELVIN = 3.166811563455546e-06
