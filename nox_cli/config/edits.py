"""Edits of the user's own settings file: its comments, its order and its rights stay."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nox_cli.config.files import ConfigPlace, FileState, SettingsFile, invalid, parse, text_of
from nox_cli.config.profiles import TABLE
from workers.errors import NothingMatched
from workers.files import lock_if_possible

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from workers.errors import SettingsInvalid

UNCHANGED = "nothing was changed"


class Edit(NamedTuple):
    """A setting that was set, or unset, in the user's own file."""

    key: str
    value: str | None  # fit to print; None: it was unset
    path: Path
    overridden_by: str = ""  # what sets it more strongly here; empty: nothing


@contextmanager
def own_file(path: Path) -> Iterator[OwnFile]:
    """Read the user's own settings file to edit it; another process that does so waits until the end.

    Raises:
        SettingsInvalid: as `OwnFile`.
    """
    folder = None
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        lock_if_possible(folder)
    try:
        yield OwnFile(path)
    finally:
        if folder is not None:
            os.close(folder)


class OwnFile:
    """Reads and edits the user's own settings file, which need not exist."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            SettingsInvalid: it cannot be read, or is no TOML.
        """
        self.path = path
        is_there = ConfigPlace(path).state is not FileState.ABSENT
        self.text, is_private = text_of(path) if is_there else ("", True)
        self.values = parse(path, self.text)
        self.file = SettingsFile(path, {}, self.text, is_private, self.values)

    def set(self, keys: tuple[str, ...], value: Any) -> None:
        """Set a key, within tables if there are several keys.

        Raises:
            SettingsInvalid: the file cannot be written, or is written in a way that cannot be edited.
        """
        import tomlkit

        document = tomlkit.parse(self.text)
        table: MutableMapping[str, Any] = document
        try:
            for key in keys[:-1]:
                if key not in table:
                    table[key] = tomlkit.table(is_super_table=key == TABLE)
                table = table[key]
            table[keys[-1]] = value
        except ValueError as error:  # such as a table within one that is in one line
            raise self._uneditable() from error
        self._write(tomlkit.dumps(document), keys, value)

    def unset(self, keys: tuple[str, ...]) -> None:
        """Remove a key, and the tables around it that are then empty.

        Raises:
            NothingMatched: the file does not set it.
            SettingsInvalid: as `set`.
        """
        import tomlkit

        document = tomlkit.parse(self.text)
        tables: list[MutableMapping[str, Any]] = [document]
        for key in keys:
            if not isinstance(tables[-1], dict) or key not in tables[-1]:
                raise NothingMatched(f"{self.path} does not set {'.'.join(keys)}", did=UNCHANGED)
            tables.append(tables[-1][key])
        for key, table in zip(reversed(keys), reversed(tables[:-1]), strict=True):
            del table[key]
            if table:
                break
        self._write(tomlkit.dumps(document), keys, None)

    def _write(self, text: str, keys: tuple[str, ...], value: Any) -> None:
        found: Any = parse(self.path, text)
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if found != value:
            raise self._uneditable()
        try:
            _replace(self.path, text)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise invalid(f"{self.path} cannot be written: {reason}", "see to its rights") from error

    def _uneditable(self) -> SettingsInvalid:
        return invalid(f"{self.path} cannot be edited here", f"edit it yourself: {self.path}")


def _replace(path: Path, text: str) -> None:
    """Replace a file, or what a link to it leads to, at once; a new one is only its owner's.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    descriptor, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(part).replace(target)
    except OSError:
        with suppress(OSError):
            Path(part).unlink()
        raise
