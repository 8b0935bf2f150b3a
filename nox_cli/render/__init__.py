"""Results become text here, and nowhere else.

For the result of `nox_cli/commands/X.py` the module `nox_cli/render/X.py` has, as far as the command offers
that form: `text(result, out)` for people, `document(result)` a JSON-ready value, `lines(result)` an iterable
of JSON-ready values, `table(result)` header and rows for CSV and TSV, `ids(result)` job ids.
"""
