"""What computes: one protocol (`base`), one file an engine, one file a calculation."""
