"""`nox_cli.doctor.examination`: no check holds another up, and the gravest problem is the exit code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from nox_cli.doctor.examination import Check, Examination
from nox_cli.exits import ExitCode
from workers.errors import EngineMissing, SettingsInvalid, StoreUnreachable
from workers.findings import Finding, Severity, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Callable

FINE = Check("fine", lambda: [ok("fine", "it is")])


def raising(error: Exception) -> Callable[[], list[Finding]]:
    """Make a look that fails."""

    def look() -> list[Finding]:
        raise error

    return look


def examined(*checks: Check) -> tuple[list[Finding], ExitCode]:
    """Make checks; what they found, and the exit code."""
    examination = Examination(checks)
    return list(examination.findings()), examination.exit


def test_a_check_that_hangs_is_given_up() -> None:
    """
    One that does not come back within its limit is a problem of its name; the next is made all the same.
    """
    never = threading.Event()
    found, code = examined(Check("slow", lambda: [ok("slow", str(never.wait()))], limit_s=0.1), FINE)
    never.set()

    assert [("slow", Severity.PROBLEM), ("fine", Severity.OK)] == [(one.name, one.severity) for one in found]
    assert "no answer within 0.1 s" == found[0].found
    assert ExitCode.JOB_FAILED is code


def test_an_error_of_nox_is_a_problem_in_its_own_words() -> None:
    """
    What happened is what was found, what to do is the hint.
    """
    error = StoreUnreachable("redis at x refused", did="nothing was done", hint="start it")
    found, code = examined(Check("store", raising(error)), FINE)

    assert problem("store", "redis at x refused", "start it") == found[0]
    assert ExitCode.STORE is code


def test_an_error_of_the_system_names_the_file() -> None:
    """
    A file that cannot be read is told with the system's reason.
    """
    found, _ = examined(Check("disk", raising(PermissionError(13, "Permission denied", "/x"))))

    assert problem("disk", "/x: Permission denied") == found[0]


def test_a_bug_in_one_check_leaves_the_others_alone() -> None:
    """
    What nobody foresaw is told as a bug, and the next check is made.
    """
    found, code = examined(Check("odd", raising(ZeroDivisionError("by zero"))), FINE)

    assert "this check itself failed (ZeroDivisionError: by zero)" == found[0].found
    assert ("bug" in found[0].hint, found[1].name) == (True, "fine")
    assert ExitCode.JOB_FAILED is code


@pytest.mark.parametrize(
    ("looks", "code"),
    [
        ([], ExitCode.DONE),
        ([lambda: [warning("a", "hm")]], ExitCode.DONE),
        ([lambda: [problem("a", "no")]], ExitCode.JOB_FAILED),
        ([raising(SettingsInvalid("no")), lambda: [problem("a", "no")]], ExitCode.USAGE),
        ([raising(SettingsInvalid("no")), raising(StoreUnreachable("no"))], ExitCode.STORE),
        ([raising(EngineMissing("no"))], ExitCode.JOB_FAILED),
    ],
)
def test_the_gravest_problem_is_the_exit_code(
    looks: list[Callable[[], list[Finding]]], code: ExitCode
) -> None:
    """
    The store before settings before anything else; warnings alone are 0.
    """
    assert code is examined(*(Check("a", look) for look in looks), FINE)[1]


def test_a_problem_stands_for_the_code_of_its_check() -> None:
    """
    What a store finds wrong with itself is the store's, whatever kind of error it would be.
    """
    assert ExitCode.STORE is examined(Check("a", lambda: [problem("a", "no")], ExitCode.STORE))[1]
