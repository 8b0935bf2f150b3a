"""The only reader of the environment and of configuration files; every value knows its origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.store.opening import StoreSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a call of nox may be told from outside its command line."""

    store: StoreSettings  # which store, where
    owner: str
    home: Path  # state: the local store, logs; 0700
    artifacts: Path
    autostart: str  # "auto", "always", "never"
    color: str  # "auto", "always", "never"
    debug: bool
    origins: Mapping[str, str]  # setting -> where its value came from
