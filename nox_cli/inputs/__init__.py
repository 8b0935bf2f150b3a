"""Input files: their formats (one module each, a function `read_records`), structures, charges, requests."""
