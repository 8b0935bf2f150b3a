"""A methods sentence for each way jobs were computed, and the references it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nox_cli.results.references import (
    BIASED_HESSIAN,
    METHODS,
    PYBERNY,
    QUASI_RRHO,
    RDKIT,
    SOLVATIONS,
    SPIN_POLARISATION,
    TBLITE,
    XTB,
)
from workers.engine.program_options import interpreted
from workers.names import METHOD_TITLES, PRESSURE_PA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nox_cli.results.references import Reference
    from workers.engine.program_options import PassedOn

_DONE = {
    "sp": "Single-point energies were computed",
    "grad": "Energies and gradients were computed",
    "opt": "Geometries were optimised",
    "hess": "Harmonic frequencies were computed",
    "ohess": "Geometries were optimised and harmonic frequencies computed",
    "bhess": "Harmonic frequencies of biased geometries were computed",
}
_ENGINES = {
    "xtb": ("the xtb library through xtb-python", XTB),
    "tblite": ("tblite", TBLITE),
    "xtb-cli": ("the xtb program", XTB),
}
USUAL_ETEMP_K = 300.0


@dataclass(slots=True)
class Account:
    """Sentences, and the references they number from 1."""

    sentences: list[str] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # what nox knows no reference of

    def mark(self, reference: Reference) -> str:
        """Number a reference: `[2]`."""
        if reference not in self.references:
            self.references.append(reference)
        return f"[{self.references.index(reference) + 1}]"


def account(results: Iterable[Mapping[str, Any]]) -> Account:
    """Say how results (by the names of `rows.Row.values`) were computed."""
    found = Account()
    ways = list(dict.fromkeys(_way(values) for values in results))
    rows = [dict(way) for way in ways]
    found.sentences += dict.fromkeys(_sentence(found, way) for way in rows)
    if any(way["temperature_k"] is not None for way in rows):
        found.sentences.append(_thermochemistry(found, rows))
    for version in dict.fromkeys(way["pyberny"] for way in rows if way["pyberny"]):
        found.sentences.append(f"Optimisation steps were taken by PyBerny {version} {found.mark(PYBERNY)}.")
    if any(way["from_smiles"] for way in rows):
        found.sentences.append(f"Starting structures were made from SMILES by RDKit {found.mark(RDKIT)}.")
    versions = list(dict.fromkeys(way["nox_version"] for way in rows if way["nox_version"]))
    if versions:
        found.sentences.append(f"Jobs were run by nox {' and '.join(versions)}.")
    return found


_TOLD = (
    "calculation",
    "opt_level",
    "method",
    "is_crystal",
    "solvation",
    "solvent",
    "spin_polarised",
    "program_options",
    "program_input",
    "electronic_temperature_k",
    "engine",
    "engine_version",
    "nox_version",
    "temperature_k",
    "pressure_pa",
)


def _way(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Keep of a result what its sentence tells."""
    source = (values["source_file"] or "").lower().removesuffix(".gz")
    from_smiles = source.startswith("smiles ") or source.endswith((".smi", ".smiles"))
    told = {name: values.get(name) for name in _TOLD}
    pyberny = dict(values["libraries"]).get("pyberny")
    return tuple((told | {"pyberny": pyberny, "from_smiles": from_smiles}).items())


def _sentence(found: Account, values: Mapping[str, Any]) -> str:
    level = f" ({values['opt_level']} thresholds)" if values["opt_level"] else ""
    done = _DONE.get(values["calculation"], "Jobs were computed")
    if values["calculation"] == "bhess":
        done += f" {found.mark(BIASED_HESSIAN)}"
    words = [
        f"{done}{level} with {_method(found, values)}",
        _surroundings(found, values),
        _engine(found, values),
        _passed_on(values),
    ]
    return " ".join(filter(None, words)) + "."


def _method(found: Account, values: Mapping[str, Any]) -> str:
    name = values["method"] or "an unknown method"
    etemp = values["electronic_temperature_k"]
    hot = f" at an electronic temperature of {etemp:g} K" if etemp not in {None, USUAL_ETEMP_K} else ""
    named = f"{METHOD_TITLES.get(name, name)}{_marked(found, name, METHODS)}"
    spin = f", spin-polarised {found.mark(SPIN_POLARISATION)}," if values["spin_polarised"] else ""
    return f"{named}{spin}{hot}"


def _surroundings(found: Account, values: Mapping[str, Any]) -> str:
    model = values["solvation"]
    if values["is_crystal"]:
        return "in periodic cells that were kept, at the gamma point alone,"
    if not model:
        return "" if _passed(values).own else "in the gas phase"
    return f"in {model.upper()}({values['solvent']}){_marked(found, model, SOLVATIONS)}"


def _marked(found: Account, name: str, known: Mapping[str, Reference]) -> str:
    if name in known:
        return f" {found.mark(known[name])}"
    if name not in found.unknown:
        found.unknown.append(name)
    return ""


def _engine(found: Account, values: Mapping[str, Any]) -> str:
    name = values["engine"]
    program, reference = _ENGINES.get(name, (name, None))
    mark = f" {found.mark(reference)}" if reference else ""
    return f"using {program} {values['engine_version'] or ''}".rstrip() + mark


def _passed_on(values: Mapping[str, Any]) -> str:
    """Say what the program was handed as it is, but for a solvent."""
    passed = _passed(values)
    said = [f"the options {' '.join(passed.rest)}"] if passed.rest else []
    if passed.own:
        said.append(f"options of its own: {' '.join(passed.own)}")
    if values.get("program_input"):
        said.append("an input file")
    return f"with {' and '.join(said)}" if said else ""


def _passed(values: Mapping[str, Any]) -> PassedOn:
    return interpreted((values["program_options"] or "").split(), values["program_input"] or "")


def _thermochemistry(found: Account, rows: Iterable[Mapping[str, Any]]) -> str:
    conditions = dict.fromkeys(_conditions(way) for way in rows if way["temperature_k"] is not None)
    return (
        "Free energies are those of an ideal gas in the rigid-rotor harmonic-oscillator approximation "
        f"at {' and '.join(conditions)}, with the entropy of soft vibrations going over into that of "
        f"free rotors {found.mark(QUASI_RRHO)}."
    )


def _conditions(way: Mapping[str, Any]) -> str:
    atmospheres = (way["pressure_pa"] or PRESSURE_PA) / PRESSURE_PA
    return f"{way['temperature_k']:g} K and {atmospheres:g} atm"
