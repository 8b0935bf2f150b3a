"""The `nox` command: submits jobs, shows them and their results."""
