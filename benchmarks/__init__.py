"""Benchmarks of nox and of other programs, measured in one run: `python -m benchmarks`."""
