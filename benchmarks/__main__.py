"""Run the benchmarks: all of them, or those named; a table on stdout, JSON with `--json FILE`."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.figures import Figure, table, write_json

NAMES = (
    "startup",
    "completion",
    "bulk",
    "echo",
    "molecules_per_second",
    "frequencies",
    "idle",
    "finish",
    "watchers",
    "keys",
    "durable",
    "tabulate",
    "http",
    "streams",
)
# These take many minutes: only if they are named.
BY_NAME = ("scale", "queries", "memory", "points", "top", "page")


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
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {*NAMES, *BY_NAME}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in chosen.names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        figures += importlib.import_module(f"benchmarks.{name}").measure()
    print(table(figures))
    if chosen.json:
        write_json(figures, chosen.json)
    return int(any(figure.verdict == "MISSED" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
