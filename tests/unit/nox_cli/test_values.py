"""Amounts of memory, pressures and numbers of unpaired electrons, as people write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.values import atom_numbers, memory_bytes, pressure_pa, unpaired
from workers.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2G", 2 * 1024**3),
        ("512M", 512 * 1024**2),
        ("1.5GiB", 3 * 1024**3 // 2),
        ("2 gb", 2_000_000_000),
        ("1k", 1024),
        ("1T", 1024**4),
    ],
)
def test_reads_amounts_of_memory(text: str, size: int) -> None:
    """
    Units are powers of 1024, or of 1000 where they are written with a B.
    """
    assert size == memory_bytes(text)


@pytest.mark.parametrize(
    ("text", "pascals"),
    [
        ("1atm", 101_325.0),
        ("1 bar", 1e5),
        ("101325Pa", 101_325.0),
        ("0.5MPa", 5e5),
        ("2e-3 mbar", 0.2),
        ("5kpa", 5e3),
    ],
)
def test_reads_pressures(text: str, pascals: float) -> None:
    """
    A pressure is a number and its unit.
    """
    assert pytest.approx(pascals) == pressure_pa(text)


@pytest.mark.parametrize(
    "text", ["", "1", "atm", "0bar", "-1bar", "1psi", "1e300bar", "inf bar", "1" * 70 + "Pa"]
)
def test_refuses_what_is_no_pressure(text: str) -> None:
    """
    Without a unit nobody knows which is meant.
    """
    with pytest.raises(UsageError):
        pressure_pa(text)


@pytest.mark.parametrize(
    "text", ["", "2", "G", "0M", "-1G", "1e9M", "2 000M", "9999999T", "1" * 70 + "G", "٢G"]
)
def test_refuses_what_is_no_amount_of_memory(text: str) -> None:
    """
    An amount has a unit, is more than nothing and less than a pebibyte.
    """
    with pytest.raises(UsageError):
        memory_bytes(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("3", 3), (" 1 ", 1), ("auto", None), ("AUTO", None)])
def test_reads_unpaired_electrons(text: str, number: int | None) -> None:
    """
    A number of unpaired electrons is a whole number, or left to the parity.
    """
    assert number == unpaired(text)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1001", "one", "1_0", "10000000"])
def test_refuses_what_is_no_number_of_unpaired_electrons(text: str) -> None:
    """
    Anything else is an error of usage.
    """
    with pytest.raises(UsageError):
        unpaired(text)


@given(st.text(max_size=80))
def test_values_no_word_breaks_them(text: str) -> None:
    """
    Any word is read or refused.
    """
    for read in (memory_bytes, unpaired):
        with suppress(UsageError):
            read(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", {3}), ("1-4,7", {1, 2, 3, 4, 7}), (" 7, 1-2 ", {1, 2, 7}), ("2-2,1-3", {1, 2, 3})],
)
def test_reads_numbers_of_atoms(text: str, numbers: set[int]) -> None:
    """
    Atoms are counted from 1; ranges include both ends, and each atom counts once.
    """
    assert numbers == atom_numbers(text)


@pytest.mark.parametrize("text", ["", "0", "4-1", "1-", "-3", "1,,2", "a", "1-1001", "9" * 40, "٣"])
def test_refuses_what_names_no_atoms(text: str) -> None:
    """
    Atom 0, ranges that run backwards and what is no number are refused.
    """
    with pytest.raises(UsageError, match="names no atoms"):
        atom_numbers(text)
