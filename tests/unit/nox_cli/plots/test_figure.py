"""`nox_cli.plots.figure`: axes and their ticks."""

from __future__ import annotations

import pytest

from nox_cli.plots.figure import Axis, by_powers_of_ten, from_zero, round_step


def test_ticks_are_round_numbers_within_the_axis() -> None:
    """
    Steps are 1, 2 or 5 times a power of ten, those of counts are whole.
    """
    assert [0.0, 1000.0, 2000.0, 3000.0, 4000.0] == Axis("cm-1", 0.0, 4000.0).ticks(5)
    assert [-0.5, 0.0, 0.5, 1.0] == Axis("kcal/mol", -0.7, 1.2).ticks(4)
    assert [1.0, 2.0] == Axis("step", 1.0, 2.0, is_whole=True).ticks(9)
    assert [1e-6, 1e-3, 1.0] == by_powers_of_ten("Eh", 3e-7, 0.4).ticks(3)


@pytest.mark.parametrize(("least", "step"), [(0.07, 0.1), (0.1, 0.1), (3.0, 5.0), (5.0, 5.0), (51.0, 100.0)])
def test_round_step_is_not_below_what_is_wanted(least: float, step: float) -> None:
    """
    The smallest round step that is large enough.
    """
    assert step == pytest.approx(round_step(least))


def test_axis_places_values_between_its_ends() -> None:
    """
    A spectrum begins with its largest wavenumber; a logarithmic axis has no place for 0.
    """
    spectrum, decades = Axis("cm-1", 0.0, 4000.0, descends=True), by_powers_of_ten("Eh", 1e-4, 1.0)

    assert (0.0, 0.75, 1.0) == (spectrum.place(4000.0), spectrum.place(1000.0), spectrum.place(0.0))
    assert (None, None) == (spectrum.place(-66.3), spectrum.place(4001.0))
    assert (0.5, None) == (decades.place(1e-2), decades.place(0.0))


def test_axis_of_nothing_still_has_a_range() -> None:
    """
    Values that are all 0 do not make an axis without length.
    """
    assert from_zero("km/mol", 0.0).high > 0.0
    assert by_powers_of_ten("kcal/mol", 0.0).high > by_powers_of_ten("kcal/mol", 0.0).low
    assert by_powers_of_ten("kcal/mol", 1.0).high > by_powers_of_ten("kcal/mol", 1.0).low
