"""What is computed of each structure, whether the command line or a request says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.engine.molecule.solvents import spelled
from workers.errors import InputRefused, UsageError
from workers.names import PRESSURE_PA, TEMPERATURE_K, Method, OptLevel, Solvation

if TYPE_CHECKING:
    from workers.documents import XtbParams

_KINDS = {(True, True): "ohess", (True, False): "opt", (False, True): "hess", (False, False): "sp"}


@dataclass(frozen=True)
class Calculation:
    """What is computed of each structure."""

    kind: str = "sp"  # one of `workers.spec.ChemistryKind`
    method: Method = Method.GFN2
    opt_level: OptLevel | None = None
    solvation: Solvation | None = None
    solvent: str = ""
    spin_polarised: bool = False
    accuracy: float = 1.0
    electronic_temperature_k: float = 300.0
    iterations: int = 250
    cycles: int | None = None
    frozen_atoms: tuple[int, ...] = ()
    temperature_k: float = TEMPERATURE_K
    pressure_pa: float = PRESSURE_PA
    symmetry_number: int | None = None
    program_input: str = ""
    program_options: tuple[str, ...] = ()
    close_contacts: bool = False


def in_solvent(alpb: str | None, gbsa: str | None) -> tuple[Solvation | None, str]:
    """Settle the model of solvation and the solvent, spelled in one way.

    Raises:
        UsageError: both models are asked for.
    """
    if alpb is not None and gbsa is not None:
        raise UsageError("--alpb and --gbsa contradict each other", hint="they are two models: ask for one")
    if alpb is not None:
        return Solvation.ALPB, spelled(alpb)
    return (None, "") if gbsa is None else (Solvation.GBSA, spelled(gbsa))


def of_request(params: XtbParams) -> Calculation:
    """Settle what a request wants computed.

    Raises:
        InputRefused: it wants what cannot be.
    """
    try:
        solvation, solvent = in_solvent(params.alpb, params.gbsa)
    except UsageError as error:
        raise InputRefused(error.what.replace("--", ""), hint=error.hint) from None
    method = Method(f"gfn{params.gfn}")
    usual = OptLevel.TIGHT if params.frequencies else OptLevel.NORMAL
    return Calculation(
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
