"""The solvents there are parameters for, by model and method; names as the xtb program spells them.

ALPB: S. Ehlert, M. Stahn, S. Spicher, S. Grimme, J. Chem. Theory Comput. 17 (2021) 4250,
doi:10.1021/acs.jctc.1c00471.  GBSA is its forerunner, with parameters of its own: neither replaces the
other.
"""

from __future__ import annotations

from workers.errors import InputRefused
from workers.names import Method, Solvation

_ALIASES = {
    "h2o": "water",
    "n-hexane": "hexane",
    "nhexane": "hexane",
    "dichloromethane": "ch2cl2",
    "dcm": "ch2cl2",
    "chloroform": "chcl3",
    "carbondisulfide": "cs2",
    "dimethylformamide": "dmf",
    "dimethylsulfoxide": "dmso",
    "diethylether": "ether",
    "tetrahydrofuran": "thf",
    "furan": "furane",
    "mecn": "acetonitrile",
    "meoh": "methanol",
    "etoh": "ethanol",
}
_GBSA = frozenset(
    {
        "acetone", "acetonitrile", "benzene", "ch2cl2", "chcl3", "cs2", "dmso", "ether", "methanol", "thf",
        "toluene", "water",
    }
)  # fmt: skip
_ALPB = _GBSA | {
    "aniline", "benzaldehyde", "dioxane", "dmf", "ethanol", "ethylacetate", "furane", "hexadecane", "hexane",
    "nitromethane", "octanol", "phenol", "woctanol",
}  # fmt: skip


def spelled(name: str) -> str:
    """Spell a solvent in one way: `H2O` is `water`."""
    word = name.strip().lower()
    return _ALIASES.get(word, word)


def solvents(model: str, method: str) -> frozenset[str]:
    """List the solvents of a model."""
    if method == Method.GFN0:
        return frozenset()  # the program takes those of another method
    if model == Solvation.ALPB:
        return _ALPB
    return _GBSA if method in {Method.GFN1, Method.IPEA1} else _GBSA | {"dmf", "hexane"}


def check_solvent(model: str, solvent: str, method: str) -> None:
    """Refuse a solvent without parameters.

    Raises:
        InputRefused: it has none; the hint has the nearest names, or the other model that has it.
    """
    known = solvents(model, method)
    if solvent in known:
        return
    if not known:
        raise InputRefused(
            f"{model.upper()} has no parameters for {method.upper()}", hint="--gfn 1 or --gfn 2"
        )
    shown = f'"{solvent[:40]}"'
    if model == Solvation.GBSA and solvent in _ALPB:
        raise InputRefused(
            f"GBSA has no parameters for {shown} with {method.upper()}",
            hint=f"--alpb {solvent}, which is another model",
        )
    from difflib import get_close_matches

    near = get_close_matches(solvent, known, n=3, cutoff=0.5)
    raise InputRefused(
        f"{model.upper()} has no solvent {shown}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(sorted(known))}",
    )
