"""How `nox doctor` looks: a line a finding, below it what to do, at the end a line that counts.

What `--numbers` compares looks as `nox_cli.render.engine_numbers` has it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from nox_cli.counts import counted
from nox_cli.doctor.examination import Examination
from nox_cli.render import engine_numbers
from nox_cli.render.terminal.out import Painted
from nox_cli.render.terminal.table import GAP, pad
from workers.findings import Severity

if TYPE_CHECKING:
    from nox_cli.doctor.accuracy import AccuracyComparison
    from nox_cli.render.terminal.out import Out
    from workers.findings import Finding

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}
_VERDICT, _NAME = max(map(len, Severity)), len("persistence")


def text(result: Examination | AccuracyComparison, out: Out) -> None:
    """Write each finding as it comes, so that a slow check shows what it is."""
    if not isinstance(result, Examination):
        engine_numbers.text(result, out)
        return
    tally: Counter[Severity] = Counter()
    for finding in result.findings():
        tally[finding.severity] += 1
        _line(finding, out)
        out.flush()
    out.line(_counted(tally))


def document(result: Examination | AccuracyComparison) -> dict[str, Any]:
    """Every finding, in order."""
    if not isinstance(result, Examination):
        return engine_numbers.document(result)
    return {
        "checks": [
            {"name": one.name, "verdict": one.severity, "found": one.found, "hint": one.hint}
            for one in result.findings()
        ]
    }


def _line(finding: Finding, out: Out) -> None:
    severity = Painted(pad(finding.severity, _VERDICT), _STYLES[finding.severity])
    out.line(severity, GAP, pad(finding.name, _NAME), GAP, finding.found)
    if finding.hint:
        out.line(" " * (_VERDICT + _NAME), 2 * GAP, Painted(f"-> {finding.hint}", "dim"))


def _counted(tally: Counter[Severity]) -> str:
    bad = (
        counted(tally[severity], severity)
        for severity in (Severity.PROBLEM, Severity.WARNING)
        if tally[severity]
    )
    return ", ".join(bad) or "everything is as it should be"
