"""`nox top`: jobs, workers and failures on the whole terminal, with Textual.

A front end of its own, which no other command loads.  It reads a store through `window`, `nox_cli.watch` and
`nox_cli.results`, and changes jobs through `nox_cli.changes`, as commands do.
"""
