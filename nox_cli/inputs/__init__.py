"""Reading of input files: structures (`formats.records_of`, one module per format), charges, and requests.

The module of a format has the function `read_records`, which yields structures and refusals.
"""
