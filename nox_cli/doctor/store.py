"""Checks of the store: whether it can be opened, and the checks of its content that it makes itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workers import machine
from workers.errors import StoreOlder
from workers.findings import Finding, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workers.store.base import Store


class Reached:
    """Opens the store for the checks of its contents, which are skipped if it cannot be opened."""

    def __init__(self, open_store: Callable[[], Store | None], home: Path) -> None:
        self._open_store = open_store
        self._home = home
        self._store: Store | None = None

    def check(self) -> list[Finding]:
        """Open the store.

        Raises:
            StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged, SettingsInvalid: it cannot be used.
        """
        try:
            self._store = self._open_store()
        except StoreOlder as error:
            return [warning("store", error.what, error.hint)]
        if self._store is None:
            return [_not_made_yet(self._home)]
        return [ok("store", f"{self._store.kind}: {self._store.where}")]

    def then(self, look: Callable[[Store], Sequence[Finding]]) -> Callable[[], Sequence[Finding]]:
        """Make a check out of a function that needs the store."""
        return lambda: [] if self._store is None else look(self._store)


def check_inside(store: Store) -> list[Finding]:
    """Return what the store finds in itself.

    Raises:
        StoreError: it cannot be read.
    """
    return store.inspect()


def _not_made_yet(home: Path) -> Finding:
    """Report whether the first submit can make a local store."""
    folder = machine.nearest_existing(home)
    if os.access(folder, os.W_OK | os.X_OK):
        return ok("store", f"local: none in {home} yet; the first submit makes it")
    found = f"local: none in {home} yet, and {folder} cannot be written"
    return problem("store", found, "set NOX_HOME to a directory of your own")
