"""Options of jobs as plain values, and the checks of options that contradict each other."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.submission.engine_choice import EngineWanted  # noqa: TC001  read for the command line
from workers.errors import UsageError
from workers.job import MAX_RETRIES, PRIORITY_RANGE, Reason
from workers.names import OptLevel  # noqa: TC001  likewise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.spec import ChemistryKind


class KindWanted(StrEnum):
    """The kinds of jobs that are no calculation, for `--kind`."""

    ECHO = "echo"


class SubmitOptions(NamedTuple):
    """The options that `nox submit` and `nox run` share, by the names of the command line.

    None means that an option was not given.  The units: `temp` and `etemp` in K, `pressure` in Pa, `memory`
    in bytes, `time` in seconds; `freeze` counts atoms from 1; `uhf` is a number or `auto`.
    """

    sp: bool = False
    grad: bool = False
    opt: OptLevel | None = None
    hess: bool = False
    ohess: OptLevel | None = None
    bhess: OptLevel | None = None
    temp: float | None = None
    pressure: float | None = None
    symmetry_number: int | None = None
    gfn: int | None = None
    gfnff: bool = False
    ipea1: bool = False
    alpb: str | None = None
    gbsa: str | None = None
    spinpol: bool = False
    engine: EngineWanted | None = None
    chrg: int | None = None
    uhf: str | None = None
    mult: int | None = None
    acc: float | None = None
    etemp: float | None = None
    iterations: int | None = None
    cycles: int | None = None
    freeze: frozenset[int] | None = None
    input: str | None = None
    force: bool = False
    passed_on: list[str] | None = None
    kind: KindWanted | None = None
    payload: str | None = None
    name: str | None = None
    tag: list[str] | None = None
    batch: str | None = None
    priority: int = 0
    cores: int = 1
    memory: int | None = None
    time: float | None = None
    retries: int = 0
    retry_on: frozenset[Reason] | None = None
    max_fails: int = 0
    files_from: str | None = None
    smiles: list[str] | None = None
    split: bool = False
    skip_bad: bool = False
    allow_empty: bool = False


class Found(StrEnum):
    """The ways of `--if-exists` to treat a job that is stored already."""

    SKIP = "skip"
    ERROR = "error"
    NEW = "new"
    RETRY_FAILED = "retry-failed"


class UniqueOptions(NamedTuple):
    """The options that decide whether an equal job is stored again: `--unique` and `--if-exists`."""

    unique: str | None = None  # the key; empty: one of what is computed; None: jobs are not compared
    if_exists: Found | None = None


class StartOptions(NamedTuple):
    """The options that delay the start of jobs, by the names of the command line; selectors name other jobs.

    None means that an option was not given.
    """

    begin: str | None = None
    delay: float | None = None  # s
    hold: bool = False
    from_: list[str] | None = None
    after: list[str] | None = None
    after_any: list[str] | None = None
    after_fail: list[str] | None = None


NOT_UNIQUE = UniqueOptions()
# The least and the largest value of options about jobs; `workers.spec` bounds those about calculations.
BOUNDS: Mapping[str, tuple[int, int]] = {
    "priority": PRIORITY_RANGE,
    "cores": (1, 1_024),
    "retries": (0, MAX_RETRIES),
    "max_fails": (0, 1_000_000),
}
KINDS: tuple[ChemistryKind, ...] = ("sp", "grad", "opt", "hess", "ohess", "bhess")
# Options about the calculation.  A request states its calculation itself; an echo job computes nothing.
OF_FREQUENCIES = ("temp", "pressure", "symmetry_number")
_OF_STRUCTURES = (
    *KINDS, "gfn", "gfnff", "ipea1", "alpb", "gbsa", "spinpol", "chrg", "uhf", "mult", "acc", "etemp",
    "iterations", "cycles", "freeze", "input", "force", "passed_on", *OF_FREQUENCIES,
)  # fmt: skip


def refuse_out_of_bounds(options: SubmitOptions) -> None:
    """Check the options that have bounds; the command line has checked them before.

    Raises:
        UsageError: a number is too small or too large.
    """
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(options, name) <= most:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is from {least} to {most:,}, not {getattr(options, name)}")


def refuse_calculation_options(options: SubmitOptions, what: str) -> None:
    """Refuse options about the calculation where they mean nothing; `what` is the reason.

    Raises:
        UsageError: there is one.
    """
    for name in _OF_STRUCTURES:
        said = getattr(options, name)
        if said is not None and said is not False:
            option = "what follows --" if name == "passed_on" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is about structures, and {what}", hint=f"take {option} away")


def refuse_echo_options(options: SubmitOptions, inputs: Sequence[object]) -> None:
    """Refuse options and inputs that `--kind echo` cannot be combined with.

    Raises:
        UsageError: there is one.
    """
    if options.kind is None:
        if options.payload is not None:
            raise UsageError("--payload is of an echo job", hint="add --kind echo")
        return
    refuse_calculation_options(options, "an echo job computes nothing")
    refuse_with(options, "--kind echo", ("engine", "files_from", "smiles", "split"))
    if inputs:
        raise UsageError(f"an echo job reads no file, and {inputs[0]} is given", hint="--payload JSON")


def refuse_with(options: SubmitOptions, other: str, names: Sequence[str]) -> None:
    """Refuse options that cannot be combined with another one.

    Raises:
        UsageError: one of them was given.
    """
    for name in names:
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} and {other} contradict each other")
