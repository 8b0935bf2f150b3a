"""Runs checks one after the other, each with a time limit, and derives the exit code from the findings."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nox_cli.exits import ExitCode, exit_code
from workers.errors import NoxError
from workers.findings import Finding, Severity, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nox_cli.doctor.json_objects import ExaminationRecord, FindingRecord

# The exit codes of problems, the gravest first: that one is returned.
_GRAVEST = (ExitCode.STORE, ExitCode.USAGE, ExitCode.JOB_FAILED)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one part of the installation."""

    name: str  # the name of the finding if the check itself fails
    look: Callable[[], Sequence[Finding]]
    exit: ExitCode = ExitCode.JOB_FAILED  # the exit code of a problem
    limit_s: float = 10.0


@dataclass(slots=True)
class Examination:
    """Runs its checks while the findings are read; `exit` is known after the last one."""

    checks: Sequence[Check]
    _codes: set[ExitCode] = field(default_factory=set)

    def findings(self) -> Iterator[Finding]:
        """Run one check after the other; nothing is raised, whatever a check raises."""
        for check in self.checks:
            found, code = _within(check)
            for finding in found:
                if finding.severity is Severity.PROBLEM:
                    self._codes.add(code)
                yield finding

    def document(self) -> ExaminationRecord:
        """Run the checks, and return every finding, in order."""
        return {"checks": list(map(finding_record, self.findings()))}

    @property
    def exit(self) -> ExitCode:
        """The exit code of the gravest problem; warnings do not count."""
        return next((code for code in _GRAVEST if code in self._codes), ExitCode.DONE)


def finding_record(found: Finding) -> FindingRecord:
    """Return a finding as JSON has it."""
    return {"name": found.name, "verdict": found.severity, "found": found.found, "hint": found.hint}


def _within(check: Check) -> tuple[Sequence[Finding], ExitCode]:
    """Run a check in a thread, which is abandoned at the time limit.

    Returns:
        The findings, and the exit code of a problem among them.
    """
    came: list[tuple[Sequence[Finding], ExitCode]] = []
    thread = threading.Thread(target=lambda: came.append(_run(check)), daemon=True)
    thread.start()
    thread.join(check.limit_s)
    if came:
        return came[0]
    found = problem(
        check.name, f"no answer within {check.limit_s:g} s", "look for a disk or a host that hangs"
    )
    return [found], check.exit


def _run(check: Check) -> tuple[Sequence[Finding], ExitCode]:
    try:
        return check.look(), check.exit
    except NoxError as error:
        code = exit_code(error)
        return [problem(check.name, error.what, error.hint)], code if code in _GRAVEST else check.exit
    except OSError as error:
        return [
            problem(check.name, f"{error.filename or 'the system'}: {error.strerror or error}")
        ], check.exit
    except Exception as error:  # noqa: BLE001  the other checks still run
        fault = f"this check itself failed ({type(error).__name__}: {error})"
        return [problem(check.name, fault, "this is a bug in nox: report what is said here")], check.exit
