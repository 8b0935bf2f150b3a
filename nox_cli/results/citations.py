"""A methods sentence for each way jobs were computed, and the references it needs.

Each reference is named as the documentation of xtb, tblite, pyberny and ASE (for the quasi-RRHO treatment)
gives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nox_cli.results.record import ResultRecord
from nox_cli.results.rows import rows_of
from workers.engine.program_options import interpreted
from workers.errors import NothingMatched
from workers.names import METHOD_TITLES, PRESSURE_PA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nox_cli.results.json_objects import CitationRecord
    from workers.engine.program_options import PassedOn
    from workers.store.base import Store


# The authors, each with initials, the journal, the year, and the volume and pages or what there is of them.
_PAPER = re.compile(
    r"(?P<authors>(?:[^\W\d_]\. )+[^\W\d_]+(?:, (?:[^\W\d_]\. )+[^\W\d_]+)*), "
    r"(?P<journal>.+?) (?P<year>\d{4})(?:, (?P<volume>\d+))??(?:, (?P<pages>[\w-]+))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper or a program."""

    text: str
    doi: str = ""

    @property
    def shown(self) -> str:
        """The reference with its DOI as a link."""
        return f"{self.text}. https://doi.org/{self.doi}" if self.doi else self.text

    def bibtex(self) -> str:
        """Write an entry of BibTeX, whose key is the first author and the year, or the program."""
        paper = _PAPER.fullmatch(self.text)
        if paper is None:
            name = self.text.partition(",")[0].partition(":")[0].rpartition(" ")[2]
            kind, key, fields = "misc", name, {"note": self.text}
        else:
            kind, key = "article", paper["authors"].partition(",")[0].rpartition(" ")[2] + paper["year"]
            fields = {**paper.groupdict(), "author": paper["authors"].replace(", ", " and ")}
            del fields["authors"]
        fields["doi"] = self.doi
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@{kind}{{{''.join(filter(str.isalnum, key))},\n" + ",\n".join(lines) + "\n}\n"


XTB = Reference(
    "C. Bannwarth, E. Caldeweyher, S. Ehlert, A. Hansen, P. Pracht, J. Seibert, S. Spicher, S. Grimme, "
    "WIREs Comput. Mol. Sci. 2021, 11, e1493",
    "10.1002/wcms.1493",
)
TBLITE = Reference("tblite, https://github.com/tblite/tblite")
BIASED_HESSIAN = Reference(
    "S. Spicher, S. Grimme, J. Chem. Theory Comput. 2021, 17, 1701-1714", "10.1021/acs.jctc.0c01306"
)
PYBERNY = Reference("J. Hermann, PyBerny", "10.5281/zenodo.3695037")
RDKIT = Reference("RDKit: open-source cheminformatics, https://www.rdkit.org")
QUASI_RRHO = Reference("S. Grimme, Chem. Eur. J. 2012, 18, 9955-9964", "10.1002/chem.201200497")
_SOLVATION = Reference(
    "S. Ehlert, M. Stahn, S. Spicher, S. Grimme, J. Chem. Theory Comput. 2021, 17, 4250-4261",
    "10.1021/acs.jctc.1c00471",
)
# Methods and solvation models, by their names in results.
METHODS = {
    "gfn2": Reference(
        "C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652-1671",
        "10.1021/acs.jctc.8b01176",
    ),
    "gfn1": Reference(
        "S. Grimme, C. Bannwarth, P. Shushkov, J. Chem. Theory Comput. 2017, 13, 1989-2009",
        "10.1021/acs.jctc.7b00118",
    ),
    "ipea1": Reference(
        "V. Asgeirsson, C. A. Bauer, S. Grimme, Chem. Sci. 2017, 8, 4879-4895", "10.1039/c7sc00601b"
    ),
    "gfn0": Reference(
        "P. Pracht, E. Caldeweyher, S. Ehlert, S. Grimme, ChemRxiv 2019", "10.26434/chemrxiv.8326202.v1"
    ),
    "gfnff": Reference(
        "S. Spicher, S. Grimme, Angew. Chem. Int. Ed. 2020, 59, 15665-15673", "10.1002/anie.202004239"
    ),
}
SPIN_POLARISATION = Reference(
    "H. Neugebauer, B. Bädorf, S. Ehlert, A. Hansen, S. Grimme, J. Comput. Chem. 2023, 44, 2120",
    "10.1002/jcc.27185",
)
_COSMO = Reference(
    "A. Klamt, G. Schüürmann, J. Chem. Soc., Perkin Trans. 2 1993, 799-805", "10.1039/p29930000799"
)
SOLVATIONS = {"alpb": _SOLVATION, "gbsa": _SOLVATION, "cosmo": _COSMO}


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
    unknown: list[str] = field(default_factory=list)  # methods and models without a reference here

    def mark(self, reference: Reference) -> str:
        """Number a reference: `[2]`."""
        if reference not in self.references:
            self.references.append(reference)
        return f"[{self.references.index(reference) + 1}]"


@dataclass(frozen=True, slots=True)
class Citation:
    """Sentences on how jobs were computed, and the number of the jobs."""

    account: Account
    jobs: int

    def document(self) -> CitationRecord:
        """Return sentences and references apart."""
        return {
            "jobs": self.jobs,
            "sentences": self.account.sentences,
            "references": [
                {"number": number, "text": reference.text, "doi": reference.doi or None}
                for number, reference in enumerate(self.account.references, 1)
            ],
        }

    def bibtex(self) -> str:
        """Write an entry of BibTeX for each reference."""
        return "\n".join(reference.bibtex() for reference in self.account.references)


def cite(store: Store, job_ids: Iterable[str]) -> Citation:
    """Describe how jobs that were completed were computed.

    Args:
        store: the store of the jobs.
        job_ids: the jobs; those that are not completed calculations are left out.

    Raises:
        NothingMatched: none of them is a completed calculation.
        JobNotFound: one of the jobs does not exist.
        StoreError: the store cannot be read.
    """
    rows = (row for row in rows_of(store, job_ids) if row.is_result)
    done = [row.record for row in rows if row.record.energy_hartree is not None]
    if not done:
        raise NothingMatched("no completed calculation is among these jobs", hint="nox list")
    return Citation(account(done), len(done))


def account(results: Iterable[ResultRecord]) -> Account:
    """Describe how results were computed."""
    found = Account()
    ways = list(dict.fromkeys(map(_way, results)))
    found.sentences += dict.fromkeys(_sentence(found, way) for way in ways)
    if any(way.temperature_k is not None for way in ways):
        found.sentences.append(_thermochemistry(found, ways))
    for version in dict.fromkeys(version for way in ways for _, version in way.libraries if version):
        found.sentences.append(f"Optimisation steps were taken by PyBerny {version} {found.mark(PYBERNY)}.")
    if any(way.source_file for way in ways):
        found.sentences.append(f"Starting structures were made from SMILES by RDKit {found.mark(RDKIT)}.")
    versions = list(dict.fromkeys(way.nox_version for way in ways if way.nox_version))
    if versions:
        found.sentences.append(f"Jobs were run by nox {' and '.join(versions)}.")
    return found


# Two results that are equal in these fields were computed in the same way.
_DESCRIBED = (
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


def _way(record: ResultRecord) -> ResultRecord:
    """Keep only what sentences describe; a source is kept if it is SMILES, of libraries PyBerny."""
    source = (record.source_file or "").lower().removesuffix(".gz")
    is_smiles = source.startswith("smiles ") or source.endswith((".smi", ".smiles"))
    return ResultRecord(
        0,
        "",
        source_file="smiles" if is_smiles else None,
        libraries=tuple(pair for pair in record.libraries if pair[0] == "pyberny"),
        **{name: getattr(record, name) for name in _DESCRIBED},
    )


def _sentence(found: Account, way: ResultRecord) -> str:
    level = f" ({way.opt_level} thresholds)" if way.opt_level else ""
    done = _DONE.get(way.calculation, "Jobs were computed")
    if way.calculation == "bhess":
        done += f" {found.mark(BIASED_HESSIAN)}"
    words = [
        f"{done}{level} with {_method(found, way)}",
        _surroundings(found, way),
        _engine(found, way),
        _passed_on(way),
    ]
    return " ".join(filter(None, words)) + "."


def _method(found: Account, way: ResultRecord) -> str:
    name = way.method or "an unknown method"
    etemp = way.electronic_temperature_k
    hot = f" at an electronic temperature of {etemp:g} K" if etemp not in {None, USUAL_ETEMP_K} else ""
    named = f"{METHOD_TITLES.get(name, name)}{_marked(found, name, METHODS)}"
    spin = f", spin-polarised {found.mark(SPIN_POLARISATION)}," if way.spin_polarised else ""
    return f"{named}{spin}{hot}"


def _surroundings(found: Account, way: ResultRecord) -> str:
    if way.is_crystal:
        return "in periodic cells that were kept, at the gamma point alone,"
    if not way.solvation:
        return "" if _passed(way).own else "in the gas phase"
    return f"in {way.solvation.upper()}({way.solvent}){_marked(found, way.solvation, SOLVATIONS)}"


def _marked(found: Account, name: str, known: Mapping[str, Reference]) -> str:
    if name in known:
        return f" {found.mark(known[name])}"
    if name not in found.unknown:
        found.unknown.append(name)
    return ""


def _engine(found: Account, way: ResultRecord) -> str:
    program, reference = _ENGINES.get(way.engine or "", (str(way.engine), None))
    mark = f" {found.mark(reference)}" if reference else ""
    return f"using {program} {way.engine_version or ''}".rstrip() + mark


def _passed_on(way: ResultRecord) -> str:
    """Name the options that were passed to the program as they are, except a solvent."""
    passed = _passed(way)
    words = [f"the options {' '.join(passed.rest)}"] if passed.rest else []
    if passed.own:
        words.append(f"options of its own: {' '.join(passed.own)}")
    if way.program_input:
        words.append("an input file")
    return f"with {' and '.join(words)}" if words else ""


def _passed(way: ResultRecord) -> PassedOn:
    return interpreted(way.program_options, way.program_input or "")


def _thermochemistry(found: Account, ways: Iterable[ResultRecord]) -> str:
    conditions = dict.fromkeys(
        f"{way.temperature_k:g} K and {(way.pressure_pa or PRESSURE_PA) / PRESSURE_PA:g} atm"
        for way in ways
        if way.temperature_k is not None
    )
    return (
        "Free energies are those of an ideal gas in the rigid-rotor harmonic-oscillator approximation "
        f"at {' and '.join(conditions)}, with the entropy of soft vibrations going over into that of "
        f"free rotors {found.mark(QUASI_RRHO)}."
    )
