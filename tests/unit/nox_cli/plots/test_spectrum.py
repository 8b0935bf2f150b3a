"""`nox_cli.plots.spectrum`: lines of a spectrum."""

from __future__ import annotations

import math

import pytest

from nox_cli.plots.spectrum import broadened


@pytest.mark.parametrize("width_cm1", [1.0, 20.0, 50.0])
def test_a_line_is_as_high_as_its_intensity_and_as_wide_as_asked(width_cm1: float) -> None:
    """
    Half the width from its wavenumber a line has half its height, and its area is pi/2 times both.
    """
    wavenumbers, values = broadened([(1700.0, 80.0)], width_cm1, 4000.0)
    at = dict(zip((round(one, 6) for one in wavenumbers), values, strict=True))
    area = sum(values) * (wavenumbers[1] - wavenumbers[0])

    assert 80.0 == pytest.approx(max(values)) == pytest.approx(at[1700.0])
    assert 40.0 == pytest.approx(at[1700.0 - width_cm1 / 2]) == pytest.approx(at[1700.0 + width_cm1 / 2])
    assert math.pi / 2 * 80.0 * width_cm1 == pytest.approx(area, rel=0.02)


def test_lines_add_up() -> None:
    """
    Two modes of one wavenumber are as high as both together.
    """
    assert 30.0 == pytest.approx(max(broadened([(500.0, 10.0), (500.0, 20.0)], 10.0, 1000.0)[1]))


def test_no_peak_falls_between_two_points() -> None:
    """
    A line between two points of the spectrum loses less than 0.3 % of its height.
    """
    assert 100.0 == pytest.approx(max(broadened([(1234.5, 100.0)], 20.0, 4000.0)[1]), rel=0.003)
