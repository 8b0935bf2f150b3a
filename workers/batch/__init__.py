"""Batch systems: what Slurm, PBS, LSF and Grid Engine say about this process."""
