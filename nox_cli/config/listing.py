"""Lists of the settings in force and of settings files, for `nox config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.config.settings import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.config.files import ConfigPlace
    from nox_cli.config.profiles import Profile
    from nox_cli.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """The settings in force: name, printable value and origin of each."""

    values: tuple[tuple[str, str, str], ...]
    profiles: tuple[Profile, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsPaths:
    """The paths of settings files, the strongest first; `own` is the user's."""

    places: tuple[ConfigPlace, ...]
    own: ConfigPlace


def shown_settings(settings: Settings) -> ShownSettings:
    """List every setting as it may be printed: a password never is."""
    return ShownSettings(
        tuple((name, value, settings.origins[name]) for name, value in settings.shown.items()),
        tuple(settings.profiles.values()),
    )


def settings_paths(environ: Mapping[str, str]) -> SettingsPaths:
    """List every path of a settings file."""
    found = paths(environ)
    return SettingsPaths(found, next(place for place in found if not place.is_project))
