"""Settings: read from the environment and from files here only, each with its origin."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.argv import COLORS, Call
from nox_cli.config import files
from nox_cli.config.home import home_directory, login_name, state_directory, usable
from nox_cli.config.profiles import TABLE, profiles_in
from workers.errors import NoxError, StoreUnreachable
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.config.files import ConfigPlace, SettingsFile
    from nox_cli.config.profiles import Profile
    from workers.store.base import Store

AUTOSTARTS = ("auto", "always", "never")
STORES = ("auto", "local")
DEFAULT = "default"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})
_PREFIX = re.compile(r"[A-Za-z0-9:._{}-]{1,64}")
_USER = re.compile(r"[\w.@+\\$-]{1,64}")


class Fallback(StrEnum):
    """The action if the Redis of the settings is unreachable; none: it is an error."""

    NONE = "none"
    LOCAL = "local"
    HOLD = "hold"


class Key(NamedTuple):
    """A setting: its name in files, its variable, its meaning, and whether `.nox.toml` may set it.

    A project comes from anywhere: what chooses a store, or is executed, is not its to set.
    """

    name: str
    variable: str
    means: str
    in_project: bool = False


KEYS = (
    Key("redis_url", "REDIS_URL", "the Redis that stores the jobs; unset: the local store"),
    Key("store", "", "auto, or local: use the local store even if redis_url is set"),
    Key(
        "fallback",
        "NOX_FALLBACK",
        "where Redis does not answer: none (an error), local (run here), hold (here, for nox push)",
    ),
    Key(
        "redis_password_file",
        "NOX_REDIS_PASSWORD_FILE",
        "file (mode 0600) with the password of Redis",
    ),
    Key("prefix", "NOX_PREFIX", "what every key in Redis begins with"),
    Key("home", "NOX_HOME", "directory of the local store and the logs"),
    Key("artifacts", "NOX_ARTIFACTS", "directory of the files that jobs produce", in_project=True),
    Key("user", "NOX_USER", "name of the user whose jobs these are", in_project=True),
    Key(
        "autostart",
        "NOX_AUTOSTART",
        "whether submit starts a local worker: auto, always, never",
        in_project=True,
    ),
    Key("color", "", "auto, always or never", in_project=True),
    Key(
        "viewer", "NOX_VIEWER", "program of nox open, with its arguments; unset: avogadro2, jmol, ... of PATH"
    ),
)
# In addition to those of KEYS.
VARIABLES = {
    "NOX_FORCE_LOCAL": "1: use the local store, like --local",
    "NO_COLOR, FORCE_COLOR": "use no colours; use colours in pipes too",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "directories of config.toml and of the local store",
}


class Settings(NamedTuple):
    """All settings of one call of nox."""

    store: StoreSettings  # which store, where
    owner: str
    home: Path  # state: the local store, logs; 0700
    artifacts: Path
    autostart: str  # "auto", "always", "never"
    color: str  # "auto", "always", "never"
    debug: bool
    origins: Mapping[str, str]  # setting -> the origin of its value
    fallback: str = Fallback.NONE  # what is done while the Redis cannot be reached
    shown: Mapping[str, str] = MappingProxyType({})  # setting -> its value, fit to print
    files: tuple[ConfigPlace, ...] = ()  # files that may set something, the strongest first
    viewer: str = ""  # a program and its arguments; empty: one that is on PATH
    can_redraw: bool = False  # the terminal, if there is one, can move its cursor
    profiles: Mapping[str, Profile] = MappingProxyType({})  # by name; used only if they are named
    trouble: NoxError | None = None  # why these are the defaults: what was set cannot be used

    def colored(self, *, is_terminal: bool) -> bool:
        """Whether output to such a stream has colours."""
        return is_terminal if self.color == "auto" else self.color == "always"

    @property
    def chosen_local(self) -> str:
        """The origin of the setting that chooses the local store, such as `--local`; empty: none does."""
        return self.origins["store"] if self.shown["store"] == "local" else ""


class Value(NamedTuple):
    """The value of a setting, as it was written."""

    text: str
    origin: str  # --flag, VARIABLE, or file and line
    file: SettingsFile | None = None

    def called(self, name: str) -> str:
        """Name the setting in a message: by its variable or flag, or by its file, line and name."""
        return self.origin if self.file is None else f"{self.origin}: {name}"

    def path(self, home: Path) -> Path:
        """Read it as a path, relative to the directory of its file or else to the current one.

        Args:
            home: the user's home directory, which replaces `~/`.
        """
        base = self.file.path.parent if self.file is not None else _here() or Path("/")
        return home / self.text[2:] if self.text.startswith("~/") else base / self.text


def is_user_name(text: str) -> bool:
    """Whether a text can name the owner of jobs."""
    return _USER.fullmatch(text) is not None


def environment() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ


def paths(environ: Mapping[str, str]) -> tuple[ConfigPlace, ...]:
    """List the paths of settings files, the strongest first; none of them is read."""
    return tuple(files.places(environ, home_directory(environ), _here()))


def own_file(environ: Mapping[str, str]) -> Path:
    """Return the path of the user's own settings file, which may not exist."""
    return files.user_file(environ, home_directory(environ))


