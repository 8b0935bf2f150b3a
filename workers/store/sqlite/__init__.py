"""The local store, in SQLite."""
