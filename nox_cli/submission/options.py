"""What may be asked for on the command line of `submit` and of `run`, and what of it contradicts itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nox_cli.commandline import groups
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

    sp: Annotated[bool, groups.calculation("--sp", help="Single-point energy (the default).")] = False
    grad: Annotated[bool, groups.calculation("--grad", help="Energy and gradient.")] = False
    opt: Annotated[
        OptLevel | None,
        groups.calculation(
            "--opt",
            "-o",
            metavar="[LEVEL]",
            help="Optimise the geometry; LEVEL: crude to extreme (default: normal).",
        ),
    ] = None
    hess: Annotated[bool, groups.calculation("--hess", help="Frequencies of the structure as it is.")] = False
    ohess: Annotated[
        OptLevel | None,
        groups.calculation(
            "--ohess", metavar="[LEVEL]", help="Optimise, then calculate frequencies (default level: tight)."
        ),
    ] = None
    bhess: Annotated[
        OptLevel | None,
        groups.calculation(
            "--bhess",
            metavar="[LEVEL]",
            help="Frequencies near the structure, which a bias potential holds in place.",
        ),
    ] = None
    temp: Annotated[
        float | None,
        groups.calculation(
            min=1e-3, max=1e5, metavar="K", help="Temperature for thermochemistry in K (default 298.15)."
        ),
    ] = None
    pressure: Annotated[
        float | None,
        groups.calculation(
            parser=pressure_pa, metavar="P", help="Pressure for thermochemistry, such as 1bar (default 1atm)."
        ),
    ] = None
    symmetry_number: Annotated[
        int | None,
        groups.calculation(
            min=1, max=1_000, metavar="N", help="Rotational symmetry number (default: detected)."
        ),
    ] = None
    gfn: Annotated[
        int | None,
        groups.method(min=0, max=2, metavar="N", help="2: GFN2-xTB (default), 1: GFN1-xTB, 0: GFN0-xTB."),
    ] = None
    gfnff: Annotated[bool, groups.method("--gfnff", help="Use GFN-FF, a force field.")] = False
    ipea1: Annotated[bool, groups.method("--ipea1", help="Use IPEA1-xTB, for ionisation energies.")] = False
    alpb: Annotated[str | None, groups.method(metavar="SOLVENT", help="Implicit solvent, ALPB model.")] = None
    gbsa: Annotated[str | None, groups.method(metavar="SOLVENT", help="Implicit solvent, GBSA model.")] = None
    spinpol: Annotated[bool, groups.method("--spinpol", help="Spin-polarised orbitals.")] = False
    engine: Annotated[
        EngineWanted | None,
        groups.method(help="Engine that calculates; auto chooses xtb, tblite or the xtb program."),
    ] = None
    chrg: Annotated[
        int | None,
        groups.charge(
            "--chrg",
            "-c",
            min=-MAX_CHARGE,
            max=MAX_CHARGE,
            metavar="CHARGE",
            help="Charge of every structure.",
        ),
    ] = None
    uhf: Annotated[
        str | None,
        groups.charge(
            "--uhf",
            "-u",
            metavar="N|auto",
            help="Number of unpaired electrons; auto: 0 or 1, by the number of electrons.",
        ),
    ] = None
    mult: Annotated[
        int | None,
        groups.charge(
            min=1,
            max=1_001,
            metavar="M",
            help="Spin multiplicity: the number of unpaired electrons plus one.",
        ),
    ] = None
    acc: Annotated[
        float | None,
        groups.method(
            min=1e-4,
            max=1e3,
            metavar="X",
            help="Numerical accuracy as in xtb; smaller is stricter (default 1).",
        ),
    ] = None
    etemp: Annotated[
        float | None,
        groups.method(min=1e-3, max=1e5, metavar="K", help="Electronic temperature in K (default 300)."),
    ] = None
    iterations: Annotated[
        int | None,
        groups.method(min=1, max=10_000, metavar="N", help="Maximum number of SCC iterations (default 250)."),
    ] = None
    cycles: Annotated[
        int | None,
        groups.calculation(
            min=1,
            max=100_000,
            metavar="N",
            help="Maximum number of optimisation steps (default: depends on size).",
        ),
    ] = None
    freeze: Annotated[
        frozenset[int] | None,
        groups.calculation(
            parser=atom_numbers,
            metavar="ATOMS",
            help="Atoms that --opt keeps fixed, counted from 1, such as 1-4,7.",
        ),
    ] = None
    input: Annotated[
        str | None,
        groups.method(
            "--input", metavar="FILE", help="Input file for the xtb program; its options go after --."
        ),
    ] = None
    force: Annotated[
        bool, groups.structures("--force", help="Accept atoms that are too close to each other.")
    ] = False
    passed_on: Annotated[list[str] | None, typer.Option("--passed-on", hidden=True)] = None
    kind: Annotated[
        KindWanted | None, groups.jobs(help="Make a job that calculates nothing and returns --payload.")
    ] = None
    payload: Annotated[
        str | None, groups.jobs(metavar="JSON", help="The JSON value that an echo job returns.")
    ] = None
    name: Annotated[
        str | None,
        groups.jobs("--name", metavar="NAME", help="Name of the jobs (default: the name of the file)."),
    ] = None
    tag: Annotated[
        list[str] | None, groups.jobs(metavar="KEY=VALUE", help="Label the jobs; may be repeated.")
    ] = None
    batch: Annotated[
        str | None, groups.jobs(metavar="NAME", help="Name of the batch that the jobs form.")
    ] = None
    priority: Annotated[
        int,
        groups.jobs(
            min=PRIORITY_RANGE[0],
            max=PRIORITY_RANGE[1],
            metavar="N",
            help="Jobs with a higher priority run first.",
        ),
    ] = 0
    cores: Annotated[int, groups.resources(min=1, max=1_024, metavar="N", help="Cores per job.")] = 1
    memory: Annotated[
        int | None,
        groups.resources(
            parser=memory_bytes, metavar="SIZE", help="Memory per job, such as 512M or 4G (default 2G)."
        ),
    ] = None
    time: Annotated[
        float | None,
        groups.resources(
            parser=seconds_of, metavar="DURATION", help="Time limit per job: 90 (seconds), 30m or 1:00:00."
        ),
    ] = None
    retries: Annotated[
        int,
        groups.failures(min=0, max=MAX_RETRIES, metavar="N", help="Retry a failed job up to N times."),
    ] = 0
    retry_on: Annotated[
        frozenset[Reason] | None,
        groups.failures(
            parser=retried_reasons,
            metavar="REASON,...",
            help="Failures to retry: crashed (default), timeout, memory, not_converged, scf, worker_lost.",
        ),
    ] = None
    max_fails: Annotated[
        int,
        groups.failures(
            min=0,
            max=1_000_000,
            metavar="N",
            help="Once N jobs of the batch have failed, cancel those that wait; 0: never.",
        ),
    ] = 0
    files_from: Annotated[
        str | None,
        groups.structures(
            metavar="FILE|-", help="Read file names from FILE, one per line; -: standard input."
        ),
    ] = None
    smiles: Annotated[
        list[str] | None,
        groups.structures(
            "--smiles", metavar="SMILES", help="A structure as SMILES, which RDKit makes 3D; may be repeated."
        ),
    ] = None
    split: Annotated[
        bool, groups.structures("--split", help="Make one job for each structure in a file.")
    ] = False
    skip_bad: Annotated[
        bool, groups.structures("--skip-bad", help="Leave out inputs that are refused; take the others.")
    ] = False
    allow_empty: Annotated[
        bool, groups.structures("--allow-empty", help="Exit 0 when there is no input.")
    ] = False


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
