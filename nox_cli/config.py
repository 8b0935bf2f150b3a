"""The only reader of the environment and of configuration files; every value knows its origin."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workers.store.opening import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.argv import Call


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

    def colored(self, *, is_terminal: bool) -> bool:
        """Whether output to such a stream is to have colours."""
        return is_terminal if self.color == "auto" else self.color == "always"


def environment() -> Mapping[str, str]:
    """Hand over the environment of this process."""
    return os.environ


def load(environ: Mapping[str, str], call: Call) -> Settings:
    """Read every setting, as of now."""
    user = pwd.getpwuid(os.getuid())
    state = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or user.pw_dir, ".local/state"))
    home = Path(environ.get("NOX_HOME") or state / "nox")
    local = call.local or environ.get("NOX_FORCE_LOCAL", "") not in {"", "0"}
    password_file = environ.get("NOX_REDIS_PASSWORD_FILE")
    store = StoreSettings(
        redis_url=None if local else environ.get("REDIS_URL") or None,
        prefix=environ.get("NOX_PREFIX") or "nox:",
        home=home,
        password_file=Path(password_file) if password_file else None,
    )
    return Settings(
        store=store,
        owner=environ.get("NOX_USER") or user.pw_name,
        home=home,
        artifacts=Path(environ.get("NOX_ARTIFACTS") or home / "artifacts"),
        autostart=environ.get("NOX_AUTOSTART") or "auto",
        color=call.color or "auto",
        debug=call.debug,
        origins={},
    )
