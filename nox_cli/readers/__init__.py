"""What a file holds becomes structures, strictly: one module a format, each a function `read_frames`."""
