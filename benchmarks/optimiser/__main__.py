"""Walk the acceptance set: `python -m benchmarks.optimiser FOLDER`.

Walks are kept in FOLDER, a JSON file for each label, so that variants are compared with what was walked
before: only what is missing is walked.  Each start is compared with the lower of `xtb --opt` from the same
geometry and from the undisplaced one.  An end more than 1e-5 Eh above gets a Hessian, and its bonds are
compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.optimiser import ends
from benchmarks.optimiser.starts import DISPLACED, molecules
from benchmarks.optimiser.walkers import PEERS, Walk, walk
from workers.engine.levels import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.optimiser.starts import Molecule
    from workers.engine.levels import Level

XTB = "xtb"
ABOVE_HARTREE = 1e-5
UPHILL_HARTREE = (1e-5, 1e-3)


class Cache:
    """The walks of one label, by molecule and start."""

    def __init__(self, folder: Path, label: str) -> None:
        self.label = label
        self._path = folder / f"{label}.json"
        stored = json.loads(self._path.read_text()) if self._path.exists() else {}
        self.walks = {key: Walk(**fields) for key, fields in stored.items()}

    def save(self) -> None:
        """Write what there is."""
        documents = {key: one.document() for key, one in self.walks.items()}
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(documents))
        part.replace(self._path)


def main() -> int:
    """Walk what is missing, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimiser", description=__doc__)
    parser.add_argument("folder", type=Path, help="where walks are kept")
    parser.add_argument("--label", help="the name to keep these walks under; default: the walker's")
    parser.add_argument("--walker", choices=("nox", XTB, *PEERS), default="nox")
    parser.add_argument("--level", choices=LEVELS, default="normal")
    parser.add_argument(
        "--starts", default=f"0-{DISPLACED - 1}", help="which starts of each molecule, as 0,10-12"
    )
    parser.add_argument("--only", default="", help="only molecules whose name or kind has this in it")
    parser.add_argument("--compare", nargs="*", metavar="LABEL", help="print tables of these; walk nothing")
    parser.add_argument(
        "--each", action="store_true", help="also list the starts that end badly or above xtb"
    )
    asked = parser.parse_args()
    chosen = [one for one in molecules() if asked.only in f"{one.name} {one.kind}"]
    numbers = list(_numbers(asked.starts))
    reference = Cache(asked.folder, XTB)
    caches = [Cache(asked.folder, label) for label in asked.compare or [asked.label or asked.walker]]
    if asked.compare is None:
        asked.folder.mkdir(parents=True, exist_ok=True)
        for molecule in chosen:
            _walk_missing(caches[0], molecule, numbers, asked.walker, LEVELS[asked.level])
    for cache in caches:
        _print_table(cache, reference, chosen, numbers)
    if asked.each:
        for cache in caches:
            _print_each(cache, reference, chosen, numbers)
    return 0


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _walk_missing(cache: Cache, molecule: Molecule, numbers: list[int], walker: str, level: Level) -> None:
    wanted = [None, *numbers] if walker == XTB else [*numbers]
    missing = [number for number in wanted if _key(molecule, number) not in cache.walks]
    for number in missing:
        spec = molecule.start(number)
        cache.walks[_key(molecule, number)] = walk(spec, level, walker)
    if missing:
        cache.save()
        print(f"{cache.label}: {molecule.name}", file=sys.stderr, flush=True)


def _key(molecule: Molecule, number: int | None) -> str:
    return f"{molecule.name}/{'undisplaced' if number is None else number}"


def _lowest(reference: Cache, molecule: Molecule, number: int) -> float | None:
    """The energy that a start is compared with, hartree; None: the program did not converge."""
    found = (reference.walks.get(_key(molecule, which)) for which in (None, number))
    return min((one.energy for one in found if one and one.converged and one.energy), default=None)


def _print_table(cache: Cache, reference: Cache, chosen: list[Molecule], numbers: list[int]) -> None:
    """Print a line for each kind of molecule, and their sum."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 8)
    walks: list[Walk] = []
    for molecule in chosen:
        for number in numbers:
            one, by_xtb = (each.walks.get(_key(molecule, number)) for each in (cache, reference))
            if one is None:
                continue
            walks.append(one)
            lowest = _lowest(reference, molecule, number)
            above = one.converged and lowest is not None and one.accepted[-1] - lowest > ABOVE_HARTREE
            found = (
                1,
                one.converged,
                by_xtb is not None and by_xtb.converged,
                above,
                *(one.rise > limit for limit in UPHILL_HARTREE),
                one.gradients,
                by_xtb.gradients if by_xtb else 0,
            )
            for kind in (molecule.kind, "all"):
                sums[kind] = [left + right for left, right in zip(sums[kind], found, strict=True)]
    heads = ("starts", "converged", "xtb", "above xtb", "rises > 1e-5", "> 1e-3", "gradients", "xtb")
    print(f"\n| {cache.label} | {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, row in sorted(sums.items(), key=lambda item: item[0] == "all"):
        print(f"| {kind} | {' | '.join(map(str, row))} |")
    if walks:
        rise, seconds = max(one.rise for one in walks), sum(one.seconds for one in walks)
        print(f"largest accepted rise {rise:.1e} Eh, {seconds:.0f} s of processor time")


def _print_each(cache: Cache, reference: Cache, chosen: list[Molecule], numbers: list[int]) -> None:
    for molecule in chosen:
        for number in numbers:
            one = cache.walks.get(_key(molecule, number))
            if one is None:
                continue
            lowest = _lowest(reference, molecule, number)
            words = [] if one.converged else [one.why]
            if one.rise > UPHILL_HARTREE[1]:
                words.append(f"a rise of {one.rise:.1e} Eh")
            if one.converged and lowest is not None and one.accepted[-1] - lowest > ABOVE_HARTREE:
                words.append(f"{one.accepted[-1] - lowest:.1e} Eh above, {ends.described(molecule, one)}")
            if words:
                print(
                    f"{cache.label}: {molecule.name} {number}: {one.gradients} gradients, {'; '.join(words)}"
                )


if __name__ == "__main__":
    sys.exit(main())
