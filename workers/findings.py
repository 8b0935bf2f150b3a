"""What a look at something jobs depend on has found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"  # jobs run; somebody ought to know
    PROBLEM = "problem"  # jobs cannot run, cannot be kept, or are anybody's


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str  # what was looked at: one lower-case word, which scripts rely on
    severity: Severity
    found: str  # one line; never a password
    hint: str = ""  # what to do


def ok(name: str, found: str, hint: str = "") -> Finding:
    """Say that something is as it should be."""
    return Finding(name, Severity.OK, found, hint)


def warning(name: str, found: str, hint: str = "") -> Finding:
    """Say what somebody ought to know."""
    return Finding(name, Severity.WARNING, found, hint)


def problem(name: str, found: str, hint: str = "") -> Finding:
    """Say what has to be put right."""
    return Finding(name, Severity.PROBLEM, found, hint)
