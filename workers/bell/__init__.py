"""Bells wake a worker: a bell says only that there is work; the store knows which."""
