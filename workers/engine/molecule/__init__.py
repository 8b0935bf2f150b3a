"""Molecules and crystals: elements, units, cells, solvents, checks."""
