"""Conversion between the units of engines (atomic) and those people read.  CODATA 2018."""

from __future__ import annotations

ANGSTROM_PER_BOHR = 0.529177210903
EV_PER_HARTREE = 27.211386245988
DEBYE_PER_AU = 2.5417464739297717
HARTREE_PER_KELVIN = 3.166811563455546e-06
HARTREE_PER_CM1 = 4.5563352529120e-06
ELECTRON_MASSES_PER_U = 1822.888486209
PASCAL_PER_AU = 2.9421015697e13
# N_A e^2 / (12 eps_0 c^2 u): the intensity of a mode whose dipole derivative is 1 e/sqrt(u).
KM_PER_MOL_PER_E2_PER_U = 974.8801118
# How far out an atom may lie, which no molecule reaches, but a number in another unit does.  An input file is
# read up to here, at a tenth: what it starts with may move on before it becomes the start of another job.
MAX_COORDINATE_ANGSTROM = 1e6
MAX_INPUT_COORDINATE_ANGSTROM = MAX_COORDINATE_ANGSTROM / 10
