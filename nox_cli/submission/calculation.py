"""The calculation to make of each structure, as a specification that lacks the structure."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nox_cli.inputs.files import read_file
from nox_cli.submission.options import KINDS, OF_FREQUENCIES
from workers.engine.molecule.solvents import check_solvent, spelled
from workers.engine.program_options import check_input, check_options
from workers.errors import InputRefused, UsageError
from workers.names import Method, OptLevel, Solvation
from workers.spec import ChemistryKind, ChemistrySpec, Structure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.submission.options import SubmitOptions
    from workers.documents import XtbParams

_METHODS = {"ipea1": Method.IPEA1, "gfnff": Method.GFNFF}
_GFN = {0: Method.GFN0, 1: Method.GFN1, 2: Method.GFN2}
_KINDS: Mapping[tuple[bool, bool], ChemistryKind] = {
    (True, True): "ohess",
    (True, False): "opt",
    (False, True): "hess",
    (False, False): "sp",
}


# The usual calculation, without a structure.
USUAL = ChemistrySpec(kind="sp", structure=Structure(symbols=(), positions_angstrom=()))


def calculation(options: SubmitOptions) -> ChemistrySpec:
    """Choose the calculation by options; it lacks the structure and the text of `--input`.

    Raises:
        UsageError: options contradict each other, or a number is out of bounds.
    """
    kinds = [name for name in KINDS if getattr(options, name)]
    if len(kinds) > 1:
        raise UsageError(f"--{kinds[0]} and --{kinds[1]} contradict each other", hint="ask for one of them")
    has_frequencies = options.hess or options.ohess is not None or options.bhess is not None
    given = [name for name in OF_FREQUENCIES if getattr(options, name) is not None and not has_frequencies]
    unbounded = [
        name for name in ("acc", "etemp", "temp") if not math.isfinite(getattr(options, name) or 0.0)
    ]
    faults = (
        (
            options.cycles is not None and options.opt is None and options.ohess is None,
            "--cycles limits an optimisation, and none is asked for",
            "add --opt",
        ),
        (
            options.freeze is not None and options.opt is None,
            "--freeze keeps atoms in place in an optimisation alone",
            "ask for --opt",
        ),
        *(
            (
                True,
                f"--{name.replace('_', '-')} is of thermochemistry, and no frequencies are asked for",
                "add --ohess",
            )
            for name in given
        ),
        (
            options.retry_on is not None and not options.retries,
            "--retry-on says what to retry, and no retries are asked for",
            "add --retries N",
        ),
        *((True, f"--{name} is not a finite number", "") for name in unbounded),
    )
    for is_wrong, what, hint in faults:
        if is_wrong:
            raise UsageError(what, hint=hint)
    method, words = _method(options), tuple(options.passed_on or ())
    solvation, solvent = in_solvent(options.alpb, options.gbsa)
    try:
        if solvation is not None:
            check_solvent(solvation, solvent, method)
        check_options(words, solvation)
        return replace(
            USUAL,
            kind=kinds[0] if kinds else "sp",
            method=method,
            solvation=solvation,
            solvent=solvent,
            spin_polarised=options.spinpol,
            opt_level=options.opt or options.ohess or options.bhess,
            accuracy=USUAL.accuracy if options.acc is None else options.acc,
            electronic_temperature_k=(
                USUAL.electronic_temperature_k if options.etemp is None else options.etemp
            ),
            iterations=USUAL.iterations if options.iterations is None else options.iterations,
            cycles=options.cycles,
            frozen_atoms=tuple(sorted(options.freeze or ())),
            temperature_k=USUAL.temperature_k if options.temp is None else options.temp,
            pressure_pa=USUAL.pressure_pa if options.pressure is None else options.pressure,
            symmetry_number=options.symmetry_number,
            program_options=words,
            close_contacts=options.force,
        )
    except InputRefused as error:
        raise UsageError(error.what, hint=error.hint) from None
    except ValueError as error:  # a number that the command line would not have let through
        raise UsageError(str(error)) from None


def _method(options: SubmitOptions) -> Method:
    named = [name for name in _METHODS if getattr(options, name)] + ["gfn"] * (options.gfn is not None)
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]} contradict each other", hint="ask for one of them")
    return _METHODS.get("".join(named)) or _GFN[2 if options.gfn is None else options.gfn]


def in_solvent(alpb: str | None, gbsa: str | None) -> tuple[Solvation | None, str]:
    """Choose the solvation model, and spell the solvent as nox does.

    Raises:
        UsageError: both models are given.
    """
    if alpb is not None and gbsa is not None:
        raise UsageError("--alpb and --gbsa contradict each other", hint="they are two models: ask for one")
    if alpb is not None:
        return Solvation.ALPB, spelled(alpb)
    return (None, "") if gbsa is None else (Solvation.GBSA, spelled(gbsa))


def of_request(params: XtbParams) -> ChemistrySpec:
    """Read the calculation of a request; it lacks the structure.

    Raises:
        InputRefused: two solvation models are given.
        ValueError: a number is out of bounds.
    """
    try:
        solvation, solvent = in_solvent(params.alpb, params.gbsa)
    except UsageError as error:
        raise InputRefused(error.what.replace("--", ""), hint=error.hint) from None
    method = Method(f"gfn{params.gfn}")
    usual = OptLevel.TIGHT if params.frequencies else OptLevel.NORMAL
    return replace(
        USUAL,
        kind=_KINDS[params.opt, params.frequencies],
        method=method,
        opt_level=(params.opt_level or usual) if params.opt else None,
        solvation=solvation,
        solvent=solvent,
        spin_polarised=params.spinpol,
        accuracy=params.accuracy,
        electronic_temperature_k=params.electronic_temperature_k,
        iterations=params.iterations,
        cycles=params.cycles,
        frozen_atoms=tuple(sorted(set(params.freeze))),
        temperature_k=params.temperature_k,
        pressure_pa=params.pressure_pa,
        close_contacts=params.force,
    )


def program_input(path: str | None) -> str:
    """Read and check an input file of the xtb program; without a file, the text is empty.

    Raises:
        InputRefused: it cannot be read, or it holds what nox does not pass on.
    """
    if path is None:
        return ""
    source = read_file(path)
    try:
        text = source.content.decode("ascii")
    except UnicodeDecodeError:
        raise InputRefused(f"{source.shown}: an input of the xtb program's is plain ASCII text") from None
    try:
        check_input(text)
    except InputRefused as error:
        raise InputRefused(f"{source.shown}: {error.what}", hint=error.hint) from None
    return text
