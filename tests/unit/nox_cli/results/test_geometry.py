"""Moments of inertia, and the shapes they tell apart."""

from __future__ import annotations

import math

import pytest

from nox_cli.results.geometry import are_alike, moments

WATER = (("O", "H", "H"), ((0.0, 0.0, 0.1173), (0.0, 0.7572, -0.4692), (0.0, -0.7572, -0.4692)))


def turned(position: tuple[float, float, float], angle: float) -> tuple[float, float, float]:
    """Turn a position about z, and mirror it."""
    x, y, z = position
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle), -z


def test_the_moments_of_water() -> None:
    """
    The rotational constants of water, 27.9, 14.5 and 9.3 cm-1, follow from its moments.
    """
    found = moments(*WATER)
    assert found is not None
    constants = [16.857629 / moment for moment in found]

    assert pytest.approx([27.9, 14.5, 9.3], rel=0.03) == constants


def test_turning_and_mirroring_change_nothing() -> None:
    """
    A molecule that is turned and mirrored is alike; one that is stretched is not.
    """
    symbols, positions = WATER
    moved = [turned(position, 0.7) for position in positions]
    stretched = [(x, 1.02 * y, z) for x, y, z in positions]

    assert are_alike(moments(symbols, positions), moments(symbols, moved))
    assert not are_alike(moments(symbols, positions), moments(symbols, stretched))


def test_lines_and_atoms_have_no_moment_about_themselves() -> None:
    """
    A moment that is nothing is like another that is nothing.
    """
    line = moments(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 0.74)))
    other = moments(("H", "H"), ((0.3, 0.0, 0.0), (1.04, 0.0, 1e-9)))
    atom = moments(("He",), ((1.0, 2.0, 3.0),))

    assert line is not None
    assert 0.0 == pytest.approx(line[0], abs=1e-12)
    assert are_alike(line, other)
    assert (0.0, 0.0, 0.0) == pytest.approx(atom)


def test_geometry_what_is_no_molecule_has_none() -> None:
    """
    Without an element or a position nothing is alike.
    """
    assert moments(("Q",), ((0.0, 0.0, 0.0),)) is None
    assert moments(("H",), ((0.0, 0.0),)) is None
    assert not are_alike(None, None)
