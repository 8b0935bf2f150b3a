"""Findings of checks: the state of something that jobs depend on, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"  # jobs run; a user should know
    PROBLEM = "problem"  # jobs cannot run, cannot be kept, or are open to other users


class Finding(NamedTuple):
    """The result of one check."""

    name: str  # of the check: one lower-case word, which scripts rely on
    severity: Severity
    found: str  # one line; never a password
    hint: str = ""  # what to do


def ok(name: str, found: str, hint: str = "") -> Finding:
    """Make a finding of something that is as it should be."""
    return Finding(name, Severity.OK, found, hint)


def warning(name: str, found: str, hint: str = "") -> Finding:
    """Make a finding that a user should know of."""
    return Finding(name, Severity.WARNING, found, hint)


def problem(name: str, found: str, hint: str = "") -> Finding:
    """Make a finding that has to be repaired."""
    return Finding(name, Severity.PROBLEM, found, hint)
