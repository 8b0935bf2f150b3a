"""Random faults over many jobs, and a checker of what came of them: `python -m benchmarks.soak`."""
