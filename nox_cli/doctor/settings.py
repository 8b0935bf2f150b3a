"""Checks of the settings: the values in force, and the files and values that are ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.config.files import FileState
from workers.findings import Finding, ok, warning

if TYPE_CHECKING:
    from nox_cli.config.files import ConfigPlace
    from nox_cli.config.settings import Settings


def check_settings(settings: Settings) -> list[Finding]:
    """List the settings in force, and each file that nox does not trust.

    Raises:
        SettingsInvalid, StoreRefused: a setting cannot be used.
    """
    if settings.trouble is not None:
        raise settings.trouble
    places = [place for place in settings.files if place.state is FileState.DISTRUSTED]
    return [_in_force(settings), *_moved(settings), *_unused(settings), *map(_distrusted, places)]


def _in_force(settings: Settings) -> Finding:
    origins = {name: origin for name, origin in settings.origins.items() if origin != "default"}
    shown = ", ".join(f"{name} ({origin})" for name, origin in origins.items())
    return ok(
        "settings", f"in force: {shown}" if shown else "all are the defaults; no file or variable sets one"
    )


def _moved(settings: Settings) -> list[Finding]:
    if not settings.store.host:
        return []
    found = f"the usual state directory lies on a network file system: {settings.home} of this machine serves"
    return [warning("settings", found, "jobs stored here are seen on this machine only; use Redis for more")]


def _unused(settings: Settings) -> list[Finding]:
    """Report a Redis that is set but not used."""
    if settings.store.redis_url is not None or not settings.shown["redis_url"]:
        return []
    origins = settings.origins
    return [
        ok("settings", f"{origins['redis_url']} names a Redis, and {origins['store']} says the local store")
    ]


def _distrusted(place: ConfigPlace) -> Finding:
    return warning(
        "settings",
        f"{place.path} is ignored: {place.distrust}",
        f"chown it to yourself, chmod go-w {place.path}",
    )
