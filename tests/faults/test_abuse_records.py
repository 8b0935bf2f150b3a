"""What makes engines crash or compute nonsense, through submit and, past it, in records made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.test_edited_records import respecify
from tests.standin import molecules
from tests.standin.keepers import calculation
from tests.support.engines import ENGINES, Engine
from tests.support.examples import EXAMPLES
from workers import machine
from workers.job import JobState, Reason
from workers.keeper.keeper import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.standin.molecules import Structure
    from tests.support.nox import Nox

WATER = str(EXAMPLES / "water.xyz")
HYDROGEN: Structure = (["H", "H"], [[0, 0, 0], [0, 0, 0.74]])
# What a file holds, what is asked beside it, the exit code, and what is said.
SUBMITTED: dict[str, tuple[str, Sequence[str], int, str]] = {
    "uranium": ("1\n\nU 0 0 0\n", (), 5, "atom 1 is U (element 92)"),
    "americium": ("1\n\nAm 0 0 0\n", ("-u", "1"), 5, "atom 1 is Am (element 95)"),
    "a dummy atom": ("2\n\nX 0 0 0\nHe 0 0 3\n", (), 5, '"X" is not an element'),
    "element -5": ("1\n\n-5 0 0 0\n", (), 5, '"-5" is not an element'),
    "0.001 bohr apart": ("2\n\nH 0 0 0\nH 0 0 0.00053\n", (), 5, "0.001 Å apart"),
    "odd with even": ("1\n\nHe 0 0 0\n", ("-u", "1"), 5, "an even number of electrons"),
    "a cation without a spin": ("1\n\nHe 0 0 0\n", ("-c", "1"), 5, "an odd number"),
    "a hundred unpaired": ("1\n\nHe 0 0 0\n", ("-u", "100"), 5, "100 unpaired electrons"),
    "charge 100": ("1\n\nHe 0 0 0\n", ("-c", "100"), 5, "without an electron"),
    "charge -100": ("1\n\nHe 0 0 0\n", ("-c", "-100"), 5, "do not fit into"),
    "a solvent of nobody's": ("1\n\nHe 0 0 0\n", ("--alpb", "watr"), 2, "water"),
    "an option of nobody's": ("1\n\nHe 0 0 0\n", ("--gnf", "2"), 2, "--gnf"),
}
# Specifications no submit lets through.
RECORDS: dict[str, tuple[Structure, dict[str, Any]]] = {
    "uranium": ((["U"], [[0, 0, 0]]), {}),
    "americium": ((["Am"], [[0, 0, 0]]), {"unpaired": 1}),
    "a dummy atom": ((["X", "He"], [[0, 0, 0], [0, 0, 3]]), {}),
    "no symbol": (([""], [[0, 0, 0]]), {}),
    "two atoms at one place": ((["H", "H"], [[0, 0, 0], [0, 0, 0]]), {}),
    "0.001 bohr apart": ((["H", "H"], [[0, 0, 0], [0, 0, 0.00053]]), {}),
    "odd with even": (HYDROGEN, {"unpaired": 1}),
    "a cation without a spin": (HYDROGEN, {"charge": 1}),
    "a hundred unpaired": (HYDROGEN, {"unpaired": 100}),
    "charge 100": (HYDROGEN, {"charge": 100}),
    "charge -100": (HYDROGEN, {"charge": -100}),
    "no coordinate": ((["H", "H"], [[0, 0, 0], [0, 0, float("nan")]]), {}),
    "an endless coordinate": ((["H", "H"], [[0, 0, 0], [0, 0, float("inf")]]), {}),
    "no atoms": (([], []), {}),
    "more atoms than positions": ((["H", "H"], [[0, 0, 0]]), {}),
    "too many atoms": ((["He"] * 1_001, [[0, 0, 3 * n] for n in range(1_001)]), {}),
    "a solvent of nobody's": (HYDROGEN, {"solvation": "gbsa", "solvent": "unobtainium"}),
    "a method of nobody's": (HYDROGEN, {"method": "gfn9"}),
    "a field of nobody's": (HYDROGEN, {"hamiltonian": "mine"}),
    "every atom frozen": (HYDROGEN, {"kind": "opt", "frozen_atoms": [1, 2]}),
}
# What of it is no specification at all, and so a record that somebody damaged.
DAMAGED = {
    "no coordinate",
    "an endless coordinate",
    "too many atoms",
    "a method of nobody's",
    "a field of nobody's",
}


@pytest.mark.parametrize("name", SUBMITTED)
def test_submit_refuses_it_in_words(nox: Nox, tmp_path: Path, name: str) -> None:
    """
    Nothing that crashes an engine, or makes it compute nonsense, is stored.
    """
    content, words, code, said = SUBMITTED[name]
    (tmp_path / "bad.xyz").write_text(content)
    ended = nox("submit", "bad.xyz", *words, cwd=tmp_path)

    assert (code, "") == (ended.returncode, ended.stdout), ended.stderr
    assert said in ended.stderr
    assert not (nox.home / "nox.sqlite3").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_records_made_by_hand_end_with_a_verdict_and_the_next_job_is_right(nox: Nox, engine: str) -> None:
    """
    Straight into a worker each is refused as input or as damaged, iterations that do not converge are told
    as such, the worker lives, and the job after them all has the energy it has without them.
    """
    count = len(RECORDS) + 3
    ids = nox.submit(*[WATER] * count, "--engine", engine, "--no-start", "-q")
    first, *bad, unconverged, last = ids
    for job_id, (structure, fields) in zip(bad, RECORDS.values(), strict=True):
        respecify(nox, job_id, json.dumps(calculation(*structure, engine=engine, **fields)))
    scf = calculation(*molecules.molecule("benzene"), engine=engine, iterations=2)
    respecify(nox, unconverged, json.dumps(scf))
    worker = nox.worker("--slots", "1", "--idle-timeout", "1")

    assert 0 == worker.wait(100), worker.log
    jobs = [nox.job(job_id) for job_id in ids]
    ended = {name: (job.state, job.reason) for name, job in zip(RECORDS, jobs[1:-2], strict=True)}
    assert {
        name: (JobState.FAILED, Reason.DAMAGED if name in DAMAGED else Reason.INPUT) for name in RECORDS
    } == ended, worker.log
    assert (JobState.FAILED, Reason.SCF) == (jobs[-2].state, jobs[-2].reason)
    assert "Traceback" not in worker.log
    energies = [energy(nox, job_id) for job_id in (first, last)]
    assert energies[0] == energies[1] != 0


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_the_most_atoms_do_not_crash_for_want_of_stack(tmp_path: Path, engine: str) -> None:
    """
    999 atoms are still being computed when their time is over; with the usual stack of 8 MiB, xtb's library
    had ended with a signal long before.
    """
    assert machine.stack_limit_bytes() is None, "ulimit -Hs is to be unlimited here"
    tmp_path.joinpath("scratch").mkdir()
    driven = Engine(engine, tmp_path / "scratch")
    limits = Limits(memory_bytes=8 * 1024**3, time_s=40)
    ended = driven.driver.run(calculation(*waters(333), engine=engine), limits=limits)
    driven.driver.keeper.close()

    assert ended.failure is None or ended.failure.reason is Reason.TIMEOUT, ended.failure


def energy(nox: Nox, job_id: str) -> float:
    """Read the energy of a job that is done."""
    record = json.loads(nox("status", job_id, "--raw", check=True).stdout)
    found: float = record["outcome"]["result"]["energy_hartree"]
    return found


def waters(count: int) -> Structure:
    """Put so many molecules of water on a grid."""
    side = round(count ** (1 / 3)) + 1
    places = [(3.1 * (n % side), 3.1 * (n // side % side), 3.1 * (n // side**2)) for n in range(count)]
    cluster: Structure = ([], [])
    for place in places:
        cluster = molecules.beside(cluster, molecules.turned(molecules.WATER), list(place))
    return cluster
