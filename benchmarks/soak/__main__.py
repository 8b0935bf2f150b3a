"""Soak nox: `python -m benchmarks.soak --store both --seconds 60`; ends with 1 if any rule was broken."""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

from benchmarks.soak import references
from benchmarks.soak.play import soak
from benchmarks.soak.report import table, write_json
from tests.support.environment import scrub
from workers.job import MAX_BUNDLED


def main() -> int:
    """Soak the stores asked for, show what came of it, and say whether every rule held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--store", choices=("redis", "local", "both"), default="both")
    parser.add_argument("--seconds", type=float, default=60.0, help="of faults, for both stores together")
    parser.add_argument("--seed", type=int, default=None, help="what chooses the faults; shown at the end")
    parser.add_argument("--harmless", action="store_true", help="only faults that may cost no attempt")
    parser.add_argument(
        "--bundle", type=int, default=MAX_BUNDLED, help="the most jobs that a slot of a worker holds"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcome as JSON")
    asked = parser.parse_args()
    scrub(os.environ)
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    stores = ("redis", "local") if asked.store == "both" else (asked.store,)
    print("computing undisturbed numbers ...", file=sys.stderr)
    molecules = references.molecules()
    reports = []
    for store in stores:
        print(f"soaking the {store} store, seed {seed} ...", file=sys.stderr)
        reports.append(
            soak(
                store,
                asked.seconds / len(stores),
                seed,
                molecules,
                harmless=asked.harmless,
                bundle=asked.bundle,
            )
        )
        print(table(reports[-1]), flush=True)
    if asked.json:
        write_json(reports, asked.json)
    return int(any(report.violations for report in reports))


if __name__ == "__main__":
    sys.exit(main())
