"""What may be asked for on the command line of `submit` and of `run`, and what of it contradicts itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.inputs.comment import MAX_CHARGE
from nox_cli.submission.calculation import Calculation, in_solvent
from nox_cli.submission.engine_choice import EngineWanted  # noqa: TC001  Typer reads annotations when it runs
from nox_cli.submission.program_options import program_options
from nox_cli.times import seconds_of
from nox_cli.values import atom_numbers, memory_bytes, pressure_pa, retried_reasons
from workers.engine.molecule.solvents import check_solvent
from workers.errors import InputRefused, UsageError
from workers.job import MAX_RETRIES, PRIORITY_RANGE, Reason
from workers.names import PRESSURE_PA, TEMPERATURE_K, Method, OptLevel, Solvation

if TYPE_CHECKING:
    from collections.abc import Sequence


class KindWanted(StrEnum):
    """What `--kind` takes: jobs that are no calculation."""

    ECHO = "echo"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """The options that `nox submit` and `nox run` share.  None: the option was not given."""

    sp: Annotated[bool, typer.Option("--sp", help="Energy (this is the default).")] = False
    grad: Annotated[bool, typer.Option("--grad", help="Energy and gradient.")] = False
    opt: Annotated[
        OptLevel | None,
        typer.Option("--opt", "-o", metavar="[LEVEL]", help="Optimise: crude to extreme, else normal."),
    ] = None
    hess: Annotated[bool, typer.Option("--hess", help="Frequencies of the structure as it is.")] = False
    ohess: Annotated[
        OptLevel | None,
        typer.Option("--ohess", metavar="[LEVEL]", help="Optimise (tight), then frequencies."),
    ] = None
    bhess: Annotated[
        OptLevel | None,
        typer.Option("--bhess", metavar="[LEVEL]", help="Frequencies near the structure, under a bias."),
    ] = None
    temp: Annotated[
        float | None,
        typer.Option(min=1e-3, max=1e5, metavar="K", help="Temperature of thermochemistry (298.15)."),
    ] = None
    pressure: Annotated[
        float | None,
        typer.Option(parser=pressure_pa, metavar="P", help="Pressure of it, as 1bar (1atm)."),
    ] = None
    symmetry_number: Annotated[
        int | None, typer.Option(min=1, max=1_000, metavar="N", help="Rotational symmetry number (detected).")
    ] = None
    gfn: Annotated[
        int | None, typer.Option(min=0, max=2, metavar="N", help="GFN2-xTB (default), GFN1-xTB or GFN0-xTB.")
    ] = None
    gfnff: Annotated[bool, typer.Option("--gfnff", help="GFN-FF, a force field.")] = False
    ipea1: Annotated[bool, typer.Option("--ipea1", help="IPEA1-xTB, for ionisation energies.")] = False
    alpb: Annotated[str | None, typer.Option(metavar="SOLVENT", help="In a solvent, by ALPB.")] = None
    gbsa: Annotated[str | None, typer.Option(metavar="SOLVENT", help="In a solvent, by GBSA.")] = None
    spinpol: Annotated[bool, typer.Option("--spinpol", help="Spin-polarised orbitals.")] = False
    engine: Annotated[
        EngineWanted | None, typer.Option(help="What computes; auto: xtb, tblite or the xtb program.")
    ] = None
    chrg: Annotated[
        int | None,
        typer.Option(
            "--chrg",
            "-c",
            min=-MAX_CHARGE,
            max=MAX_CHARGE,
            metavar="CHARGE",
            help="Charge of every structure.",
        ),
    ] = None
    uhf: Annotated[
        str | None, typer.Option("--uhf", "-u", metavar="N|auto", help="Unpaired electrons; auto: 0 or 1.")
    ] = None
    mult: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_001, metavar="M", help="Multiplicity: one more than the unpaired electrons."
        ),
    ] = None
    acc: Annotated[
        float | None, typer.Option(min=1e-4, max=1e3, metavar="X", help="Accuracy, as xtb's (1).")
    ] = None
    etemp: Annotated[
        float | None, typer.Option(min=1e-3, max=1e5, metavar="K", help="Electronic temperature in K (300).")
    ] = None
    iterations: Annotated[
        int | None, typer.Option(min=1, max=10_000, metavar="N", help="Limit of SCC iterations (250).")
    ] = None
    cycles: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, metavar="N", help="Limit of optimisation steps (by size)."),
    ] = None
    freeze: Annotated[
        frozenset[int] | None,
        typer.Option(
            parser=atom_numbers, metavar="ATOMS", help="Atoms --opt may not move, from 1, as 1-4,7."
        ),
    ] = None
    input: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Input file for the xtb program; see also --."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Take atoms however near to each other.")] = False
    passed_on: Annotated[list[str] | None, typer.Option("--passed-on", hidden=True)] = None
    kind: Annotated[KindWanted | None, typer.Option(help="A job that is no calculation.")] = None
    payload: Annotated[str | None, typer.Option(metavar="JSON", help="What an echo job returns.")] = None
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the jobs (the file's name).")
    ] = None
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label the jobs; may be repeated.")
    ] = None
    batch: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the batch.")] = None
    priority: Annotated[
        int,
        typer.Option(
            min=PRIORITY_RANGE[0], max=PRIORITY_RANGE[1], metavar="N", help="Higher ones run first."
        ),
    ] = 0
    cores: Annotated[int, typer.Option(min=1, max=1_024, metavar="N", help="Cores for each job.")] = 1
    memory: Annotated[
        int | None,
        typer.Option(parser=memory_bytes, metavar="SIZE", help="Memory for each job, as 512M or 4G (2G)."),
    ] = None
    time: Annotated[
        float | None,
        typer.Option(parser=seconds_of, metavar="DURATION", help="Time for each job, as 90, 30m or 1:00:00."),
    ] = None
    retries: Annotated[
        int,
        typer.Option(min=0, max=MAX_RETRIES, metavar="N", help="Try a job that failed again, up to N times."),
    ] = 0
    retry_on: Annotated[
        frozenset[Reason] | None,
        typer.Option(
            parser=retried_reasons,
            metavar="REASON,...",
            help="Which failures: crashed (default), timeout, memory, not_converged, scf, worker_lost.",
        ),
    ] = None
    max_fails: Annotated[
        int,
        typer.Option(min=0, max=1_000_000, metavar="N", help="Cancel what waits once N of the batch failed."),
    ] = 0
    files_from: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Read the files' names there, one a line.")
    ] = None
    smiles: Annotated[
        list[str] | None,
        typer.Option("--smiles", metavar="SMILES", help="A structure RDKit makes 3D; may be repeated."),
    ] = None
    split: Annotated[bool, typer.Option("--split", help="A job for each structure of a file.")] = False
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave refused inputs out.")] = False
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="No input is no error.")] = False


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
