"""The methods sentence, and the references it needs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nox_cli.results import citations
from nox_cli.results.citations import METHODS, PYBERNY, QUASI_RRHO, SOLVATIONS, XTB, Reference, account
from nox_cli.results.record import ResultRecord
from workers.names import Method


def result(**changes: Any) -> ResultRecord:
    """Make the record of a result."""
    plain: dict[str, Any] = {
        "calculation": "opt",
        "opt_level": "tight",
        "method": "gfn2",
        "electronic_temperature_k": 300.0,
        "engine": "xtb",
        "engine_version": "22.1",
        "nox_version": "0.1.0",
        "source_file": "a.xyz",
        "libraries": (),
    }
    return ResultRecord(1, "", **(plain | changes))


def test_citations_one_way_is_one_sentence() -> None:
    """
    However many jobs were computed in one way, it is told once, with numbered references.
    """
    found = account([result(), result(source_file="b.xyz")])

    assert [
        (
            "Geometries were optimised (tight thresholds) with GFN2-xTB [1] in the gas phase using the xtb "
            "library through xtb-python 22.1 [2]."
        ),
        "Jobs were run by nox 0.1.0.",
    ] == found.sentences
    assert [METHODS["gfn2"], XTB] == found.references


def test_citations_several_ways_share_references() -> None:
    """
    Each way has a sentence; a reference keeps its number.
    """
    found = account(
        [
            result(),
            result(calculation="sp", opt_level=None, method="gfn1", engine="tblite", engine_version="0.8.0"),
        ]
    )

    assert (
        "Single-point energies were computed with GFN1-xTB [3] in the gas phase using tblite 0.8.0 [4]."
        == found.sentences[1]
    )
    assert ["10.1021/acs.jctc.8b01176", "10.1002/wcms.1493", "10.1021/acs.jctc.7b00118", ""] == [
        reference.doi for reference in found.references
    ]


def test_citations_what_else_was_used() -> None:
    """
    Solvation, electronic temperature, thermochemistry, the optimiser and SMILES are told where used.
    """
    found = account(
        [
            result(
                calculation="ohess",
                solvation="alpb",
                solvent="water",
                electronic_temperature_k=1_000.0,
                temperature_k=298.15,
                pressure_pa=101_325.0,
                libraries=(("numpy", "2.4.6"), ("pyberny", "0.7.0")),
                source_file="l.smi.gz",
            )
        ]
    )
    text = " ".join(found.sentences)

    assert "GFN2-xTB [1] at an electronic temperature of 1000 K in ALPB(water) [2]" in text
    assert "at 298.15 K and 1 atm" in text
    assert "PyBerny 0.7.0" in text
    assert "SMILES by RDKit" in text
    assert {SOLVATIONS["alpb"], QUASI_RRHO, PYBERNY} <= set(found.references)
    assert sorted({int(mark) for mark in re.findall(r"\[(\d+)\]", text)}) == list(
        range(1, len(found.references) + 1)
    )


def test_spin_polarisation_is_cited() -> None:
    """
    Spin-polarised orbitals have a paper of their own.
    """
    found = account([result(spin_polarised=True, engine="tblite", engine_version="0.8.0")])

    assert "GFN2-xTB [1], spin-polarised [2], in the gas phase using tblite 0.8.0 [3]" in found.sentences[0]


def test_citations_what_nox_does_not_know_is_told() -> None:
    """
    A method without a reference is named as such, and none is made up.
    """
    found = account([result(method="gfn9", engine="other", engine_version="1")])

    assert ["gfn9"] == found.unknown
    assert [] == found.references
    assert "with gfn9 in the gas phase using other 1." in found.sentences[0]


@pytest.mark.parametrize("method", list(Method))
def test_every_method_has_a_reference(method: Method) -> None:
    """
    Each method a job can ask for has a paper with a DOI.
    """
    assert re.fullmatch(r"10\.\d{4,}/\S+", METHODS[method].doi)


def test_citations_what_is_passed_on_is_told() -> None:
    """
    A solvent comes with its reference; with options that nox cannot interpret no gas phase is claimed.
    """
    cosmo = {"solvation": "cosmo", "solvent": "water", "program_options": ("--cosmo", "water", "--pop")}
    known = account([result(engine="xtb-cli", engine_version="6.7.1", **cosmo)])
    unknown = account([result(engine="xtb-cli", engine_version="6.7.1", program_options=("--foo", "7"))])

    assert (
        "GFN2-xTB [1] in COSMO(water) [2] using the xtb program 6.7.1 [3] with the options --pop."
        in known.sentences[0]
    )
    assert (
        "GFN2-xTB [1] using the xtb program 6.7.1 [2] with options of its own: --foo 7."
        in unknown.sentences[0]
    )


def test_citations_references_become_entries_of_bibtex() -> None:
    """
    A paper is an article with its parts apart, a program a note; every reference has a key of its own.
    """
    listed = [one for one in vars(citations).values() if isinstance(one, Reference)]
    entries = [one.bibtex() for one in {*listed, *METHODS.values(), *SOLVATIONS.values()}]
    keys = [re.match(r"@\w+\{(\w+),", entry) for entry in entries]

    assert len(entries) == len({key[1] for key in keys if key})
    assert {"Bannwarth2021", "Klamt1993", "Neugebauer2023", "tblite", "Hermann", "RDKit"} <= {
        key[1] for key in keys if key
    }
    assert (
        "@article{Bannwarth2019,\n"
        "  journal = {J. Chem. Theory Comput.},\n"
        "  year = {2019},\n"
        "  volume = {15},\n"
        "  pages = {1652-1671},\n"
        "  author = {C. Bannwarth and S. Ehlert and S. Grimme},\n"
        "  doi = {10.1021/acs.jctc.8b01176}\n"
        "}\n"
    ) == METHODS["gfn2"].bibtex()
