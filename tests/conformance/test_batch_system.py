"""The contract of a batch system, on a real Slurm."""

from __future__ import annotations

import os
import re
import time
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from tests.support.batch import BatchStandIn
from tests.support.processes import with_environment
from tests.support.programs import write_program
from tests.support.slurm import LIMIT_S
from tests.support.slurm import Slurm as Cluster
from tests.support.waiting import wait_until
from workers.batch.slurm import Slurm, find_batch_system
from workers.batch.system import BatchJob, BatchState, NoAnswer, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.batch import Act

# A batch script as nox writes them, whose command is a variable.
SCRIPT = "#!/bin/sh\n#SBATCH --ntasks=1 --time=30 --mem=100 --no-requeue --output=/dev/null\n"
SLEEP = f"{SCRIPT}sleep 600\n"
LATER = "--begin=now+1hour"


@pytest.fixture
def name() -> str:
    """A name for a batch job, as nox makes them."""
    return f"nox.small.{token_hex(8)}"


@pytest.fixture
def system(slurm: Cluster) -> Slurm:
    """The batch system of the shared cluster."""
    return Slurm(os.environ | slurm.environ)


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that has accounts."""
    with Cluster(tmp_path_factory.mktemp("accounts"), accounts=True, nodes=1) as cluster:
        yield cluster


@pytest.fixture
def stand_in(slurm: Cluster, tmp_path: Path) -> BatchStandIn:
    """Programs that stand before those of the shared cluster."""
    return BatchStandIn(tmp_path / "programs", slurm.environ)


@pytest.fixture
def impatient(slurm: Cluster, tmp_path: Path) -> Slurm:
    """The batch system of the shared cluster, whose programs wait for slurmctld for 2 s instead of 10."""
    conf = tmp_path / "slurm.conf"
    conf.write_text((slurm.folder / "slurm.conf").read_text() + "MessageTimeout=2\n")
    return Slurm(os.environ | slurm.environ | {"SLURM_CONF": str(conf)})


def found(system: Slurm, name: str, *states: BatchState) -> BatchJob:
    """Wait until a batch job is listed in one of these states."""

    def listed() -> BatchJob | None:
        job = system.look().by_name.get(name)
        return job if job is not None and job.state in states else None

    return wait_until(listed, LIMIT_S, lambda: f"{states}: {system.look()}") or pytest.fail("not listed")


def numbers(cluster: Cluster, name: str) -> list[str]:
    """List the batch jobs that ever had a name."""
    return [job.number for job in cluster.jobs() if job.name == name]


def test_the_system_is_found_by_sbatch_on_the_path(slurm: Cluster, tmp_path: Path) -> None:
    """
    A PATH with sbatch has a batch system, whose version is known; another has none.
    """
    system = find_batch_system(slurm.environ)

    assert system is not None
    assert system.name == f"Slurm {slurm.run('sinfo', '--version').split()[-1]}"
    assert find_batch_system({"PATH": str(tmp_path)}) is None
    assert not Slurm({"PATH": str(tmp_path)}).name


def test_a_request_runs_its_script(system: Slurm, slurm: Cluster, name: str, tmp_path: Path) -> None:
    """
    A request returns the number of a batch job of that name, which runs the script.
    """
    number = system.submit(f"{SCRIPT}echo $SLURM_JOB_NAME $SLURM_JOB_ID > {tmp_path}/ran\n", (), name)

    slurm.wait_state(number, "COMPLETED")
    assert (tmp_path / "ran").read_text() == f"{name} {number}\n"


def test_a_request_has_the_words_of_its_user(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    Words of the user count, also those that are in the script, but none changes the name.
    """
    words = ("--partition", "urgent", "-c2", "--mem=200", LATER, "-J", "evil", "--job-name=evil")

    number = system.submit(SLEEP, words, name)

    shown = slurm.run("scontrol", "show", "job", number)
    assert "Partition=urgent" in shown
    assert "CPUs/Task=2" in shown
    assert "mem=200M" in shown
    assert numbers(slurm, name) == [number]