def load(environ: Mapping[str, str], call: Call) -> Settings:
    """Read all settings.

    Raises:
        SettingsInvalid: a variable or a file has a value that nox cannot use.
        StoreRefused: the state directory cannot hold a local store.
    """
    own = home_directory(environ)
    places = files.places(environ, own, _here())
    read = _read_files(places)
    found = _settings(_found(environ, call, read), environ, call, own)
    return found._replace(files=tuple(places), profiles=_profiles(read))


def load_to_look(environ: Mapping[str, str], call: Call) -> Settings:
    """Read all settings for a look at the jobs: no directory is made; raises as `load`."""
    own = home_directory(environ)
    read = _read_files(files.places(environ, own, _here()))
    found = _settings(_found(environ, call, read), environ, call, own, makes_home=False)
    return found._replace(profiles=_profiles(read))


def load_despite(environ: Mapping[str, str], call: Call) -> Settings:
    """Read all settings for a command that reports what is wrong with them; then return the defaults."""
    try:
        return load(environ, call)
    except NoxError as error:
        return load_nothing(environ, call)._replace(trouble=error)


def load_nothing(environ: Mapping[str, str], call: Call) -> Settings:
    """Return the defaults, for a command that must work even if the settings are broken."""
    few = {name: environ[name] for name in ("HOME", "NO_COLOR", "FORCE_COLOR", "TERM") if name in environ}
    return _settings(_found(few, call, []), few, call, home_directory(few), check_home=False)


def checked(name: str, text: str, own: SettingsFile) -> str:
    """Check a value for a setting before it is written into the user's file; return it, fit to print.

    Raises:
        SettingsInvalid: there is no such setting, or it cannot have this value.
        StoreRefused: the state directory cannot hold a local store.
    """
    if name not in {key.name for key in KEYS}:
        raise files.invalid(f"there is no setting {name[:80]!r}", "nox config show lists all")
    environ = environment()
    found = {name: Value(text, str(own.path), own)}
    home = home_directory(environ)
    return _settings(found, {}, Call("config", ()), home, check_home=name == "home", makes_home=False).shown[
        name
    ]


def local(settings: Settings) -> Settings:
    """Return the same settings for the local store; without a Redis they are unchanged.

    Raises:
        StoreRefused: the state directory cannot hold a local store.
    """
    if settings.store.redis_url is None:
        return settings
    origin = settings.origins["home"]
    home, host = usable(settings.home, "" if origin == DEFAULT else origin)
    store = settings.store._replace(redis_url=None, home=home, host=host)
    return settings._replace(store=store, home=home)


class ReachedStore(NamedTuple):
    """The store of some settings, or the local one in its place."""

    store: Store
    settings: Settings  # those of this store
    fell_back: StoreUnreachable | None = None  # why it is not the one of the settings


def reach(settings: Settings) -> ReachedStore:
    """Open the store of the settings; if it is a Redis that is unreachable and they allow it, the local one.

    Raises:
        StoreUnreachable, StoreRefused, StoreBusy, StoreDamaged: it cannot be used.
    """
    from workers.store.opening import open_store

    try:
        return ReachedStore(open_store(settings.store), settings)
    except StoreUnreachable as error:
        if settings.fallback == Fallback.NONE:
            raise
        fell_back = error
    settings = local(settings)
    return ReachedStore(open_store(settings.store), settings, fell_back)


def _here() -> Path | None:
    """Return the current directory; None: it was removed."""
    with suppress(OSError):
        return Path.cwd()
    return None


def _read_files(places: list[ConfigPlace]) -> list[SettingsFile]:
    names = {TABLE, *(key.name for key in KEYS)}
    project = {key.name for key in KEYS if key.in_project}
    return [
        files.read(place, names, project if place.is_project else names, {TABLE})
        for place in places
        if place.state is files.FileState.READ
    ]


def _profiles(read: list[SettingsFile]) -> dict[str, Profile]:
    return {name: one for file in reversed(read) for name, one in profiles_in(file).items()}


