"""The store: which it is, and whether it answers.  What else there is to say, it says itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workers import machine
from workers.errors import StoreOlder
from workers.findings import Finding, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nox_cli.session import Session
    from workers.store.base import Store


class Reached:
    """The store as far as it was reached; what looks into it is skipped if it was not."""

    def __init__(self, call: Session) -> None:
        self._call = call
        self._store: Store | None = None

    def check(self) -> list[Finding]:
        """Reach the store.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged, SettingsInvalid: it cannot be used.
        """
        try:
            self._store = self._call.existing
        except StoreOlder as error:
            return [warning("store", error.what, error.hint)]
        if self._store is None:
            return [_not_made_yet(self._call.settings.home)]
        return [ok("store", f"{self._store.kind}: {self._store.where}")]

    def then(self, look: Callable[[Store], Sequence[Finding]]) -> Callable[[], Sequence[Finding]]:
        """Make a check of one that needs the store."""
        return lambda: [] if self._store is None else look(self._store)


def check_inside(store: Store) -> list[Finding]:
    """Have the store look at itself.

    Raises:
        StoreError: it cannot be read.
    """
    return store.inspect()


def _not_made_yet(home: Path) -> Finding:
    """Say whether the first submit could make a local store."""
    folder = machine.nearest_existing(home)
    if os.access(folder, os.W_OK | os.X_OK):
        return ok("store", f"local: none in {home} yet; the first submit makes it")
    found = f"local: none in {home} yet, and {folder} cannot be written"
    return problem("store", found, "set NOX_HOME to a directory of your own")
