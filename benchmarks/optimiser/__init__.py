"""The optimiser and its peers on molecules that are hard to optimise, and on ordinary ones."""

import os

# Read when numpy loads: one thread for each, as the engines have for small molecules.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
