"""Settings files: where they are, which of them nox trusts, and their values with line numbers."""

from __future__ import annotations

import os
import re
import stat
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PROJECT = ".nox.toml"
MAX_BYTES = 64 * 1024
MAX_DOTS = 32
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class FileState(StrEnum):
    """The state of a place where a settings file may be."""

    READ = "read"
    ABSENT = "not there"
    DISTRUSTED = "ignored: it is not yours, or others may write it"


class ConfigPlace(NamedTuple):
    """A path where a settings file may be."""

    path: Path
    is_project: bool = False

    @property
    def state(self) -> FileState:
        """Whether the file is there, and whether nox trusts it."""
        try:
            return FileState.DISTRUSTED if self.distrust else FileState.READ
        except OSError:
            return FileState.ABSENT

    @property
    def distrust(self) -> str:
        """Why nox does not trust the file; empty: it does.

        Raises:
            OSError: it is not there.
        """
        found, link = self.path.stat(), self.path.lstat()
        if not self.is_project:
            return ""
        if not found.st_uid == link.st_uid == os.getuid():
            return "it is not yours"
        return "others may write it" if found.st_mode & _WRITABLE_BY_OTHERS else ""


class SettingsFile(NamedTuple):
    """The settings of a file by name, and its text, in which the line of a setting is found."""

    path: Path
    values: Mapping[str, str]
    text: str
    is_private: bool  # no other user may read it
    tables: Mapping[str, Any] = MappingProxyType({})  # the values that are tables, such as profiles

    def where(self, *keys: str) -> str:
        """Return the file and the line that sets a key, which may be within tables."""
        return f"{self.path}{_line(self.text, keys)}"


def places(environ: Mapping[str, str], home: Path, cwd: Path | None) -> list[ConfigPlace]:
    """List the paths of settings files, the strongest first.

    Args:
        environ: the environment.
        home: the user's home directory.
        cwd: the current directory, whose `.nox.toml` and those above it count; None: it was removed.
    """
    folders = [] if cwd is None else [cwd, *cwd.parents]
    site = [*_absolute(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"), Path("/etc")]
    return [
        *(ConfigPlace(folder / PROJECT, is_project=True) for folder in folders),
        ConfigPlace(user_file(environ, home)),
        *(ConfigPlace(folder / "nox/config.toml") for folder in site),
    ]


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Return the path of the user's own settings file, which may not exist."""
    folders = _absolute(environ.get("XDG_CONFIG_HOME", ""))
    return (folders[0] if folders else home / ".config") / "nox/config.toml"


def read(
    place: ConfigPlace, known: Collection[str], allowed: Collection[str], tables: Collection[str] = ()
) -> SettingsFile:
    """Read one file.

    Args:
        place: a file whose state is READ.
        known: the names of all settings.
        allowed: the names that this file may set.
        tables: the settings that are no text.

    Raises:
        SettingsInvalid: it cannot be read, is no TOML, or has a setting that it may not have.
    """
    text, is_private = text_of(place.path)
    found = SettingsFile(place.path, {}, text, is_private)
    values = parse(place.path, text)
    for name, value in values.items():
        if name not in known:
            raise invalid(f"{found.where(name)}: there is no setting {name!r}", "nox config show lists all")
        if name not in allowed:
            where = "set it in the environment or in your own config.toml"
            raise invalid(f"{found.where(name)}: {name} cannot be set in {PROJECT}", where)
        if not isinstance(value, str) and name not in tables:
            raise invalid(f"{found.where(name)}: {name} is not text", f'write it in quotes: {name} = "..."')
    return found._replace(
        values={name: value for name, value in values.items() if name not in tables},
        tables={name: value for name, value in values.items() if name in tables},
    )


def _absolute(folders: str) -> list[Path]:
    """Split a list of directories, without relative ones: the XDG rules ignore them."""
    return [Path(folder) for folder in folders.split(":") if folder.startswith("/")]


def text_of(path: Path) -> tuple[str, bool]:
    """Read the text of a file, and whether only its owner may read it.

    Raises:
        SettingsInvalid: it cannot be read, or is too large.
    """
    try:
        if not path.is_file():
            raise invalid(f"{path} is not a regular file", "move it out of the way")
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise invalid(f"{path} is larger than {MAX_BYTES // 1024} KiB", "keep settings only in it")
        return content.decode(), not mode & (stat.S_IRWXG | stat.S_IRWXO)
    except UnicodeDecodeError as error:
        raise invalid(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise invalid(f"{path} cannot be read: {reason}", f"see to its rights: ls -l {path}") from error


def parse(path: Path, text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        SettingsInvalid: it is none.
    """
    import tomllib

    for number, line in _numbered(text):
        if _QUOTED.sub("", line).count(".") > MAX_DOTS:  # tomllib would take memory with their square
            raise invalid(f"{path}, line {number}: a key of many parts", "settings have names of one part")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        text = str(error)[:1].lower() + str(error)[1:]
        fault = re.sub(r"^(.*) \(at (line \d+), (column \d+)\)$", r"\2, \3: \1", text)
        raise invalid(f"{path}, {fault}", 'a setting is a line such as autostart = "never"') from error


def _line(text: str, keys: tuple[str, ...]) -> str:
    """Find the line that sets a key, or else the table around it; empty: it is written in another way."""
    best, found = 0, ""
    table: list[str] = []
    for number, line in _numbered(text):
        header = re.match(r"\s*\[+([^\[\]]+)\]", line)
        path = _keys(header[1]) if header else table + _keys(line.partition("=")[0])
        table = path if header else table
        common = min(len(path), len(keys))
        if best < common and tuple(path[:common]) == keys[:common]:
            best, found = common, f", line {number}"
    return found


def _keys(dotted: str) -> list[str]:
    """Split a key; whatever is none is left as it is."""
    return [part.strip(" \t'\"") for part in dotted.split(".")]


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), start=1)  # splitlines() knows more line ends than TOML does


def invalid(what: str, hint: str) -> SettingsInvalid:
    """Make the error for a setting that cannot be used."""
    return SettingsInvalid(what, did="nothing was done", hint=hint)
