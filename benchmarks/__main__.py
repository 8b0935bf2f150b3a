"""Run the benchmarks: all of them, or those named; a table on stdout, JSON with `--json FILE`.

`--page docs/performance.md` writes what was measured into the tables of that page.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.figures import Figure, table, write_json, write_page

NAMES = (
    "startup",
    "completion",
    "bulk",
    "echo",
    "lone",
    "molecules",
    "optimisations",
    "slot_memory",
    "frequencies",
    "idle",
    "finish",
    "crowd",
    "watchers",
    "keys",
    "durable",
    "tabulate",
    "http",
    "streams",
)
# These take many minutes: only if they are named.
BY_NAME = ("alloc", "large", "scale", "queries", "memory", "points", "top", "page")


def main() -> int:
    """Measure, show, and end with 1 if a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which of {', '.join(NAMES)} (all if none is named), {', '.join(BY_NAME)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    parser.add_argument("--page", type=Path, metavar="FILE", help="also replace their tables in this page")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {*NAMES, *BY_NAME}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    measured: dict[str, list[Figure]] = {}
    for name in chosen.names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        measured[name] = importlib.import_module(f"benchmarks.{name}").measure()
    figures = [figure for found in measured.values() for figure in found]
    print(table(figures))
    if chosen.json:
        write_json(figures, chosen.json)
    if chosen.page:
        write_page(measured, chosen.page)
    return int(any(figure.verdict == "MISSED" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
