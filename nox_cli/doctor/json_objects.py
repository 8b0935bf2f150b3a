"""JSON objects about an installation, as types: checks, comparison of engines, settings, versions."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from nox_cli.results.json_objects import Record, closed
from nox_cli.watch.json_objects import WorkforceRecord
from workers.findings import Severity  # noqa: TC001  pydantic reads it


@closed
class FindingRecord(TypedDict):
    """The result of one check; `name` is one word, which scripts rely on."""

    name: str
    verdict: Severity
    found: str
    hint: str  # empty: there is nothing to do


@closed
class ExaminationRecord(Record):
    """The output of `nox doctor --json`."""

    checks: list[FindingRecord]


@closed
class WorkforceFindings(WorkforceRecord):
    """The workers, and what the checks of the jobs that wait for them, or run on them, find."""

    findings: list[FindingRecord]


@closed
class ApartRecord(TypedDict):
    """The differences of an engine's numbers from others."""

    energy_hartree: float
    gap_ev: float | None
    dipole_debye: float
    charge_e: float  # the largest of all atoms


@closed
class AccuracyRecord(TypedDict):
    """The differences of one engine on one structure by one method; `failed` is why some are missing."""

    structure: str
    atoms: int
    method: str
    engine: str
    engine_version: str
    verdict: Severity
    energy_hartree: float | None
    from_recorded: ApartRecord | None
    from_program: ApartRecord | None
    gradient_from_slope_hartree_per_bohr: float | None
    limits: dict[str, float]
    too_far: list[str]
    failed: str


@closed
class ProgramRecord(TypedDict):
    """An xtb program: its path, and its version if it computed anything."""

    path: str
    version: str | None


@closed
class AccuracyRecords(Record):
    """The output of `nox doctor --numbers --json`."""

    numbers: list[AccuracyRecord]
    recorded: str  # the source of the recorded numbers
    program: ProgramRecord | None


@closed
class SettingRecord(TypedDict):
    """The value of one setting, and where it was set."""

    value: str | None
    origin: str


@closed
class StoredProfile(TypedDict):
    """A profile: its options as the file has them, and the file and line."""

    options: dict[str, str | int | float | bool | list[str]]
    origin: str


@closed
class SettingEdited(Record):
    """The output of `nox config set` and `unset`: a setting in the user's own file."""

    key: str
    value: str | None  # null: it was unset
    path: str
    overridden_by: str | None  # the variable, or the file and line, whose value is used instead


@closed
class SettingsRecord(Record):
    """The output of `nox config show --json`: settings by name."""

    settings: dict[str, SettingRecord]
    profiles: NotRequired[dict[str, StoredProfile]]  # where there are some


@closed
class SettingsFileRecord(TypedDict):
    """One file that may set something."""

    path: str
    state: str  # "read", "absent" or "distrusted"


@closed
class SettingsFilesRecord(Record):
    """The output of `nox config path --json`: the user's own file, and all files, the strongest first."""

    own: str
    files: list[SettingsFileRecord]
