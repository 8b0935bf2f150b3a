"""What may be asked for on the command line of `submit` and of `run`, and what of it contradicts itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nox_cli.submission.calculation import Calculation, in_solvent
from nox_cli.submission.engine_choice import EngineWanted  # noqa: TC001  read for the command line
from nox_cli.submission.program_options import program_options
from workers.engine.molecule.solvents import check_solvent
from workers.errors import InputRefused, UsageError
from workers.job import Reason  # noqa: TC001  likewise
from workers.names import PRESSURE_PA, TEMPERATURE_K, Method, OptLevel, Solvation

if TYPE_CHECKING:
    from collections.abc import Sequence


class KindWanted(StrEnum):
    """What `--kind` takes: jobs that are no calculation."""

    ECHO = "echo"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """The options that `nox submit` and `nox run` share.  None: the option was not given."""

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


KINDS = ("sp", "grad", "opt", "hess", "ohess", "bhess")
# Options that say what to compute of a structure.  A request says that itself; an echo job computes nothing.
_OF_FREQUENCIES = ("temp", "pressure", "symmetry_number")
_OF_STRUCTURES = (
    *KINDS, "gfn", "gfnff", "ipea1", "alpb", "gbsa", "spinpol", "chrg", "uhf", "mult", "acc", "etemp",
    "iterations", "cycles", "freeze", "input", "force", "passed_on", *_OF_FREQUENCIES,
)  # fmt: skip
_METHODS = {"ipea1": Method.IPEA1, "gfnff": Method.GFNFF}
_GFN = {0: Method.GFN0, 1: Method.GFN1, 2: Method.GFN2}


def calculation(options: SubmitOptions) -> Calculation:
    """Settle what is computed.

    Raises:
        UsageError: two options contradict each other, or a number is not finite.
    """
    kinds = [name for name in KINDS if getattr(options, name)]
    if len(kinds) > 1:
        raise UsageError(f"--{kinds[0]} and --{kinds[1]} contradict each other", hint="ask for one of them")
    if options.cycles is not None and options.opt is None and options.ohess is None:
        raise UsageError("--cycles limits an optimisation, and none is asked for", hint="add --opt")
    if options.freeze is not None and options.opt is None:
        raise UsageError("--freeze keeps atoms in place in an optimisation alone", hint="ask for --opt")
    if not options.hess and options.ohess is None and options.bhess is None:
        _refuse_of_frequencies(options)
    if options.retry_on is not None and not options.retries:
        raise UsageError(
            "--retry-on says what to retry, and no retries are asked for", hint="add --retries N"
        )
    for name in ("acc", "etemp", "temp"):
        if not math.isfinite(getattr(options, name) or 0.0):
            raise UsageError(f"--{name} is not a finite number")
    method = _method(options)
    solvation, solvent = in_solvent(options.alpb, options.gbsa)
    if solvation is not None:
        _refuse_solvent(solvation, solvent, method)
    return Calculation(
        kind=kinds[0] if kinds else "sp",
        method=method,
        solvation=solvation,
        solvent=solvent,
        spin_polarised=options.spinpol,
        opt_level=options.opt or options.ohess or options.bhess,
        accuracy=1.0 if options.acc is None else options.acc,
        electronic_temperature_k=300.0 if options.etemp is None else options.etemp,
        iterations=250 if options.iterations is None else options.iterations,
        cycles=options.cycles,
        frozen_atoms=tuple(sorted(options.freeze or ())),
        temperature_k=TEMPERATURE_K if options.temp is None else options.temp,
        pressure_pa=PRESSURE_PA if options.pressure is None else options.pressure,
        symmetry_number=options.symmetry_number,
        program_options=program_options(options.passed_on, solvation),
        close_contacts=options.force,
    )


def _method(options: SubmitOptions) -> Method:
    named = [name for name in _METHODS if getattr(options, name)] + ["gfn"] * (options.gfn is not None)
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]} contradict each other", hint="ask for one of them")
    return _METHODS.get("".join(named)) or _GFN[2 if options.gfn is None else options.gfn]


def _refuse_solvent(solvation: Solvation, solvent: str, method: Method) -> None:
    try:
        check_solvent(solvation, solvent, method)
    except InputRefused as error:
        raise UsageError(error.what, hint=error.hint) from None


def _refuse_of_frequencies(options: SubmitOptions) -> None:
    for name in _OF_FREQUENCIES:
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} is of thermochemistry, and no frequencies are asked for",
                hint="add --ohess",
            )


def refuse_calculation_options(options: SubmitOptions, what: str) -> None:
    """Refuse options that say what to compute where something else says it.

    Raises:
        UsageError: there is one.
    """
    for name in _OF_STRUCTURES:
        said = getattr(options, name)
        if said is not None and said is not False:
            option = "what follows --" if name == "passed_on" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is about structures, and {what}", hint=f"take {option} away")


def refuse_echo_options(options: SubmitOptions, files: Sequence[str]) -> None:
    """Refuse what `--kind echo` cannot be combined with.

    Raises:
        UsageError: there is something.
    """
    if options.kind is None:
        if options.payload is not None:
            raise UsageError("--payload is of an echo job", hint="add --kind echo")
        return
    refuse_calculation_options(options, "an echo job computes nothing")
    for name in ("engine", "files_from", "smiles", "split"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} and --kind echo contradict each other")
    if files:
        raise UsageError(f"an echo job reads no file, and {files[0]} is given", hint="--payload JSON")
