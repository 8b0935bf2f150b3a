"""Files that hold settings: found, judged for trust, and read, each value with the line it stands on."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PROJECT = ".nox.toml"
MAX_BYTES = 64 * 1024
MAX_DOTS = 32
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_UNTOUCHED = "nothing was done"


class FileState(StrEnum):
    """What became of a place where settings may lie."""

    READ = "read"
    ABSENT = "not there"
    DISTRUSTED = "ignored: it is not yours, or others may write it"


@dataclass(frozen=True, slots=True)
class ConfigPlace:
    """A path where a settings file may be stored."""

    path: Path
    is_project: bool = False

    @property
    def state(self) -> FileState:
        """Whether the file is there, and is to be believed."""
        try:
            return FileState.DISTRUSTED if self.distrust else FileState.READ
        except OSError:
            return FileState.ABSENT

    @property
    def distrust(self) -> str:
        """Why the file is not to be believed; empty: it is.

        Raises:
            OSError: it is not there.
        """
        found, link = self.path.stat(), self.path.lstat()
        if not self.is_project:
            return ""
        if not found.st_uid == link.st_uid == os.getuid():
            return "it is not yours"
        return "others may write it" if found.st_mode & _WRITABLE_BY_OTHERS else ""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file's settings by name, and its text, to find the line of one."""

    path: Path
    values: Mapping[str, str]
    text: str
    is_private: bool  # nobody else may read it

    def where(self, name: str) -> str:
        """Name the file and the line that sets `name`."""
        return f"{self.path}{_line(self.text, name)}"


def places(environ: Mapping[str, str], home: Path, cwd: Path | None) -> list[ConfigPlace]:
    """List where settings may lie, the strongest first: here and above, the user's, the site's."""
    project = [ConfigPlace(folder / PROJECT, is_project=True) for folder in _upwards(cwd)]
    site = [*_absolute(environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"), Path("/etc")]
    return [
        *project,
        ConfigPlace(user_file(environ, home)),
        *(ConfigPlace(folder / "nox/config.toml") for folder in site),
    ]


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Say where the user's own settings lie, or would lie."""
    folders = _absolute(environ.get("XDG_CONFIG_HOME", ""))
    return (folders[0] if folders else home / ".config") / "nox/config.toml"


def read(place: ConfigPlace, known: Collection[str], allowed: Collection[str]) -> SettingsFile:
    """Read one file.

    Args:
        place: a file whose state is READ.
        known: the names of all settings.
        allowed: those which this file may set.

    Raises:
        SettingsInvalid: it cannot be read, is no TOML, or names what it must not.
    """
    text, is_private = _text(place.path)
    found = SettingsFile(place.path, _parse(place.path, text), text, is_private)
    for name, value in found.values.items():
        if name not in known:
            raise _invalid(f"{found.where(name)}: there is no setting {name!r}", "nox config show lists all")
        if name not in allowed:
            where = "set it in the environment or in your own config.toml"
            raise _invalid(f"{found.where(name)}: {name} cannot be set in {PROJECT}", where)
        if not isinstance(value, str):
            raise _invalid(f"{found.where(name)}: {name} is not text", f'write it in quotes: {name} = "..."')
    return found


def _upwards(cwd: Path | None) -> list[Path]:
    return [] if cwd is None else [cwd, *cwd.parents]


def _absolute(folders: str) -> list[Path]:
    """Split a list of directories; relative ones are to be ignored, as the XDG rules say."""
    return [Path(folder) for folder in folders.split(":") if folder.startswith("/")]


def _text(path: Path) -> tuple[str, bool]:
    try:
        if not path.is_file():
            raise _invalid(f"{path} is not a regular file", "move it out of the way")
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _invalid(f"{path} is larger than {MAX_BYTES // 1024} KiB", "keep settings only in it")
        return content.decode(), not mode & (stat.S_IRWXG | stat.S_IRWXO)
    except UnicodeDecodeError as error:
        raise _invalid(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _invalid(f"{path} cannot be read: {reason}", f"see to its rights: ls -l {path}") from error


def _parse(path: Path, text: str) -> dict[str, str]:
    import tomllib

    for number, line in _numbered(text):
        if _QUOTED.sub("", line).count(".") > MAX_DOTS:  # tomllib would take memory with their square
            raise _invalid(f"{path}, line {number}: a key of many parts", "settings have names of one part")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said = re.sub(r"^(.*) \(at (line \d+), (column \d+)\)$", r"\2, \3: \1", _lowered(str(error)))
        raise _invalid(f"{path}, {said}", 'a setting is a line such as autostart = "never"') from error


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _line(text: str, name: str) -> str:
    pattern = re.compile(rf"\s*\[*\s*['\"]?{re.escape(name)}['\"]?\s*[\].=]")
    return next((f", line {number}" for number, line in _numbered(text) if pattern.match(line)), "")


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), start=1)  # what else Python ends lines at does not end TOML's


def _invalid(what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid(what, did=_UNTOUCHED, hint=hint)
