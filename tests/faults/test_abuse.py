"""What would crash an engine, handed to it past the checks; and the same refused by the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import molecules
from tests.standin.keepers import ROOT, STAND_IN, calculation
from tests.support.engines import ENGINES, Engine
from workers.job import Reason
from workers.keeper.keeper import ENTRY, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.standin.molecules import Structure

WATER = molecules.WATER
# What is asked, and what the checks say of it.
ABUSE: dict[str, tuple[Structure, dict[str, Any], str]] = {
    "uranium": ((["U"], [[0, 0, 0]]), {}, "atom 1 is U (element 92)"),
    "americium": ((["Am"], [[0, 0, 0]]), {"unpaired": 1}, "atom 1 is Am (element 95)"),
    "two atoms at one place": (
        (["O", "H", "H"], [[0, 0, 0], [0, 0, 0], [1, 1, 1]]),
        {},
        "atoms 1 (O) and 2 (H) are 0.000 Å apart, less than 0.38 Å",
    ),
    "two atoms almost at one place": (
        (["H", "H"], [[0, 0, 0], [0, 0, 0.0005]]),
        {},
        "atoms 1 (H) and 2 (H) are 0.001 Å apart, less than 0.256 Å",
    ),
    "a hundred unpaired": (WATER, {"unpaired": 100}, "100 unpaired electrons, but only 10 electrons"),
    "more unpaired than orbitals": (WATER, {"unpaired": 8}, "do not fit into the 6 orbitals of gfn2"),
    "odd with even": (WATER, {"unpaired": 1}, "an even number of electrons (10 at charge 0)"),
    "charge 100": (WATER, {"charge": 100}, "a charge of +100 leaves H2O without an electron"),
    "charge -100": (WATER, {"charge": -100}, "108 valence electrons, 0 of them unpaired, do not fit"),
    "no atoms": (([], []), {}, "the structure has no atoms"),
}


@pytest.fixture(scope="module", params=ENGINES)
def unchecked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine in turn, reached past the checks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        engine = Engine(request.param, tmp_path_factory.mktemp("scratch"), STAND_IN)
        yield engine
        engine.driver.keeper.close()


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine as jobs reach it."""
    engine = Engine(ENGINES[0], tmp_path_factory.mktemp("scratch"), ENTRY)
    yield engine
    engine.driver.keeper.close()


@pytest.mark.parametrize("name", ABUSE)
def test_past_the_checks_the_worker_lives_and_the_next_job_is_right(unchecked: Engine, name: str) -> None:
    """
    Whatever an engine does about it, there is a verdict, and the next calculation's energy is right.
    """
    right = unchecked.compute(WATER).energy_hartree
    structure, fields, _ = ABUSE[name]
    ended = unchecked.run(structure, **fields)

    assert (ended.failure is None) == (ended.result is not None)
    assert ended.failure is None or ended.failure.reason in {Reason.CRASHED, Reason.INPUT, Reason.SCF}
    assert pytest.approx(right, abs=1e-10) == unchecked.compute(WATER).energy_hartree


def test_an_element_without_parameters_is_named_as_the_cause(unchecked: Engine) -> None:
    """
    Uranium past the checks is an engine's crash or refusal, and the message or hint says why.
    """
    structure, fields, _ = ABUSE["uranium"]
    failure = unchecked.run(structure, **fields).failure

    assert failure is not None
    assert "element" in failure.message + failure.hint


@pytest.mark.parametrize("mib", [1, 4, 16, 48])
def test_memory_that_does_not_suffice_is_told(unchecked: Engine, mib: int) -> None:
    """
    However early in a calculation memory runs out, the job fails for that and does not hang.
    """
    limits = Limits(memory_bytes=mib * 1024**2, time_s=60)
    spec = calculation(*molecules.molecule("pep200"), engine=unchecked.name)
    failure = unchecked.driver.run(spec, limits=limits).failure

    assert failure is not None
    assert failure.message.startswith(f"out of memory (limit {mib} MiB")


@pytest.mark.parametrize("name", ABUSE)
def test_the_checks_refuse_it_in_words(checked: Engine, name: str) -> None:
    """
    A job that reached a worker unchecked is refused there, with what is wrong with it.
    """
    structure, fields, message = ABUSE[name]
    ended = checked.run(structure, **fields)

    assert ended.failure is not None
    assert Reason.INPUT == ended.failure.reason
    assert message in ended.failure.message
