"""Batch systems: the limits that Slurm, PBS, LSF and Grid Engine set for this process."""