def test_variables_of_slurm_have_no_effect(slurm: Cluster, name: str) -> None:
    """
    Options in the environment, and those of a batch job that nox runs in, change no request and no list.
    """
    hostile = {
        "SBATCH_JOB_NAME": "evil",
        "SBATCH_PARTITION": "nowhere",
        "SBATCH_TEST_ONLY": "1",
        "SLURM_CLUSTERS": "elsewhere",
        "SLURM_JOB_ID": "4711",
        "SLURM_MEM_PER_NODE": "1",
        "SLURM_TIME_FORMAT": "relative",
        "SQUEUE_FORMAT": "%j",
        "SQUEUE_FORMAT2": "Name",
        "SQUEUE_STATES": "FAILED",
        "SQUEUE_USERS": "nobody",
        "SQUEUE_SORT": "nonsense",
        "SCANCEL_STATE": "RUNNING",
        "SCANCEL_INTERACTIVE": "1",
        "LC_ALL": "de_DE.UTF-8",
    }
    system = Slurm(os.environ | slurm.environ | hostile)

    number = system.submit(SLEEP, (LATER,), name)

    job = system.look().by_name[name]
    assert (job.number, job.state, job.cores) == (number, BatchState.PENDING, 1)
    assert abs((job.starts_ms or 0) / 1_000 - time.time() - 3_600) < LIMIT_S
    system.cancel_pending([job])
    found(system, name, BatchState.CANCELLED)


