"""The Python API: what it stores, finds, waits for and refuses is what the commands do."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms

import nox_cli.api as nox
from nox_cli.api.keywords import ResultKeywords, SubmitKeywords
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.query import ResultsOptions
from nox_cli.results.thermochemistry import Conditions
from nox_cli.submission.options import StartOptions, SubmitOptions, UniqueOptions
from tests.api.conftest import at_work, entered
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

pytestmark = [
    # Tests start their workers themselves.
    pytest.mark.filterwarnings("ignore:no worker was started:nox_cli.api.NoxWarning"),
    # ASE does with arrays what NumPy 2.5 advises against.
    pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning"),
]
ECHO = {"kind": "echo", "payload": {"x": 1}}


def spec(here: Nox, job: nox.Job) -> dict[str, Any]:
    """Read what was asked for, from the store."""
    with here.store() as store:
        found: dict[str, Any] = json.loads(store.spec(job.id))
    return found


def test_api_submits_what_the_command_submits(here: Nox, water: Path) -> None:
    """
    The same words name the same calculation, resources and labels: the command finds the job by --unique.
    """
    (job,) = nox.submit(
        water,
        opt="tight",
        gfn=1,
        alpb="water",
        uhf=0,
        etemp=310,
        freeze=[1],
        priority=3,
        cores=2,
        memory="4G",
        time="30m",
        retries=1,
        retry_on=["scf", "crashed"],
        tags={"set": "a"},
        unique=True,
    )
    words = "--opt tight --gfn 1 --alpb water -u 0 --etemp 310 --freeze 1 --unique"
    said = here("submit", str(water), *words.split(), "--json", "--no-start", check=True)
    (again,) = json.loads(said.stdout)["jobs"]
    record = job.record()

    assert (job.id, job.number, True) == (again["job_id"], again["number"], again["existing"])
    assert (3, 2, 4 * 1024**3, 1_800) == (
        record["priority"],
        record["cores"],
        record["memory_bytes"],
        record["time_limit_s"],
    )
    assert (1, ["crashed", "scf"], {"set": "a"}) == (record["retries"], record["retry_on"], record["tags"])


def test_keywords_are_the_options_of_the_commands() -> None:
    """
    Each option of `nox submit` and `nox results` has its keyword, and no keyword lacks an option.
    """
    submit = set(SubmitKeywords.__annotations__)
    results = set(ResultKeywords.__annotations__)

    options = {*SubmitOptions._fields, *StartOptions._fields, *UniqueOptions._fields, "start", "durable"}
    assert options - {"tag", "files_from", "from_"} == submit - {"tags", "from_jobs"}
    options = {*ResultsOptions._fields, *ComparisonOptions._fields, *Conditions._fields}
    assert options - {"columns", "unit"} == results


@pytest.mark.parametrize(
    ("keywords", "message", "hint"),
    [
        ({"otp": True}, "there is no option otp", "do you mean opt?"),
        ({"gfn": 3}, "gfn=3: ", ""),
        ({"chrg": "1"}, "chrg='1': ", ""),
        ({"opt": "tigt"}, '"tigt" is none of crude, ', ""),
        ({"memory": "4"}, '"4" is not an amount of memory', "with its unit"),
        ({"engine": "orca"}, '"orca" is none of auto, ', ""),
        ({"opt": True, "hess": True}, "--opt and --hess contradict each other", "ask for one"),
        ({"timeout": 3}, "timeout limits a wait", "wait=True"),
        ({"after": "-"}, "there is no standard input here", ""),
        ({"hold": "no"}, "hold='no': ", ""),
        ({"wait": True, "timeout": timedelta(1)}, "a timedelta is no duration", 'a text such as "30m"'),
        ({"delay": 3, "begin": "06:00"}, "--begin and --delay contradict each other", ""),
        ({"unique": True, "if_exists": "fail"}, '"fail" is none of skip, ', ""),
    ],
)
def test_keywords_that_cannot_be_used(
    here: Nox, water: Path, keywords: dict[str, Any], message: str, hint: str
) -> None:
    """
    They are refused before anything is stored, with a message that names them.
    """
    with pytest.raises(nox.UsageError) as refused:
        nox.submit(water, **keywords)

    assert message in refused.value.message
    assert hint in refused.value.hint
    with here.store() as store:
        assert {} == {state: count for state, count in store.counts().items() if count}


def test_keywords_may_be_numbers_of_numpy(here: Nox, water: Path) -> None:
    """
    Whole numbers and arrays of numpy are taken for those of Python.
    """
    keywords: Any = {"chrg": np.int64(2), "freeze": np.array([1, 3])}
    (job,) = nox.submit(water, opt=True, **keywords)
    asked = spec(here, job)

    assert (2, [1, 3]) == (asked["charge"], asked["frozen_atoms"])


def test_atoms_keep_symbols_positions_and_name(here: Nox) -> None:
    """
    Positions are those of the Atoms to the last bit; the name is that of `info`, else the formula.
    """
    first, second = molecule("CH3CH2OH"), molecule("H2O")
    first.info["name"] = "ethanol"
    batch = nox.submit([first, second])
    asked = spec(here, batch[0])["structure"]

    assert ["ethanol", "H2O"] == [job.name for job in batch]
    assert first.get_chemical_symbols() == asked["symbols"]
    assert first.positions.tolist() == asked["positions_angstrom"]


@pytest.mark.parametrize(
    ("info", "charges", "moments", "expected"),
    [
        ({}, None, None, (0, 0)),
        ({"charge": 1, "multiplicity": 2}, None, None, (1, 1)),
        ({"charge": -1, "uhf": 3}, [1, 0, 0], [1, 0, 0], (-1, 3)),
        ({}, [-0.5, -0.25, -0.25], [1.0, 0, 0], (-1, 1)),
        ({}, None, [-2.0, 0, 0], (0, 2)),
    ],
)
def test_atoms_have_charge_and_spin(
    here: Nox, info: dict[str, int], charges: Any, moments: Any, expected: tuple[int, int]
) -> None:
    """
    Those of `info` come before the sums of initial charges and moments.
    """
    water = Atoms("OH2", positions=molecule("H2O").positions, charges=charges, magmoms=moments)
    water.info.update(info)
    (job,) = nox.submit(water)
    asked = spec(here, job)

    assert expected == (asked["charge"], asked["unpaired"])


def test_atoms_with_a_cell_are_a_crystal(here: Nox) -> None:
    """
    A cell that is periodic along all three vectors is kept; one along two is refused.
    """
    crystal = bulk("Si", "diamond", a=5.43, cubic=True)
    (job,) = nox.submit(crystal, gfn=1)
    assert crystal.cell.array.tolist() == spec(here, job)["structure"]["lattice_angstrom"]

    crystal.pbc = (True, True, False)
    with pytest.raises(nox.InputRefused, match="Si8"):
        nox.submit(crystal, gfn=1)


def test_atoms_that_cannot_be_computed(here: Nox) -> None:
    """
    Constraints, half charges and an odd number of electrons are refused; nothing of the batch is stored.
    """
    water, fixed, half = molecule("H2O"), molecule("H2O"), molecule("H2O")
    fixed.set_constraint(FixAtoms([0]))
    half.set_initial_charges([0.5, 0, 0])
    odd = molecule("H2O")
    odd.info["charge"] = 1
    for wrong, words in ((fixed, "constraints"), (half, "sum to 0.5"), (odd, "9 electrons")):
        with pytest.raises(nox.InputRefused, match=words) as refused:
            nox.submit([water, wrong])
        assert "nothing was submitted" in refused.value.message

    with here.store() as store:
        assert not sum(store.counts().values())


@pytest.mark.usefixtures("here")
def test_inputs_of_other_types_are_refused() -> None:
    """
    What is neither path, Atoms nor request is named by its type; a request that is wrong, by its place.
    """
    wrongs: list[Any] = [3, b"water.xyz", "-", [None]]
    for wrong in wrongs:
        with pytest.raises(nox.UsageError, match="is no structure"):
            nox.submit(wrong)
    with pytest.raises(nox.InputRefused, match=r"request \[1\]"):
        nox.submit([ECHO, {"kind": "ehco"}])
    with pytest.raises(nox.InputRefused, match="a text of several lines is no path"):
        nox.submit("1\n\nHe 0 0 0\n")
    with pytest.raises(nox.NothingMatched, match="no input"):
        nox.submit([])
    vectors = Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]])
    vectors.set_initial_magnetic_moments(np.ones((2, 3)))
    with pytest.raises(nox.InputRefused, match="moments are vectors"):
        nox.submit(vectors)


@pytest.mark.usefixtures("here")
def test_a_batch_is_shown_by_its_numbers() -> None:
    """
    It is written with the numbers of its jobs, of which there may be one; numpy's integers name jobs too.
    """
    nox.submit(ECHO, hold=True)
    nox.submit([ECHO, ECHO], hold=True, batch="pair")
    number: Any = np.int64(1)

    assert "<Batch 1 job, 1>" == repr(nox.jobs(number))
    assert "<Batch pair: 2 jobs, 2 to 3>" == repr(nox.jobs("@batch:pair"))


def test_refusals_are_shown_whole_in_a_traceback(here: Nox, water: Path) -> None:
    """
    Python writes what nox did and what to do below the error.
    """
    with pytest.raises(nox.InputRefused) as refused:
        nox.submit(water, chrg=1)
    lines = traceback.format_exception_only(refused.value)

    assert ["nothing was submitted\n", f"hint: {refused.value.hint}\n"] == lines[1:]
    assert refused.value.message in here("submit", str(water), "-c", "1").stderr


def test_many_refusals_are_details(here: Nox, tmp_path: Path) -> None:
    """
    Each of several refused inputs is in `details`, as in the JSON error of the command.
    """
    paths = [tmp_path / f"{name}.xyz" for name in "ab"]
    for path in paths:
        path.write_text("1\n\nQq 0 0 0\n")
    with pytest.raises(nox.InputRefused) as refused:
        nox.submit(paths)
    error = json.loads(here("submit", *map(str, paths), "--json").stderr)["error"]

    assert error["details"] == list(refused.value.details)
    assert [0, 1] == [one.index for one in refused.value.each]
    assert (error["code"], error["message"]) == (refused.value.code, refused.value.message)


def test_batch_from_submit_to_results(here: Nox, water: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """
    Waiting, events, results, files and logs of jobs that ran; nothing is printed, no signal handler is set.
    """
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    at_work(here, "--slots", "2")
    batch = nox.submit([water, molecule("H2O")], opt=True, batch="pair")
    events = list(batch.events())
    counts = batch.wait(60)
    results = batch.results(boltzmann=True, sort="relative")
    lowest = results[0]
    table = results.to_pandas()

    assert {JobState.DONE} == {event.state for event in events[-1:]}
    assert {job.number for job in batch} == {event.number for event in events}
    assert (0, 0, 2, 0, 0) == counts == batch.status()
    assert counts.is_over
    assert lowest.energy_hartree is not None
    assert (0.0, 2) == (lowest.relative_kcal_per_mol, len(results))
    assert list(results.columns) == list(table.columns)
    assert [one.energy_hartree for one in results] == table["energy_hartree"].tolist()
    assert lowest.atoms.get_potential_energy() == pytest.approx(27.2114 * lowest.energy_hartree, rel=1e-5)
    assert 3 == len(lowest.atoms) == len(lowest.atoms.get_forces())
    assert molecule("H2O").positions.tolist() == batch.results()[1].start_atoms.positions.tolist()
    assert str(results).startswith(f"{lowest.number}  ")
    assert {"opt.xyz", "engine.log", "result.json"} <= set(batch[0].files)
    assert batch[0].files["opt.xyz"].bytes() == batch[0].files["opt.xyz"].open().read()
    assert batch[0].log()
    assert "completed" == batch[0].status()["state"] == batch[0].state
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert ("", "") == capfd.readouterr()


def test_forces_point_to_the_bonded_atom(here: Nox) -> None:
    """
    A hydrogen that was pulled away is drawn back: forces are the negative gradient.
    """
    at_work(here, "--slots", "1")
    water = molecule("H2O")
    bond = water.positions[1] - water.positions[0]
    water.positions[1] += 0.3 * bond
    batch = nox.submit(water, grad=True)
    batch.wait(60)
    forces = batch.results()[0].atoms.get_forces()

    assert forces[1] @ bond < -1
    assert np.abs(forces.sum(axis=0)).max() < 1e-3


def test_results_without_numbers(here: Nox) -> None:
    """
    An echo job has its payload and no energy, which is not a number in a table; one that waits is left out.
    """
    at_work(here, "--slots", "1")
    done = nox.submit(ECHO)
    done.wait(60)
    held = nox.submit(ECHO, hold=True)
    results = nox.jobs(done, held).results()

    assert {"x": 1} == results[0].payload
    assert results.to_pandas()["energy_hartree"].isna().all()
    assert 1 == results.left_out[nox.jobs(held)[0].state]
    with pytest.raises(nox.NothingMatched, match="no geometry"):
        _ = results[0].atoms


def test_failures_are_explained(here: Nox, water: Path) -> None:
    """
    A failed job has its reason and what helps; from its last geometry it completes.
    """
    at_work(here, "--slots", "1")
    batch = nox.submit(water, opt="extreme", cycles=2)
    batch.wait(60)
    (failure,) = batch.failures()
    again = batch.restart()

    assert ("failed", "not_converged") == (failure.state, failure.reason)
    assert (f"nox retry {failure.job.number} --from-last-geometry",) == failure.commands
    assert str(failure).startswith(f"{failure.job.number} water failed: not converged")
    assert [failure.job.name] == [job.name for job in again]
    assert again.wait(60).is_over


def test_wait_can_be_interrupted_and_repeated(here: Nox) -> None:
    """
    Ctrl-C ends a wait and no job; another wait sees the job through, over the same client.
    """
    batch = nox.submit(ECHO, hold=True)
    waiter = threading.get_ident()

    def is_waiting() -> bool:
        stack = traceback.extract_stack(sys._current_frames()[waiter])
        return any(frame.filename.endswith("watch/follower.py") and frame.name == "_page" for frame in stack)

    def interrupt() -> None:
        wait_until(is_waiting, 60, "a wait for events")
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        batch.wait(60)
    interrupter.join()
    assert 1 == batch.status().pending

    batch.release()
    at_work(here, "--slots", "1")
    assert 1 == batch.wait(60).completed


@pytest.mark.usefixtures("here")
def test_wait_that_times_out() -> None:
    """
    It raises an error that is a TimeoutError, too, and the job is still there.
    """
    batch = nox.submit(ECHO, hold=True)
    with pytest.raises(TimeoutError, match="1 of 1 jobs left") as error:
        batch.wait(0.1)
    with pytest.raises(nox.WaitTimedOut):
        nox.submit(ECHO, hold=True, wait=True, timeout="1s")
    assert isinstance(error.value, nox.WaitTimedOut)
    assert ("wait_timed_out", "they continue") == (error.value.code, error.value.did)
    assert 1 == batch.status().pending


def test_changes_of_a_batch(here: Nox) -> None:
    """
    Hold, release, cancel and retry change the jobs, and return what became of each.
    """
    batch = nox.submit([ECHO, ECHO])

    assert [JobState.HELD] * 2 == [one.after for one in batch.hold().changes]
    assert [JobState.QUEUED] * 2 == [one.after for one in batch.release().changes]
    assert [JobState.CANCELLED] * 2 == [one.after for one in batch.cancel().cancellations]
    assert 2 == batch.status().cancelled
    assert [True, True] == [one.changed for one in batch.retry().changes]
    assert len(here.history(batch[0].id)) > 3


@pytest.mark.usefixtures("here")
def test_changes_of_other_users_are_refused() -> None:
    """
    Jobs of another user are left alone, all of them, unless that is asked for.
    """
    batch = nox.submit([ECHO, ECHO])
    with nox.Client(owner="somebody-else") as other:
        theirs = other.jobs(batch)
        with pytest.raises(nox.UsageError, match="belong to") as refused:
            theirs.cancel()
        assert ("nothing was cancelled", 2) == (refused.value.did, batch.status().pending)

        theirs.cancel(any_user=True)
    assert 2 == batch.status().cancelled


@pytest.mark.usefixtures("here")
def test_jobs_are_found_again() -> None:
    """
    By number, id, batch and group, and as what earlier calls returned.
    """
    batch = nox.submit([ECHO, ECHO], batch="pair")
    numbers = [job.number for job in batch]

    for found in (
        nox.jobs(),
        nox.jobs(*map(str, numbers)),
        nox.jobs("@batch:pair"),
        nox.jobs(batch),
        nox.jobs(list(batch)),
    ):
        assert batch.job_ids == found.job_ids
    assert "pair" == nox.jobs("@batch:pair").name == batch.name
    assert batch[1].id == nox.job(str(batch[1].number)).id
    with pytest.raises(nox.JobNotFound):
        nox.job(999)
    with pytest.raises(nox.UsageError, match="2 jobs"):
        nox.job("@batch:pair")


def test_jobs_wait_for_others(here: Nox, water: Path) -> None:
    """
    `after` blocks jobs, and `from_jobs` takes the geometry of each; both take batches.
    """
    first = nox.submit([water], opt=True)
    second = nox.submit(from_jobs=first, hess=True)
    third = nox.submit(ECHO, after_any=[first, second[0]])

    assert {"blocked"} == {job.record()["raw_state"] for job in (*second, *third)}
    assert first[0].id == spec(here, second[0])["source"]["job"]
    with here.store() as store:
        assert {first[0].id, second[0].id} == {one.job_id for one in store.parents(third[0].id)}


@pytest.mark.usefixtures("here")
def test_check_takes_the_arguments_of_submit(water: Path) -> None:
    """
    It finds the jobs to wait for and to start from, and refuses what `submit` would refuse of them.
    """
    first = nox.submit(water, hold=True)
    taken = nox.check(from_jobs=first, after=first, delay=60, hold=True, unique=True, start=False)

    assert ["water"] == taken
    with pytest.raises(nox.JobNotFound):
        nox.check(water, after=99)
    with pytest.raises(nox.NothingMatched):
        nox.check(from_jobs=[])
    assert 1 == len(nox.jobs("@all"))


def test_check_submits_nothing(here: Nox, water: Path) -> None:
    """
    It returns the names of the jobs there would be, and refuses what a submit would refuse.
    """
    assert ["water", "H2O"] == nox.check([water, molecule("H2O")], opt=True)
    with pytest.raises(nox.InputRefused):
        nox.check(water, chrg=1)
    with here.store() as store:
        assert not sum(store.counts().values())


@pytest.mark.usefixtures("here")
def test_clients_are_for_several_threads() -> None:
    """
    Threads that submit and read at once through one client have a job each.
    """
    with nox.Client() as client, ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda n: client.submit({**ECHO, "name": f"job-{n}"}), range(16)))
        names = list(pool.map(lambda batch: batch[0].record()["name"], batches))

    assert [f"job-{n}" for n in range(16)] == names
    assert 16 == len({batch[0].number for batch in batches})


def test_the_environment_decides_at_each_call(
    nox_home: Nox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The functions of the module use the store that is named when they are called.
    """
    entered(nox_home, monkeypatch)
    first = nox.submit(ECHO, start=False)
    monkeypatch.setenv("NOX_HOME", str(tmp_path / "other"))
    second = nox.submit([ECHO, ECHO], start=False)

    assert (1, 2) == (first.status().pending, second.status().pending)
    assert 1 == second[0].number
    with nox.Client(home=nox_home.home) as client:
        assert first.job_ids == client.jobs().job_ids


