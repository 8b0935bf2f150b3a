"""`nox results --boltzmann` counts the mirror images of chiral conformers, with real engines."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import molecules

if TYPE_CHECKING:
    from tests.support.nox import Nox

RT_KCAL = 0.592484


def write(nox: Nox, name: str, *, mirrored: bool = False) -> str:
    """Write a molecule, or its mirror image, as a file; return the file's name."""
    symbols, places = molecules.molecule(name)
    hand = -1 if mirrored else 1
    atoms = [f"{symbol} {x * hand} {y} {z}" for symbol, (x, y, z) in zip(symbols, places, strict=True)]
    file = f"{name}-image.xyz" if mirrored else f"{name}.xyz"
    (nox.cwd / file).write_text("\n".join([str(len(atoms)), "", *atoms, ""]))
    return file


def weighed(nox: Nox, files: list[str], *words: str) -> dict[str, dict[str, Any]]:
    """Optimise conformers, unless that is done, and weigh them; by name."""
    if files:
        nox("submit", *files, *words, "--no-start", check=True)
        assert 0 == nox.worker("--burst").wait()
        words = ()
    text = nox("results", "@last", "--boltzmann", "--json", *words, check=True).stdout
    return {item["name"]: item for item in json.loads(text)["items"]}


def degeneracies(items: dict[str, dict[str, Any]]) -> dict[str, int | None]:
    """Name how often each is counted."""
    return {name: item["degeneracy"] for name, item in items.items()}


def test_butane(nox: Nox) -> None:
    """
    Gauche counts twice: 59 : 41 by free energies, and as exp(-dE/RT) by energies; once with --no-mirror.
    """
    files = [write(nox, "butane-anti"), write(nox, "butane-gauche")]
    found = weighed(nox, files, "--ohess", "vtight")
    once = weighed(nox, [], "--no-mirror")

    assert {"butane-anti": 1, "butane-gauche": 2} == degeneracies(found)
    assert 0.59 == pytest.approx(found["butane-anti"]["boltzmann_weight"], abs=0.01)
    assert 0.742 == pytest.approx(once["butane-anti"]["boltzmann_weight"], abs=0.01)
    assert {1} == set(degeneracies(once).values())
    by_energy = weighed(nox, files, "--opt", "tight")
    ratio = 2 * math.exp(-by_energy["butane-gauche"]["relative_kcal_per_mol"] / RT_KCAL)
    assert 1 / (1 + ratio) == pytest.approx(by_energy["butane-anti"]["boltzmann_weight"], abs=1e-4)
    table = nox("results", "@last", "--boltzmann", check=True).stdout
    assert "deg 2: counted with its mirror image, which is not among these (--no-mirror: without)" in table


def test_a_selection_with_both_images(nox: Nox) -> None:
    """
    Neither is a repetition of the other, each counts once; the weights are those of one that counts twice.
    """
    files = [write(nox, "butane-anti"), write(nox, "butane-gauche")]
    alone = weighed(nox, files, "--opt", "tight")["butane-anti"]["boltzmann_weight"]
    found = weighed(nox, [*files, write(nox, "butane-gauche", mirrored=True)], "--opt", "tight")

    assert {1} == set(degeneracies(found).values())
    assert {None} == {item["same_conformer_as"] for item in found.values()}
    assert alone == pytest.approx(found["butane-anti"]["boltzmann_weight"], abs=1e-3)


def test_pentane(nox: Nox) -> None:
    """
    All but the straight one are chiral: gg has an axis, and the crowded one leaves its mirror plane.
    """
    names = [f"pentane-{name}" for name in ("tt", "tg", "gg", "gx")]
    found = weighed(nox, [write(nox, name) for name in names], "--opt", "tight")

    assert dict(zip(names, [1, 2, 2, 2], strict=True)) == degeneracies(found)
    ratio = found["pentane-tg"]["boltzmann_weight"] / found["pentane-tt"]["boltzmann_weight"]
    above = found["pentane-tg"]["relative_kcal_per_mol"]
    assert 2 * math.exp(-above / RT_KCAL) == pytest.approx(ratio, rel=1e-3)


def test_biphenyl(nox: Nox) -> None:
    """
    Twisted it is chiral and turns into its mirror image: it counts twice, the flat ridge between once.
    """
    found = weighed(nox, [write(nox, "biphenyl"), write(nox, "biphenyl-planar")], "--sp")

    assert {"biphenyl": 2, "biphenyl-planar": 1} == degeneracies(found)


def test_amino_acids(nox: Nox) -> None:
    """
    L-alanine is not D-alanine: each counts once.  Glycine has no centre: its twisted form counts twice.
    """
    files = [write(nox, "alanine"), write(nox, "alanine", mirrored=True)]
    found = weighed(nox, files, "--opt")
    assert {"alanine": 1, "alanine-image": 1} == degeneracies(found)
    assert [0.5, 0.5] == pytest.approx([item["boltzmann_weight"] for item in found.values()], abs=1e-3)

    found = weighed(nox, [write(nox, "glycine"), write(nox, "glycine-flat")], "--sp")
    assert {"glycine": 2, "glycine-flat": 1} == degeneracies(found)


def test_frozen_atoms(nox: Nox) -> None:
    """
    What is held where it is does not turn into its mirror image.
    """
    files = [write(nox, "butane-anti"), write(nox, "butane-gauche")]
    found = weighed(nox, files, "--opt", "--freeze", "1-4")

    assert {"butane-anti": 1, "butane-gauche": 1} == degeneracies(found)


def test_results_mirrored_no_mirror_is_about_weights(nox: Nox) -> None:
    """
    Without weights there is nothing to switch off.
    """
    said = nox("results", "@last", "--relative", "--no-mirror")

    assert 2 == said.returncode
    assert "--no-mirror is about weights" in said.stderr
