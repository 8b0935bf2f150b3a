"""Chains of jobs, each on the last geometry of another: bonds are compared with the first input of all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import molecules
from tests.support.stores import ADA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

MOVED = (["broken N1-H8", "formed O4-H8"], "H8 moved N1 -> O4")


@pytest.fixture
def zwitterion(any_nox: Nox) -> Path:
    """Glycine as a zwitterion, whose proton moves in the gas phase."""
    any_nox.environ["NOX_USER"] = ADA
    path = any_nox.cwd / "zwitterion.xyz"
    write(path, "glycine-zwitterion")
    return path


def write(path: Path, name: str) -> None:
    """Write a molecule as xyz."""
    symbols, places = molecules.molecule(name)
    atoms = [f"{symbol} {x} {y} {z}" for symbol, (x, y, z) in zip(symbols, places, strict=True)]
    path.write_text("\n".join([str(len(atoms)), "", *atoms, ""]))


def run(nox: Nox) -> None:
    """Run what waits, to its end; a retry has started a background worker, which may run some of it."""
    assert 0 == nox.worker("--slots", "1", "--burst").wait()
    assert nox("wait", "@all", "--timeout", "100").returncode in {0, 1}


def go_on(nox: Nox, job_id: str) -> str:
    """Go on from where an optimisation stopped, to the end of the new job."""
    text = nox("retry", job_id, "--from-last-geometry", "--json", check=True).stdout
    new: str = json.loads(text)["jobs"][0]["job_id"]
    run(nox)
    nox("wait", new)
    return new


def changes(nox: Nox, job_id: str) -> tuple[list[str], str]:
    """Read which bonds results show as changed, and since when."""
    text = nox("results", job_id, "-a", "--json", check=True).stdout
    item: dict[str, Any] = json.loads(text)["items"][0]
    (warning,) = [text for text in item["warnings"] if text.startswith("bonds changed")]
    return item["bonds_changed"], warning.removeprefix("bonds changed")


def test_a_retry_from_the_last_geometry_is_compared_with_the_first_input(
    any_nox: Nox, zwitterion: Path
) -> None:
    """
    The proton moves in an optimisation that is stopped; every retry says so to the end, as do jobs that
    start from what that gives, also those submitted before it has ended, and those of a force field.
    """
    (first,) = any_nox.submit(str(zwitterion), "--opt", "--cycles", "8", "--no-start")
    run(any_nox)
    assert (MOVED[0], f": {MOVED[1]}") == changes(any_nox, first)
    told = (MOVED[0], f" since the input of job {first[:12]}: {MOVED[1]}")

    last = first
    while any_nox.status(last)["state"] == "failed":
        last = go_on(any_nox, last)
        assert told == changes(any_nox, last)
    (known,) = any_nox.submit("--from", last, "--sp", "--no-start")
    (waiting,) = any_nox.submit("--from", known, "--opt", "--no-start")
    (force_field,) = any_nox.submit("--from", waiting, "--gfnff", "--opt", "--no-start")
    (end,) = any_nox.submit("--from", force_field, "--hess", "--no-start")
    run(any_nox)

    assert [told] * 4 == [changes(any_nox, one) for one in (known, waiting, force_field, end)]


def test_a_geometry_that_is_submitted_by_itself_begins_anew(any_nox: Nox, zwitterion: Path) -> None:
    """
    Whoever wants the product takes its file: then nothing has changed.
    """
    (first,) = any_nox.submit(str(zwitterion), "--opt", "--no-start")
    run(any_nox)
    any_nox("fetch", first, "-d", "product", check=True)
    (product,) = (any_nox.cwd / "product").glob("*-opt.xyz")
    (alone,) = any_nox.submit(str(product), "--opt", "--no-start")
    run(any_nox)

    assert changes(any_nox, first)
    item = json.loads(any_nox("results", alone, "--json", check=True).stdout)["items"][0]
    assert ([], []) == (item["bonds_changed"], item["warnings"])


def test_bonds_that_are_stretched_link_by_link_are_broken_in_the_end(any_nox: Nox) -> None:
    """
    Neither link breaks a bond by itself, both together do; to run the second again changes nothing.
    """
    any_nox.environ["NOX_USER"] = ADA
    write(any_nox.cwd / "stretched.xyz", "beta-alanine-zwitterion")
    (first,) = any_nox.submit("stretched.xyz", "--opt", "--cycles", "14", "--no-start")
    run(any_nox)
    assert "bonds changed" not in str(any_nox.status(first))
    second = go_on(any_nox, first)

    told = f" since the input of job {first[:12]}: N1-C2 broken, C3-C4 broken"
    assert (["broken N1-C2", "broken C3-C4"], told) == changes(any_nox, second)
    any_nox("retry", second, check=True)
    run(any_nox)
    any_nox("wait", second)
    assert (["broken N1-C2", "broken C3-C4"], told) == changes(any_nox, second)
