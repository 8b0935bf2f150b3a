"""The choice of an engine: made once for all jobs of a submit, and pinned in each with its version."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from workers.engine.abilities import able, lacking, preferred
from workers.errors import UsageError
from workers.names import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from workers.store.base import Store


class EngineWanted(StrEnum):
    """The engines to choose from, for `--engine`."""

    AUTO = "auto"
    XTB = "xtb"
    TBLITE = "tblite"
    XTB_CLI = "xtb-cli"


class Pin(NamedTuple):
    """The engine of a submit's calculations.  An empty version: whichever a worker has."""

    engine: EngineName
    version: str
    warning: str = ""

    @property
    def shown(self) -> str:
        """The engine and its version, for people."""
        return f"{self.engine} {self.version}".strip()


def offered(store: Store) -> list[frozenset[str]]:
    """List the engine keys of each living worker.

    Raises:
        StoreError: the store cannot be read.
    """
    return [worker.beat.engines for worker in store.workers() if worker.alive]


def pin(
    wanted: EngineWanted,
    available: Callable[[Sequence[EngineName]], Mapping[str, str]],
    offered: Callable[[], Iterable[frozenset[str]]],
    needs: frozenset[str] = frozenset(),
) -> Pin:
    """Choose an engine: one that can run here, else one that living workers offer.

    Args:
        wanted: `auto` takes the engine that is preferred for the needs, mostly xtb before tblite.
        available: returns those of some engines that can run here, with their versions.
        offered: returns the engine keys of each living worker; called only if no engine fits here.
        needs: the abilities that not every engine has (`workers.engine.abilities`).

    Raises:
        UsageError: no engine, or not the wanted one, has all of them.
    """
    names = _able(wanted, needs)
    for name in names:
        version = available([name]).get(name)
        if version is not None:
            return Pin(name, version)
    keys = frozenset[str]().union(*offered())
    for name in names:
        versions = [key.partition("@")[2] for key in keys if key.startswith(f"{name}@")]
        if versions:
            return Pin(name, max(versions, key=_parts))
    # Wherever nox has an engine it has tblite.
    name = EngineName.TBLITE if EngineName.TBLITE in names else names[0]
    return Pin(name, "", _nowhere(name, is_any=len(names) > 1))


def _able(wanted: EngineWanted, needs: frozenset[str]) -> list[EngineName]:
    """Name the engines to choose from, the preferred one first.

    Raises:
        UsageError: there is none.
    """
    if wanted is EngineWanted.AUTO:
        names = preferred(needs)
        if not names:
            raise UsageError(f"no engine has {' and '.join(sorted(needs))} at once")
        return names
    name = EngineName(wanted)
    missing = lacking(name, needs)
    if missing:
        others = [f"--engine {other}" for other in able(needs)]
        hint = f"{' or '.join(others)}, or leave it to nox" if others else "no engine has all of it"
        raise UsageError(f"--engine {wanted} has no {' and no '.join(missing)}", hint=hint)
    return [name]


def _nowhere(name: EngineName, *, is_any: bool) -> str:
    if name is EngineName.XTB_CLI:
        missing = "no xtb program is on PATH here"
    else:
        missing = f"no {'engine' if is_any else name} is installed here"
    return f"{missing} and no living worker offers it: jobs wait for one with {name}"


def _parts(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]
