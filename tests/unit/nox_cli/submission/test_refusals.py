"""How refused inputs are told."""

from __future__ import annotations

import pytest

from nox_cli.submission.refusals import SHOWN, Refusals
from workers.errors import InputRefused


def refused(*whats: str, hint: str = "") -> Refusals:
    """Refuse some inputs."""
    refusals = Refusals()
    for what in whats:
        refusals.add(InputRefused(what, hint=hint))
    return refusals


def test_refusals_one_is_told_as_it_is() -> None:
    """
    A single bad input is told on one line, with its own hint.
    """
    error = refused("a.xyz: empty", hint="fill it").error(1)

    assert ("a.xyz: empty; nothing was submitted", "fill it", ()) == (
        error.message,
        error.hint,
        error.details,
    )


def test_refusals_several_are_listed() -> None:
    """
    Several are counted, listed, and counted again beyond the first ten.
    """
    error = refused(*(f"{i}.xyz: empty" for i in range(1, SHOWN + 3))).error(20)

    assert "12 of 20 inputs were refused; nothing was submitted" == error.message
    assert "1.xyz: empty" == error.details[0]
    assert "and 2 more" == error.details[-1]
    assert SHOWN + 1 == len(error.details)


@pytest.mark.parametrize(("total", "hint"), [(2, "--skip-bad submits the others"), (1, "")])
def test_others_could_be_submitted(total: int, hint: str) -> None:
    """
    Where other inputs are good, the hint says how to submit those.
    """
    assert hint == refused("a.xyz: empty").error(total).hint


def test_a_hint_they_share_is_kept() -> None:
    """
    One hint for all is given once; different ones would mislead.
    """
    mixed = refused("a", hint="one")
    mixed.add(InputRefused("b", hint="two"))

    assert "one" == refused("a", "b", hint="one").error(2).hint
    assert "" == mixed.error(2).hint
