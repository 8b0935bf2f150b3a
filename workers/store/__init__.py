"""Where jobs are kept: one protocol (`base`), a Redis and a SQLite kind."""
