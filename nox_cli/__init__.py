"""The `nox` command: what people and scripts see of their jobs."""
