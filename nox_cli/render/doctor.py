"""Findings of `nox doctor`, and with `--numbers` the numbers of engines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.doctor.examination import Examination
from nox_cli.render.terminal.columns import GAP, cut, pad
from nox_cli.render.terminal.out import Painted
from nox_cli.text import safe
from workers.engine.registry import ENGINES
from workers.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.doctor.accuracy import AccuracyComparison, AccuracyRow
    from nox_cli.render.terminal.out import Out
    from workers.findings import Finding

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.PROBLEM: "red"}
_VERDICT, _NAME = max(map(len, Severity)), len("persistence")


def text(result: Examination | AccuracyComparison, out: Out) -> None:
    """Write each finding as it comes, so that a slow check shows what it is."""
    if not isinstance(result, Examination):
        _numbers_text(result, out)
        return
    tally: Counter[Severity] = Counter()
    for finding in result.findings():
        tally[finding.severity] += 1
        _line(finding, out)
        out.flush()
    out.line(_counted(tally))


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


_WORDS = ("structure", 20), ("method", 6), ("engine", 13)
_NUMBERS = ("recorded", "program", "gap", "dipole", "charge", "gradient")
_NUMBER = max(map(len, _NUMBERS))
# What is too far off, in words.
_NAMES = {
    "energy_hartree": "energy",
    "gap_ev": "gap",
    "dipole_debye": "dipole",
    "charge_e": "a charge",
    "gradient_hartree_per_bohr": "gradient",
}
_UNITS = {
    "energy_hartree": "Eh",
    "gap_ev": "eV",
    "dipole_debye": "debye",
    "charge_e": "e",
    "gradient_hartree_per_bohr": "Eh/bohr",
}


def _numbers_text(result: AccuracyComparison, out: Out) -> None:
    """Write each row as it comes; then the program that was asked, and what was found."""
    out.line("energy from what is recorded and from the program/Eh; the furthest gap/eV, dipole/D, charge/e")
    out.line("from either; gradient from the slope of the energy/(Eh/bohr)")
    words = [pad(name, columns) for name, columns in _WORDS]
    out.line(Painted(GAP.join((*words, *(pad(name, _NUMBER, right=True) for name in _NUMBERS))), "dim"))
    problems = 0
    for row in result.rows():
        problems += row.severity is Severity.PROBLEM
        out.line(*_drawn(row))
        for remark in _remarks(row):
            out.line(GAP, Painted(f"-> {remark}", "dim"))
        out.flush()
    out.line(f"recorded: {result.source}")
    out.line(_program(result))
    out.line(counted(problems, "problem") if problems else "every number is as it should be")


def _drawn(row: AccuracyRow) -> Iterator[str | Painted]:
    words = (row.structure, row.method, f"{row.engine} {row.version}")
    for word, (_, columns) in zip(words, _WORDS, strict=True):
        yield pad(cut(safe(word), columns), columns) + GAP
    apart = (row.recorded, row.program)
    energies = [None if one is None else one.energy_hartree for one in apart]
    names = ("gap_ev", "dipole_debye", "charge_e", "gradient_hartree_per_bohr")
    yield GAP.join(map(_number, (*energies, *map(row.furthest, names)))) + GAP
    yield Painted(row.severity, _STYLES[row.severity])


def _number(value: float | None) -> str:
    return pad("-" if value is None else f"{value:.1e}", _NUMBER, right=True)


def _remarks(row: AccuracyRow) -> Iterator[str]:
    """Say what is wrong with a row, and what to do."""
    if row.failed:
        yield f"{row.engine} {row.version} cannot compute it: {row.failed}"
    elif row.too_far:
        distribution = ENGINES[row.engine].distribution
        again = (
            f"pip install --force-reinstall {distribution}" if distribution else "install the program anew"
        )
        yield f"{_listed(row.too_far, row)}: {again}"
    elif row.severity is Severity.WARNING:
        yield "energy beside nothing: no xtb program computed it"


def _listed(names: Sequence[str], row: AccuracyRow) -> str:
    limits = row.limits
    return ", ".join(f"{_NAMES[name]} further off than {limits[name]:.2g} {_UNITS[name]}" for name in names)


def _program(result: AccuracyComparison) -> str:
    if result.program is None:
        return "program: no xtb on PATH"
    return f"program: {result.program.path} {result.program.version or '(it computed nothing)'}"
