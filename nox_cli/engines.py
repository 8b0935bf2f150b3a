"""Which engine computes: chosen once for all jobs of a submit, and pinned in each with its version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from workers.engine.abilities import lacking, preferred
from workers.errors import UsageError
from workers.names import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class EngineWanted(StrEnum):
    """What `--engine` takes."""

    AUTO = "auto"
    XTB = "xtb"
    TBLITE = "tblite"


@dataclass(frozen=True, slots=True)
class Pin:
    """The engine of a submit's calculations.  An empty version: whichever a worker has."""

    engine: EngineName
    version: str
    warning: str = ""

    @property
    def shown(self) -> str:
        """The engine and its version, for people."""
        return f"{self.engine} {self.version}".strip()


def pin(
    wanted: EngineWanted,
    installed: Mapping[str, str],
    offered: Callable[[], Iterable[frozenset[str]]],
    needs: frozenset[str] = frozenset(),
) -> Pin:
    """Choose the engine: one that is installed here, else one that living workers offer.

    Args:
        wanted: `auto` takes the one that is preferred for what is needed: mostly xtb before tblite.
        installed: engines here, with their versions.
        offered: asks for the engine keys of living workers; called only if nothing fits here.
        needs: what not every engine can do (`workers.engine.abilities`).

    Raises:
        UsageError: the engine that is wanted cannot do it.
    """
    names = preferred(needs) if wanted is EngineWanted.AUTO else [EngineName(wanted)]
    able = [name for name in names if not lacking(name, needs)]
    if not able:
        raise UsageError(
            f"--engine {wanted} has no {' and no '.join(lacking(names[0], needs))}",
            hint=f"--engine {EngineName.TBLITE}, or leave it to nox",
        )
    names = able
    for name in names:
        if name in installed:
            return Pin(name, installed[name])
    keys = frozenset[str]().union(*offered())
    for name in names:
        versions = [key.partition("@")[2] for key in keys if key.startswith(f"{name}@")]
        if versions:
            return Pin(name, max(versions, key=_parts))
    # Wherever nox has an engine it has tblite.
    name = EngineName.TBLITE if EngineName.TBLITE in names else names[0]
    what = "no engine" if len(names) == len(EngineName) else name
    return Pin(
        name, "", f"{what} is installed here and no living worker offers it: jobs wait for one with {name}"
    )


def _parts(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]
