"""Selectors: the words that name jobs on a command line, and the jobs they name.

    words       their forms (`FORMS`, `HELP`), and the groups among them (`group`)
    selection   select, named, outlined: the jobs of several words, as ids or outlines
    finder      the jobs of one word
    reader      look_up, pages, outlines_in, outlines_of: the jobs of ids, or of a query

`bare_names`, the one job or batch of a name, is for `finder` alone.
"""
