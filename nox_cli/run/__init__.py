"""Foreground runs: `nox run`, its manifest, deadlines, exported files."""
