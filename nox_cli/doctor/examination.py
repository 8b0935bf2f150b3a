"""Runs checks one after the other, each within a limit of time, and judges what they found."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nox_cli.exits import ExitCode, exit_code
from workers.errors import NoxError
from workers.findings import Finding, Severity, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# The first of these that a problem stands for is the exit code.
_GRAVEST = (ExitCode.STORE, ExitCode.USAGE, ExitCode.JOB_FAILED)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at."""

    name: str  # what a finding is called that says that the check itself failed
    look: Callable[[], Sequence[Finding]]
    exit: ExitCode = ExitCode.JOB_FAILED  # what a problem here means
    limit_s: float = 10.0


@dataclass(slots=True)
class Examination:
    """Checks, and what came of them; `exit` is known once the findings were read."""

    checks: Sequence[Check]
    _codes: set[ExitCode] = field(default_factory=set)

    def findings(self) -> Iterator[Finding]:
        """Look at one thing after the other; nothing is raised, whatever a check meets."""
        for check in self.checks:
            found, code = _within(check)
            for finding in found:
                if finding.severity is Severity.PROBLEM:
                    self._codes.add(code)
                yield finding

    @property
    def exit(self) -> ExitCode:
        """What the problems found mean together; warnings mean nothing."""
        return next((code for code in _GRAVEST if code in self._codes), ExitCode.DONE)


def _within(check: Check) -> tuple[Sequence[Finding], ExitCode]:
    """Run a check in a thread that may be left behind; what it found, and what a problem there means."""
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
    except Exception as error:  # noqa: BLE001  the other checks are still worth their while
        said = f"this check itself failed ({type(error).__name__}: {error})"
        return [problem(check.name, said, "this is a bug in nox: report what is said here")], check.exit
