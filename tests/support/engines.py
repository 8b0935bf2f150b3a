"""What the engine suites share: every engine that is installed here, driven through a real keeper."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.standin.keepers import Driver, calculation
from workers.engine.registry import available
from workers.keeper.keeper import ENTRY
from workers.result import ChemistryResult

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin.molecules import Structure
    from workers.keeper.keeper import Ended

ENGINES = sorted(available())
# The engine that drives a program: what it does between two points is the program's own.
PROGRAM = "xtb-cli"


class Engine:
    """One engine in a process of its own."""

    def __init__(self, name: str, scratch: Path, entry: str = ENTRY) -> None:
        self.name = name
        self.driver = Driver(scratch, entry)

    def run(self, structure: Structure, kind: str = "sp", **fields: Any) -> Ended:
        """Run a calculation, however it ends, in an empty folder."""
        self.tidy()
        return self.driver.run(calculation(*structure, kind=kind, engine=self.name, **fields))

    def tidy(self) -> None:
        """Remove what earlier calculations left."""
        for left in self.driver.scratch.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    def compute(self, structure: Structure, kind: str = "sp", **fields: Any) -> ChemistryResult:
        """Run a calculation that must succeed."""
        return chemistry(self.run(structure, kind, **fields))


def chemistry(ended: Ended) -> ChemistryResult:
    """Read the result of a calculation that succeeded."""
    assert ended.failure is None, ended.failure
    return partial(ended)


def partial(ended: Ended) -> ChemistryResult:
    """Read the result, even of one that failed."""
    assert isinstance(ended.result, ChemistryResult), ended
    return ended.result
