"""Steps of a quadratic model of the energy."""

from __future__ import annotations

import numpy as np
import pytest

from workers.engine.optimiser.quadratic_model import QuadraticModel, longest

SIZE = 12


def model(steepness: float, softest: float = 1e-3) -> QuadraticModel:
    """A model with curvatures from soft to stiff, in a metric of its own."""
    random = np.random.default_rng(3)
    turn, _ = np.linalg.qr(random.normal(size=(SIZE, SIZE)))
    hessian = (turn * np.geomspace(softest, 1.0, SIZE)) @ turn.T
    stretch = random.normal(size=(SIZE, SIZE))
    return QuadraticModel(steepness * random.normal(size=SIZE), hessian, np.eye(SIZE) + stretch @ stretch.T)


@pytest.mark.parametrize("steepness", [0.0, 1e-6, 1e-3, 1e-1, 10.0])
@pytest.mark.parametrize("softest", [1e-8, 1e-3, 0.5])
def test_a_rational_step_is_that_of_the_lowest_eigenvector(steepness: float, softest: float) -> None:
    """
    The shift is the lowest eigenvalue of the Hessian with the slope as one more row and column.
    """
    found = model(steepness, softest)
    shift, step = found.rational_step()
    inner = np.linalg.inv(np.linalg.cholesky(found.metric))
    slope = inner @ found.slope
    bordered = np.block([[np.zeros((1, 1)), slope[None]], [slope[:, None], inner @ found.hessian @ inner.T]])

    assert shift == pytest.approx(np.linalg.eigvalsh(bordered)[0], rel=2e-3, abs=1e-14)
    assert np.allclose((found.hessian - shift * found.metric) @ step, -found.slope)
    assert found.change(step) <= 0


@pytest.mark.parametrize("limit", [1e-3, 0.03, 0.3])
@pytest.mark.parametrize("softest", [1e-8, 1e-3, 0.5])
def test_a_step_is_shortened_to_the_limit(limit: float, softest: float) -> None:
    """
    One atom moves 0.95 to 1 times the limit, none further, and the step is that of its shift.
    """
    found = model(10.0, softest)
    shift, step = found.rational_step()
    lower, shorter = found.shortened(shift, step, limit)

    assert longest(step) > limit >= longest(shorter) > 0.95 * limit
    assert lower < shift
    assert np.array_equal(shorter, found.step(lower))


def test_a_step_that_is_short_enough_stays() -> None:
    """
    A limit that it does not reach changes nothing.
    """
    found = model(1e-3)
    shift, step = found.rational_step()

    assert (shift, step) == found.shortened(shift, step, 2 * longest(step))
