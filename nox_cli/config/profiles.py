"""Profiles: named sets of options of `nox submit` and `nox run`, in the settings files of a user or site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from nox_cli.config.files import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.config.files import SettingsFile

TABLE = "profile"
# The options that a profile may have: none names a structure, a file, a command or an option of a program.
OPTIONS = (
    "sp", "grad", "opt", "hess", "ohess", "bhess", "temp", "pressure", "symmetry-number", "gfn", "gfnff",
    "ipea1", "alpb", "gbsa", "spinpol", "engine", "chrg", "uhf", "mult", "acc", "etemp", "iterations",
    "cycles", "tag", "batch", "priority", "cores", "memory", "time", "retries", "retry-on", "max-fails",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Profile(NamedTuple):
    """A profile as it is written: its options by the names of the command line, without dashes in front."""

    name: str
    options: Mapping[str, Any]  # text, a number, true or false, or a list of texts
    file: SettingsFile

    def where(self, option: str = "") -> str:
        """Return the file and the line of the profile, or of one of its options."""
        return self.file.where(TABLE, self.name, *([option] if option else []))

    def words(self) -> str:
        """Write the options as on a command line."""
        return " ".join(_word(name, value) for name, value in self.options.items())


def profiles_in(file: SettingsFile) -> dict[str, Profile]:
    """Return the profiles of a file.

    Raises:
        SettingsInvalid: they are no tables, or a name or a value cannot be one.
    """
    table = file.tables.get(TABLE, {})
    if not isinstance(table, dict):
        raise invalid(f"{file.where(TABLE)}: {TABLE} is no table", f"write [{TABLE}.NAME]")
    for name, options in table.items():
        if not NAME.fullmatch(name):
            where = file.where(TABLE, name)
            raise invalid(f"{where}: {name[:80]!r} cannot name a profile", "1 to 64 letters, digits, _ and -")
        if not isinstance(options, dict):
            raise invalid(f"{file.where(TABLE, name)}: {name!r} is no table", f"write [{TABLE}.{name}]")
        for option, value in options.items():
            if not _is_plain(value):
                where = file.where(TABLE, name, option)
                hint = "write text in quotes, a number, true, or a list of texts"
                raise invalid(f"{where}: {option} cannot have such a value", hint)
    return {name: Profile(name, options, file) for name, options in table.items()}


def _is_plain(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    kinds = (str,) if isinstance(value, list) else (str, int, float)  # a bool is an int
    return all(isinstance(text, kinds) for text in texts)


def _word(name: str, value: Any) -> str:
    if isinstance(value, list):
        return (
            " ".join(_word(name, text) for text in value) if name == "tag" else _word(name, ",".join(value))
        )
    return f"--{name}" if value is True else f"--{name} {value}"
