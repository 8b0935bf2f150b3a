"""Results become text here, and nowhere else.

For the result of `nox_cli/commands/X.py` the module `nox_cli/render/X.py` has, as far as the command offers
that form:

- `text(result, out)`: writes it for people, in lines, to an `Out` (`render/out.py`);
- `document(result)`: one JSON-ready dict; `"schema": 1` is put in front by `show`;
- `lines(result)`: an iterable of JSON-ready dicts for NDJSON, each flushed as it comes;
- `table(result)`: a header and rows, for CSV and TSV;
- `ids(result)`: job ids, one a line;
- `notes(result)`: lines for stderr, in every form, before anything else: warnings and echoes;
- `remarks(result)`: lines for stderr, in every form, after everything else.

`show` picks the one that `session.form` names.  Whatever is printed goes through `text.safe` on its way.
"""
