"""The terminal: output streams, columns, the redrawn screen."""