def _found(environ: Mapping[str, str], call: Call, files: list[SettingsFile]) -> dict[str, Value]:
    """Find the strongest value of each setting that has one."""
    found: dict[str, Value] = {}
    for file in reversed(files):
        for name, text in file.values.items():
            found[name] = Value(text, file.where(name), file)
    for key in KEYS:
        if key.variable and environ.get(key.variable, "").strip():
            found[key.name] = Value(environ[key.variable].strip(), key.variable)
    return found | _switches(environ, call)


def _switches(environ: Mapping[str, str], call: Call) -> dict[str, Value]:
    """Read flags, and variables that are on or off."""
    found: dict[str, Value] = {}
    force = environ.get("NOX_FORCE_LOCAL", "").strip().lower()
    if force not in _TRUE | _FALSE:
        raise files.invalid(f"NOX_FORCE_LOCAL cannot be {force!r}", "1 or 0")
    if force in _TRUE:
        found["store"] = Value("local", "NOX_FORCE_LOCAL")
    if call.local:
        found["store"] = Value("local", "--local")
    if environ.get("TERM") == "dumb":
        found["color"] = Value("never", "TERM")
    for variable, meaning in (("FORCE_COLOR", "always"), ("NO_COLOR", "never")):
        if environ.get(variable):
            found["color"] = Value(meaning, variable)
    if call.color is not None:
        found["color"] = Value(call.color, "--color")
    return found


def _settings(
    found: Mapping[str, Value],
    environ: Mapping[str, str],
    call: Call,
    own: Path,
    *,
    check_home: bool = True,
    makes_home: bool = True,
) -> Settings:
    is_local = _choice(found, "store", STORES) == "local"
    url = None if is_local else _redis_url(found)
    named = found.get("home")
    home, host = state_directory(environ, own) if named is None else named.path(own), ""
    if check_home and url is None:
        home, host = usable(home, "" if named is None else named.called("home"), is_made=makes_home)
    store = StoreSettings(
        redis_url=url,
        prefix=_matching(found, "prefix", _PREFIX, "nox:"),
        home=home,
        password_file=found["redis_password_file"].path(own) if "redis_password_file" in found else None,
        host=host,
    )
    settings = Settings(
        store=store,
        owner=_matching(found, "user", _USER, login_name()),
        home=home,
        artifacts=found["artifacts"].path(own) if "artifacts" in found else home / "artifacts",
        autostart=_choice(found, "autostart", AUTOSTARTS),
        color=_choice(found, "color", COLORS),
        debug=call.debug,
        origins={key.name: found[key.name].origin if key.name in found else DEFAULT for key in KEYS},
        fallback=_choice(found, "fallback", tuple(Fallback)),
        viewer=found["viewer"].text if "viewer" in found else "",
        can_redraw=environ.get("TERM", "dumb") not in {"dumb", "unknown"},
    )
    return settings._replace(shown=_shown(settings, found))


def _shown(settings: Settings, found: Mapping[str, Value]) -> dict[str, str]:
    """Return every value as it may be printed; a Redis that is set is shown even if it is not used."""
    password_file, address = settings.store.password_file, ""
    if "redis_url" in found:
        from workers.store.redis.address import RedisUrl

        address = RedisUrl(found["redis_url"].text).masked()
    return {
        "redis_url": address,
        "store": found["store"].text if "store" in found else STORES[0],
        "redis_password_file": "" if password_file is None else str(password_file),
        "fallback": settings.fallback,
        "prefix": settings.store.prefix,
        "home": str(settings.home),
        "artifacts": str(settings.artifacts),
        "user": settings.owner,
        "autostart": settings.autostart,
        "color": settings.color,
        "viewer": settings.viewer,
    }


def _redis_url(found: Mapping[str, Value]) -> str | None:
    value = found.get("redis_url")
    if value is None:
        return None
    from workers.store.redis.address import RedisUrl

    name, url = value.called("redis_url"), RedisUrl(value.text)
    if not url.is_complete:
        raise files.invalid(f"{name} is no Redis address", "redis://HOST:PORT/DATABASE, rediss:// or unix://")
    if value.file is not None and not value.file.is_private and url.has_password:
        raise files.invalid(f"{name} holds a password that others can read", f"chmod 600 {value.file.path}")
    return value.text


def _choice(found: Mapping[str, Value], name: str, choices: tuple[str, ...]) -> str:
    value = found.get(name)
    if value is None:
        return choices[0]
    if value.text not in choices:
        raise files.invalid(f"{value.called(name)} cannot be {value.text!r}", f"one of {', '.join(choices)}")
    return value.text


def _matching(found: Mapping[str, Value], name: str, pattern: re.Pattern[str], default: str) -> str:
    value = found.get(name)
    if value is None:
        return default
    if not pattern.fullmatch(value.text):
        raise files.invalid(
            f"{value.called(name)} cannot be {value.text[:80]!r}", "1 to 64 letters and digits"
        )
    return value.text
