"""Jobs: what they are, where they are kept, how they are run.  Knows nothing of terminals."""
