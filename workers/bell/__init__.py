"""Bells, which wake workers: a bell means only that there are jobs; the store knows which."""
