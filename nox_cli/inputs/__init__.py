"""Input files: their formats (one module each, a function `read_frames`), structures, charges, requests."""