def test_a_worker_is_started_as_by_the_command(nox_home: Nox, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With the local store a submit starts a worker in the background, which runs the job.
    """
    entered(nox_home, monkeypatch)

    assert 1 == nox.submit(ECHO).wait(60).completed


@pytest.mark.parametrize("package", ["ase", "pandas"])
def test_packages_that_are_missing(here: Nox, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """
    Only what needs ASE or pandas is refused without it, with the command that installs it.
    """
    at_work(here, "--slots", "1")
    batch = nox.submit(molecule("H2O"))
    batch.wait(60)
    results = batch.results()
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ImportError) as refused:
        _ = results[0].atoms if package == "ase" else results.to_pandas()
    assert isinstance(refused.value, nox.PackageMissing)
    assert (f"pip install {package}", "package_missing") == (refused.value.hint, refused.value.code)


def test_warnings_are_of_their_own_class(here: Nox, water: Path) -> None:
    """
    What the command writes to stderr of a submit is a warning.
    """
    at_work(here, "--slots", "1", "--cores", "1")
    with pytest.warns(nox.NoxWarning, match="will wait"):
        nox.submit(water, cores=500)


def test_a_submit_uses_no_profile_of_the_user(here: Nox, water: Path) -> None:
    """
    The API submits what its caller states: no profile of the user's settings is in force by itself.
    """
    here("config", "set", "profile.default.cores", "4", check=True)
    (job,) = nox.submit(water)

    with here.store() as store:
        assert 1 == store.get(job.id).cores