def test_a_batch_job_is_listed_from_request_to_end(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    A batch job is listed with its state, cores, reason, start and end.
    """
    number = system.submit(SLEEP, ("--hold", "--cpus-per-task=2"), name)
    held = BatchJob(number, name, BatchState.PENDING, "JobHeldUser", cores=2)
    assert system.look().by_name[name] == held

    before = time.time() - 1
    slurm.run("scontrol", "release", number)
    running = found(system, name, BatchState.RUNNING)
    assert before <= (running.starts_ms or 0) / 1_000 <= time.time()
    assert running.ended_ms is None

    slurm.run("scancel", number)
    ended = found(system, name, BatchState.CANCELLED)
    assert ended.starts_ms == running.starts_ms
    assert before <= (ended.ended_ms or 0) / 1_000 <= time.time()


@pytest.mark.parametrize(
    ("command", "state", "reason"),
    [
        ("true", BatchState.COMPLETED, ""),
        ("exit 3", BatchState.FAILED, "NonZeroExitCode"),
        ("kill -9 $$", BatchState.FAILED, "RaisedSignal:9(Killed)"),
    ],
)
def test_an_end_is_listed(system: Slurm, name: str, command: str, state: BatchState, reason: str) -> None:
    """
    A batch job that ended a moment ago is listed with its end and the reason.
    """
    system.submit(f"{SCRIPT}{command}\n", (), name)

    job = found(system, name, BatchState.COMPLETED, BatchState.FAILED)

    assert (job.state, job.reason) == (state, reason)


def test_the_end_of_the_time_is_a_timeout(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    A batch job that exceeds its time is listed as such.
    """
    number = system.submit(SLEEP, (), name)
    found(system, name, BatchState.RUNNING)

    slurm.run("scontrol", "update", f"jobid={number}", "endtime=now")

    assert found(system, name, BatchState.TIMEOUT).reason == "TimeLimit"


@pytest.mark.parametrize(
    ("words", "state"),
    [((), BatchState.NODE_FAILED), (("--requeue",), BatchState.PENDING)],
    ids=["left", "requeued"],
)
def test_the_failure_of_a_node(
    system: Slurm, slurm: Cluster, name: str, words: tuple[str, ...], state: BatchState
) -> None:
    """
    A batch job whose node fails has ended, or is pending if it may be requeued.
    """
    system.submit(SLEEP, (*words, "--nodelist=n2"), name)
    found(system, name, BatchState.RUNNING)

    slurm.fail_node("n2")

    found(system, name, state)


@pytest.mark.parametrize(
    ("mode", "state"), [("CANCEL", BatchState.PREEMPTED), ("REQUEUE", BatchState.PENDING)]
)
def test_a_batch_job_is_preempted(
    system: Slurm, slurm: Cluster, name: str, mode: str, state: BatchState
) -> None:
    """
    A batch job that has to leave its node is listed as preempted, or is pending again.
    """
    slurm.run("scontrol", "update", "partitionname=main", f"preemptmode={mode}")
    system.submit(SLEEP, ("--exclusive", "--requeue", "--nodelist=n1"), name)
    found(system, name, BatchState.RUNNING)

    slurm.submit("--partition=urgent", "--exclusive", "--nodelist=n1")

    found(system, name, state)


def test_jobs_of_any_name_are_listed_beside(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    Batch jobs that are not nox's are omitted, whatever is in their names.
    """
    before = system.look().by_name
    number = system.submit(SLEEP, (LATER,), name)
    forged = f"x\n9|RUNNING|1|1|1|{name}|None"
    for other in (forged, f"9|{name}", f"{name}x", f"x{name}", "nox.small.0", "nox.small", "a|b", "ü\t"):
        slurm.submit(LATER, name=other)
    slurm.submit(LATER, "--array=1-20", name=f"nox.small.{token_hex(8)}")

    listed = system.look().by_name
    assert listed.keys() - before.keys() == {name}
    assert listed[name].number == number


def test_a_forgotten_batch_job_is_not_listed(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    Without accounts, a batch job that slurmctld has forgotten is not listed: there is nothing else to read.
    """
    number = system.submit(f"{SCRIPT}true\n", (), name)
    slurm.wait_state(number, "COMPLETED")
    slurm.wait_forgotten(number)

    answer = system.look([name])

    assert not answer.by_name
    assert answer.is_complete
    assert system.look().is_complete


def test_accounts_that_cannot_be_read_are_reported(stand_in: BatchStandIn, name: str) -> None:
    """
    A batch job that is not listed may be in the accounts, unless sacct reports that there are none.
    """
    system = Slurm(os.environ | stand_in.environ)
    stand_in.order("sacct", "refuse", "sacct: error: slurmdbd: Connection refused")

    assert not system.look([name]).is_complete
    assert system.look().is_complete


def test_a_forgotten_batch_job_is_found_in_the_accounts(accounts: Cluster, name: str) -> None:
    """
    With accounts, a batch job that slurmctld has forgotten is listed with its end, if it is looked up.
    """
    system = Slurm(os.environ | accounts.environ | {"SACCT_FORMAT": "User"})
    before = time.time() - 1
    number = system.submit(f"{SCRIPT}exit 3\n", ("--cpus-per-task=2",), name)
    accounts.wait_state(number, "FAILED")
    accounts.wait_forgotten(number)

    unknown = f"nox.small.{token_hex(8)}"
    answer = system.look([name, unknown])

    assert name not in system.look().by_name
    assert answer.is_complete
    assert [*answer.by_name] == [name]
    job = answer.by_name[name]
    assert (job.number, job.state, job.cores) == (number, BatchState.FAILED, 2)
    assert before <= (job.starts_ms or 0) / 1_000 <= (job.ended_ms or 0) / 1_000 <= time.time()


def test_a_cancelled_batch_job_is_found_in_the_accounts(accounts: Cluster, name: str) -> None:
    """
    Batch jobs that were cancelled before they could start are in the accounts, with the user who did it.
    """
    system = Slurm(os.environ | accounts.environ)
    held = f"nox.small.{token_hex(8)}"
    for words, one in ((LATER, name), ("--hold", held)):
        accounts.run("scancel", system.submit(SLEEP, (words,), one))
    for number in (*numbers(accounts, name), *numbers(accounts, held)):
        accounts.wait_forgotten(number)

    listed = system.look([name, held]).by_name

    expected = (BatchState.CANCELLED, f"by {os.getuid()}")
    assert [(listed[one].state, listed[one].reason) for one in (name, held)] == [expected, expected]


def test_what_is_pending_is_cancelled_and_what_runs_is_not(system: Slurm, slurm: Cluster, name: str) -> None:
    """
    Of the batch jobs given, those that run and those that are gone are no error; other names are spared.
    """
    runs, waits = f"nox.small.{token_hex(8)}", f"nox.small.{token_hex(8)}"
    each = (((), runs), ((LATER,), waits), ((LATER,), name))
    jobs = [system.submit(SLEEP, words, one) for words, one in each]
    running = found(system, runs, BatchState.RUNNING)
    pending = system.look().by_name[waits]
    stale = BatchJob(jobs[2], waits, BatchState.PENDING)  # the number is another job's by now

    system.cancel_pending([running, BatchJob("4000000", name, BatchState.PENDING), stale, pending])

    found(system, waits, BatchState.CANCELLED)
    assert [job.state for job in slurm.jobs()] == ["RUNNING", "CANCELLED", "PENDING"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ((), r"Job \d+ to start at \d{4}-\d\d-\d\dT\S+ using 1 processors on nodes n1 in partition main"),
        (("-p", "nowhere"), r".*Invalid partition name specified"),
        (("-c99",), r".*Requested node configuration is not available"),
        (("--time=soon",), r"Invalid --time specification"),
    ],
)
def test_a_request_is_tested(system: Slurm, slurm: Cluster, words: tuple[str, ...], answer: str) -> None:
    """
    The test of a request returns the expected start or the refusal, and requests nothing.
    """
    assert re.fullmatch(answer, system.test(SLEEP, words))

    assert slurm.jobs() == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-p", "nowhere"), "Invalid partition name specified"),
        (("-c99",), "Requested node configuration is not available"),
        (("--mem=1T",), "Requested node configuration is not available"),
        (("-C", "gold"), "Invalid feature specification"),
        (("--gres=gpu:1",), "Invalid generic resource (gres) specification"),
        (("--time=soon",), "Invalid --time specification"),
        (("--frobnicate",), "unrecognized option '--frobnicate'"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_refused(system: Slurm, name: str, words: tuple[str, ...], text: str) -> None:
    """
    A request that Slurm will never accept is refused, in the words of Slurm.
    """
    with pytest.raises(RequestRefused) as refused:
        system.submit(SLEEP, words, name)

    assert text in refused.value.words
    assert not refused.value.words.startswith("sbatch")
    assert not refused.value.is_limit


@pytest.mark.parametrize(
    ("limit", "text", "is_limit"),
    [
        ("MaxSubmitJobsPerUser=0", "QOSMaxSubmitJobPerUserLimit", True),
        ("MaxTRESPerUser=cpu=1", "QOSMaxCpuPerUserLimit", True),
        ("MaxTRESPerJob=cpu=1", "QOSMaxCpuPerJobLimit", False),
        ("MaxWall=1", "QOSMaxWallDurationPerJobLimit", False),
    ],
)
def test_a_limit_of_the_site_is_no_wrong_request(
    accounts: Cluster, name: str, limit: str, text: str, is_limit: bool
) -> None:
    """
    A request beyond a limit on many jobs may be accepted later; one beyond a limit on a single job is wrong.
    """
    system = Slurm(os.environ | accounts.environ)
    qos = ("sacctmgr", "-i", "modify", "qos", "normal", "set")
    accounts.run(*qos, "flags=DenyOnLimit", limit)
    try:
        with pytest.raises(RequestRefused) as refused:
            system.submit(SLEEP, ("--cpus-per-task=2",), name)
    finally:
        accounts.run(*qos, f"{limit.rpartition('=')[0]}=-1")

    assert text in refused.value.words
    assert refused.value.is_limit == is_limit


def test_slurmctld_is_stopped(impatient: Slurm, slurm: Cluster, name: str) -> None:
    """
    Without slurmctld a request was refused for now, and nothing is listed or cancelled.
    """
    slurm.stop_controller()

    with pytest.raises(RequestRefused) as refused:
        impatient.submit(SLEEP, (), name)
    assert refused.value.is_limit
    with pytest.raises(NoAnswer, match="Unable to contact slurm controller"):
        impatient.look()
    with pytest.raises(NoAnswer):
        impatient.cancel_pending([BatchJob("1", name, BatchState.PENDING)])
    assert "Unable to contact slurm controller" in impatient.test(SLEEP, ())
    slurm.start_controller()
    assert not numbers(slurm, name)


def test_slurmctld_answers_too_late(impatient: Slurm, system: Slurm, slurm: Cluster, name: str) -> None:
    """
    A request whose answer does not arrive has an unknown end: here the batch job runs nevertheless.
    """
    slurm.freeze_controller()

    with pytest.raises(NoAnswer, match="timed out"):
        impatient.submit(SLEEP, (), name)

    slurm.thaw_controller()
    found(system, name, BatchState.RUNNING)


@pytest.mark.parametrize("act", ["hang", "swallow"])
def test_a_program_hangs(stand_in: BatchStandIn, slurm: Cluster, name: str, act: Act, tmp_path: Path) -> None:
    """
    A program that does not end in time is ended with all that it started; whether it arrived is unknown.
    """
    environ = os.environ | stand_in.environ | {"MARK": str(tmp_path)}
    limit_s = 10 if act == "swallow" else 2  # a busy Slurm has to take the request within it
    stand_in.order("sbatch", act)
    stand_in.order("squeue", "hang", times=1)

    with pytest.raises(NoAnswer, match=f"sbatch did not answer within {limit_s} s"):
        Slurm(environ, limit_s).submit(SLEEP, (LATER,), name)
    system = Slurm(environ, answer_s=2)

    with pytest.raises(NoAnswer, match="squeue did not answer"):
        system.look()
    assert not with_environment(f"MARK={tmp_path}")
    assert len(numbers(slurm, name)) == (act == "swallow")


@pytest.mark.parametrize("act", ["mute", "garbage"])
def test_an_answer_has_no_number(stand_in: BatchStandIn, slurm: Cluster, name: str, act: Act) -> None:
    """
    A request that is answered without a number may have arrived, or not.
    """
    system = Slurm(os.environ | stand_in.environ)
    stand_in.order("sbatch", act, "Bonjour 4711")

    with pytest.raises(NoAnswer, match="wrote nothing" if act == "mute" else "Bonjour 4711"):
        system.submit(SLEEP, (LATER,), name)

    assert len(numbers(slurm, name)) == (act == "mute")


def test_an_answer_is_found_among_other_lines(stand_in: BatchStandIn, name: str) -> None:
    """
    The number of a batch job is found where a site's own program prints more, or names the cluster.
    """
    system = Slurm(os.environ | stand_in.environ)
    stand_in.order("sbatch", "garbage", "Welcome to nox 1\n4711;cluster\n")

    assert system.submit(SLEEP, (), name) == "4711"


def test_a_request_is_doubled(stand_in: BatchStandIn, slurm: Cluster, name: str) -> None:
    """
    Of two batch jobs of one name the number of the second is returned, and the first is listed as double.
    """
    system = Slurm(os.environ | stand_in.environ)
    stand_in.order("sbatch", "twice")

    number = system.submit(SLEEP, (LATER,), name)

    first, second = numbers(slurm, name)
    answer = system.look()
    assert number == second
    assert answer.by_name[name].number == second
    assert [job.number for job in answer.doubles] == [first]
    system.cancel_pending(answer.doubles)
    wait_until(lambda: not system.look().doubles, LIMIT_S, "one batch job")
    assert found(system, name, BatchState.PENDING).number == second


@pytest.mark.parametrize(
    ("text", "is_limit"),
    [
        ("Slurm temporarily unable to accept job, sleeping and retrying", True),
        ("Batch job submission failed: Resource temporarily unavailable", True),
        ("Batch job submission failed: Slurm backup controller in standby mode", True),
        ("Batch job submission failed: Controller is in standby mode, try a different controller", True),
        ("Batch job submission failed: Unable to create job record, try again", True),
        ("Batch job submission failed: MaxJobCount limit reached", True),
        ("Batch job submission failed: Rate limit exceeded, please retry later", True),
        ("Batch job submission failed: System submissions disabled", True),
        ("Batch job submission failed: Required node not available (down, drained or reserved)", True),
        ("Batch job submission failed: Required partition not available (inactive or drain)", True),
        ("Batch job submission failed: Invalid account or account/partition combination specified", False),
        ("Batch job submission failed: Invalid qos specification", False),
        ("Batch job submission failed: Access/permission denied", False),
        ("Batch job submission failed: User's group not permitted to use this partition", False),
        (
            "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            False,
        ),
        ("all your jobs are belong to us", False),
        ("Batch job submission failed: Socket timed out on send/recv operation", None),
        ("Batch job submission failed: Zero Bytes were transmitted or received", None),
        ("Batch job submission failed: Unable to contact slurm controller (receive failure)", None),
        ("Batch job submission failed: Connection timed out reading", None),
        ("Batch job submission failed: Unexpected message received", None),
        ("Batch job submission failed: Protocol authentication error", None),
    ],
)
def test_a_refusal_is_known_by_its_text(
    stand_in: BatchStandIn, name: str, text: str, is_limit: bool | None
) -> None:
    """
    A refusal is a limit, a wrong request, or an unknown end (None), by the text of Slurm.
    """
    system = Slurm(os.environ | stand_in.environ)
    stand_in.order("sbatch", "refuse", f"sbatch: error: {text}")

    with pytest.raises(NoAnswer if is_limit is None else RequestRefused) as told:
        system.submit(SLEEP, (), name)

    assert str(told.value).endswith(text)
    if isinstance(told.value, RequestRefused):
        assert told.value.is_limit == is_limit


def test_every_state_of_slurm_is_known(tmp_path: Path) -> None:
    """
    The states of Slurm 20.02 to 26.05 are known; any other changes nothing, and a far start is none.
    """
    states = {
        BatchState.PENDING: "PENDING REQUEUED REQUEUE_FED REQUEUE_HOLD RESV_DEL_HOLD SPECIAL_EXIT EXPEDITING",
        BatchState.RUNNING: "CONFIGURING RUNNING COMPLETING RESIZING SIGNALING STAGE_OUT STOPPED SUSPENDED",
        BatchState.COMPLETED: "COMPLETED",
        BatchState.FAILED: "FAILED",
        BatchState.TIMEOUT: "TIMEOUT DEADLINE",
        BatchState.CANCELLED: "CANCELLED REVOKED",
        BatchState.PREEMPTED: "PREEMPTED",
        BatchState.NODE_FAILED: "NODE_FAIL BOOT_FAIL",
        BatchState.OUT_OF_MEMORY: "OUT_OF_MEMORY",
        BatchState.UNKNOWN: "TELEPORTED ? 17",
    }
    expected = {word: state for state, words in states.items() for word in words.split()}
    far = round(time.time()) + 400 * 86_400
    lines = [
        f"{number}|{word}|{far}|N/A|4|nox.small.{number:016x}|a|b" for number, word in enumerate(expected)
    ]
    # The mark is what the format begins with.
    write_program(
        tmp_path / "squeue",
        "#!/bin/sh\nfor word; do case $word in --format=*) mark=${word#--format=};; esac; done\n"
        + "".join(f'echo "${{mark%%|*}}|{line}"\n' for line in lines),
    )

    answer = Slurm({"PATH": f"{tmp_path}:{os.environ['PATH']}"}).look()

    jobs = sorted(answer.by_name.values(), key=lambda job: int(job.number))
    found = dict(zip(expected, jobs, strict=True))
    assert {word: job.state for word, job in found.items()} == expected
    assert found["PENDING"] == BatchJob("0", f"nox.small.{0:016x}", BatchState.PENDING, "a|b", cores=4)


def test_a_program_writes_without_end(name: str, tmp_path: Path) -> None:
    """
    A program that writes without end is ended, and its answer is none.
    """
    for program in ("sbatch", "squeue"):
        write_program(tmp_path / program, "#!/bin/sh\nexec yes nox\n")
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MARK": str(tmp_path)}
    system = Slurm(environ, answer_s=2)

    with pytest.raises(NoAnswer, match="squeue failed: nox; nox"):
        system.look()

    with pytest.raises(NoAnswer, match="sbatch gave no number: nox; nox"):
        system.submit(SLEEP, (), name)
    assert not with_environment(f"MARK={tmp_path}")


def test_batch_system_without_accounts_is_told_from_one_with_them(system: Slurm, accounts: Cluster) -> None:
    """
    Without them the end of a batch job is known for minutes only.
    """
    assert Slurm(os.environ | accounts.environ).has_accounts
    assert not system.has_accounts
