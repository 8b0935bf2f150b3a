"""Slurm as a batch system: requests, lists, cancels and tests batch jobs with Slurm's own programs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from secrets import token_hex
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from workers.batch.system import JOB_PREFIX, BatchJob, BatchJobs, BatchState, NoAnswer, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# Slurm's programs wait for 10 s for slurmctld where nothing else is configured (MessageTimeout); sbatch then
# retries for two minutes if slurmctld is too busy.
ANSWER_S = 30.0
# A line of squeue for one of nox's jobs has 150 bytes.
_MOST_BYTES = 32 << 20
_MOST_WORDS = 500
_LOOKUP = 500  # names in one call of sacct
# An expected start after more time is no expectation: a job without a time limit counts as a year.
_FAR_MS = 365 * 86_400_000
# Variables that are options of Slurm's programs, or belong to the batch job that nox runs in.
_OPTIONS = ("SLURM", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_")
_KEPT = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_SACK_JWKS", "SLURM_SACK_KEY"})

_NAME = rf"{re.escape(JOB_PREFIX)}[A-Za-z0-9_-]{{1,32}}\.[0-9a-f]{{16}}"
_NUMBER = re.compile(r"^(\d{1,10})(?:;.*)?$", re.ASCII | re.MULTILINE)
_TIME = re.compile(r"\d{1,12}", re.ASCII)
_SPEAKER = re.compile(r"^(?:sbatch|squeue|scancel|sacct): (?:error: |fatal: )?", re.MULTILINE)
_ACCOUNTED = re.compile(rf"^(\d+)\|([^|]*)\|([^|]*)\|([^|]*)\|(\d*)\|({_NAME})\|()$", re.ASCII | re.MULTILINE)

# The words of squeue and sacct, from `job_state_string` of Slurm 20.02 to 26.05.
_STATES = {
    "PENDING": BatchState.PENDING,
    "REQUEUED": BatchState.PENDING,
    "REQUEUE_FED": BatchState.PENDING,
    "REQUEUE_HOLD": BatchState.PENDING,
    "RESV_DEL_HOLD": BatchState.PENDING,
    "SPECIAL_EXIT": BatchState.PENDING,  # requeued and held
    "EXPEDITING": BatchState.PENDING,  # requeued, to start before others
    "CONFIGURING": BatchState.RUNNING,  # its nodes boot
    "RUNNING": BatchState.RUNNING,
    "COMPLETING": BatchState.RUNNING,
    "RESIZING": BatchState.RUNNING,
    "SIGNALING": BatchState.RUNNING,
    "STAGE_OUT": BatchState.RUNNING,
    "STOPPED": BatchState.RUNNING,
    "SUSPENDED": BatchState.RUNNING,
    "COMPLETED": BatchState.COMPLETED,
    "FAILED": BatchState.FAILED,
    "TIMEOUT": BatchState.TIMEOUT,
    "DEADLINE": BatchState.TIMEOUT,
    "CANCELLED": BatchState.CANCELLED,
    "REVOKED": BatchState.CANCELLED,  # another cluster of a federation runs it
    "PREEMPTED": BatchState.PREEMPTED,
    "NODE_FAIL": BatchState.NODE_FAILED,
    "BOOT_FAIL": BatchState.NODE_FAILED,
    "OUT_OF_MEMORY": BatchState.OUT_OF_MEMORY,
}

_NO_ACCOUNTS = "accounting storage is disabled"  # sacct, in lower case

# Answers of sbatch, in lower case: texts of src/common/slurm_errno.c, of Slurm 20.02 to 26.05.
# After these a request may have arrived.
_UNSURE = (
    "socket timed out",  # SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT, until 25.05
    "zero bytes were transmitted",  # SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT, until 25.05
    "send failure",  # SLURM_COMMUNICATIONS_SEND_ERROR, SLURMCTLD_…
    "receive failure",  # SLURM_COMMUNICATIONS_RECEIVE_ERROR, SLURMCTLD_…
    "shutdown failure",  # SLURM_COMMUNICATIONS_SHUTDOWN_ERROR, SLURMCTLD_…
    "timed out writing",  # SLURM_COMMUNICATIONS_WRITE_TIMEOUT, since 25.11
    "timed out reading",  # SLURM_COMMUNICATIONS_READ_TIMEOUT, since 25.11
    "delayed socket error",  # SLURM_COMMUNICATIONS_DELAYED_ERROR
    "unexpected message received",  # SLURM_UNEXPECTED_MSG_ERROR
    "insane message length",  # SLURM_PROTOCOL_INSANE_MSG_LENGTH
    "authentication error",  # SLURM_PROTOCOL_AUTHENTICATION_ERROR: munged of either side is down
)
# The same request may be accepted later.
_LIMITS = (
    "accounting/qos policy",  # ESLURM_ACCOUNTING_POLICY, with the limit in the line before
    "connect failure",  # SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR
    "communication connection failure",  # SLURM_COMMUNICATIONS_CONNECTION_ERROR
    "timed out establishing",  # SLURM_COMMUNICATIONS_CONNECT_TIMEOUT, since 25.11
    "standby mode",  # ESLURM_IN_STANDBY_MODE, ESLURM_IN_STANDBY_USE_BACKUP
    "rate limit exceeded",  # SLURMCTLD_COMMUNICATIONS_BACKOFF, …_HARD_DROP
    "temporarily un",  # EAGAIN: `Resource temporarily unavailable`; `temporarily unable to accept job`
    "try again",  # ESLURM_ERROR_ON_DESC_TO_RECORD_COPY: `Unable to create job record`; too many jobs
    "maxjobcount",  # ESLURM_MAX_JOB_COUNT, since 25.11
    "submissions disabled",  # ESLURM_SUBMISSIONS_DISABLED
    "presently disabled",  # ESLURM_DISABLED
    "node not available",  # ESLURM_NODE_NOT_AVAIL: down, drained or reserved
    "nodes are busy",  # ESLURM_NODES_BUSY
    "ports are in use",  # ESLURM_PORTS_BUSY
    "not available now",  # ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE
    "partition not available",  # ESLURM_PARTITION_NOT_AVAIL: inactive or drained
    "partition in down state",  # ESLURM_PARTITION_DOWN
    "reservation is in use",  # ESLURM_RESERVATION_BUSY
    "not usable now",  # ESLURM_RESERVATION_NOT_USABLE
    "maintenance reservation",  # ESLURM_RESERVATION_MAINT
    "usage threshold",  # ESLURM_QOS_THRES
    "licenses currently unavailable",  # ESLURM_LICENSES_UNAVAILABLE
    "powered up nodes",  # ESLURM_MAX_POWERED_NODES
    "error writing script",  # ESLURM_WRITING_TO_FILE: the disk of slurmctld
    "unable to connect to database",  # ESLURM_DB_CONNECTION
    "slurm internal error",  # ESLURM_INTERNAL
)
# A limit on the size of one job (job_state_reason.c): the same request will never be accepted.
_TOO_LARGE = re.compile(r"\b(?:QOS|Assoc)(?:Max\w+Per(?:Job|Node)|Min)\w*")


class _Answer(NamedTuple):
    """The end of a program: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """The errors it wrote, else its output, on one line without the names of programs."""
        text = _SPEAKER.sub("", (self.err.strip() or self.out.strip())[:_MOST_WORDS])
        return "; ".join(filter(None, map(str.strip, text.splitlines())))


class Slurm:
    """Requests, lists and cancels batch jobs of this user in the Slurm cluster of this machine.

    Variables of the environment that are options of Slurm's programs (`SBATCH_PARTITION`, `SQUEUE_FORMAT`)
    have no effect: a request is the same from a terminal and from cron.
    """

    def __init__(self, environ: Mapping[str, str], answer_s: float = ANSWER_S) -> None:
        """Use the cluster of an environment: of its PATH and SLURM_CONF.

        Args:
            environ: the environment.
            answer_s: the time in seconds after which a program is ended that has not answered.
        """
        kept = {name: environ[name] for name in environ if name in _KEPT or not name.startswith(_OPTIONS)}
        self._environ = kept | {"LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"}
        self._answer_s = answer_s

    @property
    def name(self) -> str:
        """Its name and version, as `Slurm 24.11.5`; empty: it does not answer."""
        try:
            answer = self._run("sbatch", "--version")
        except NoAnswer:
            return ""
        return f"Slurm {answer.out.split()[-1]}" if not answer.code and answer.out.strip() else ""

    @property
    def has_accounts(self) -> bool:
        """Whether sacct answers: if not, the end of a batch job is known for minutes only (MinJobAge)."""
        try:
            return not self._run("sacct", "--allocations", "--noheader", "--starttime=now").code
        except NoAnswer:
            return False

    def submit(self, script: str, words: Sequence[str], name: str) -> str:
        """Request a batch job and return its number."""
        answer = self._run("sbatch", "--parsable", *words, f"--job-name={name}", script=script)
        numbers = _NUMBER.findall(answer.out)
        if numbers:
            return str(numbers[-1])
        said = answer.words.lower()
        if answer.code <= 0 or any(text in said for text in _UNSURE):
            raise NoAnswer(f"sbatch gave no number: {answer.words or 'it wrote nothing'}")
        is_limit = any(text in said for text in _LIMITS) and not _TOO_LARGE.search(answer.words)
        raise RequestRefused(answer.words or f"sbatch ended with code {answer.code}", is_limit=is_limit)

    def look(self, names: Collection[str] = ()) -> BatchJobs:
        """List the batch jobs of this user, also those that ended a short time ago."""
        # The names of other jobs may contain anything, but not these random digits.
        mark = token_hex(8)
        answer = self._run(
            "squeue",
            "--noheader",
            f"--user={os.getuid()}",
            "--states=all",
            f"--format={mark}|%i|%T|%S|%e|%C|%j|%r",
            SLURM_TIME_FORMAT="%s",
        )
        if answer.code:
            raise NoAnswer(f"squeue failed: {answer.words}")
        line = rf"^{mark}\|(\d+)\|([^|]*)\|([^|]*)\|([^|]*)\|(\d*)\|({_NAME})\|(.*)$"
        jobs = [_job(found) for found in re.findall(line, answer.out, re.ASCII | re.MULTILINE)]
        unlisted = sorted(set(names) - {job.name for job in jobs})
        accounted = self._accounts(unlisted)
        return _sorted([*jobs, *(accounted or ())], is_complete=accounted is not None)

    def cancel_pending(self, jobs: Sequence[BatchJob]) -> None:
        """Cancel those of these batch jobs that are pending; one that runs is left alone.

        Since Slurm 24.05, slurmctld itself compares the state (`--ctld`); before, a job that starts at that
        moment may be cancelled.
        """
        failed = ""
        for job in jobs:
            only = ("--ctld", f"--user={os.getuid()}", "--state=PENDING", f"--name={job.name}")
            answer = self._run("scancel", *only, job.number)
            said = answer.words.lower()
            if answer.code and "invalid job id" not in said and "already completing" not in said:
                failed = answer.words or f"code {answer.code}"
        if failed:
            raise NoAnswer(f"scancel failed: {failed}")

    def test(self, script: str, words: Sequence[str]) -> str:
        """Return the answer to a request that is not made: its start, or why it would be refused."""
        try:
            answer = self._run("sbatch", "--test-only", *words, script=script)
        except NoAnswer as error:
            return str(error)
        return answer.words or f"sbatch ended with code {answer.code}"

    def _accounts(self, names: Sequence[str]) -> list[BatchJob] | None:
        """Look up names in the accounts, if this cluster has any; None: they cannot be read now."""
        found: list[BatchJob] = []
        if shutil.which("sacct", path=self._environ.get("PATH")) is None:
            return found
        for start in range(0, len(names), _LOOKUP):
            try:
                answer = self._run(
                    "sacct",
                    "--allocations",
                    "--noheader",
                    "--parsable",
                    f"--user={os.getuid()}",
                    # Without states, one that was cancelled while it was held is omitted.
                    "--state=BF,CA,CD,DL,F,NF,OOM,PD,PR,R,TO",
                    "--starttime=now-7days",
                    "--endtime=now+1days",
                    "--format=JobIDRaw,State,Start,End,NCPUS,JobName",
                    f"--name={','.join(names[start : start + _LOOKUP])}",
                    SLURM_TIME_FORMAT="%s",
                )
            except NoAnswer:
                return None
            if _NO_ACCOUNTS in answer.words.lower():
                return []
            if answer.code:
                return None
            found += [_job(fields) for fields in _ACCOUNTED.findall(answer.out)]
        return found

    def _run(self, *words: str, script: str = "", **changes: str) -> _Answer:
        """Run a program to its end.

        Raises:
            NoAnswer: it could not be started, or was ended because it took too long and had no output.
        """
        from concurrent.futures import ThreadPoolExecutor, wait

        until = time.monotonic() + self._answer_s
        try:
            with TemporaryFile() as given:
                given.write(script.encode())
                given.seek(0)
                process = subprocess.Popen(
                    words,
                    env=self._environ | changes,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # all that it starts is ended with it
                )
        except OSError as error:
            raise NoAnswer(f"cannot start {words[0]}: {error.strerror}") from None
        assert process.stdout is not None
        assert process.stderr is not None
        is_ended = False
        with process, ThreadPoolExecutor(2) as readers:
            # One that writes more than is read never ends.
            reads = [readers.submit(pipe.read, _MOST_BYTES) for pipe in (process.stdout, process.stderr)]
            try:
                with suppress(subprocess.TimeoutExpired):
                    is_open = bool(wait(reads, self._answer_s).not_done)
                    process.wait(max(0.0, until - time.monotonic()))
                    is_ended = not is_open
            finally:
                if not is_ended:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        out, err = (read.result().decode(errors="replace") for read in reads)
        answer = _Answer(process.returncode, out, err)
        if not is_ended and not out.strip():
            silence = f"{words[0]} did not answer within {self._answer_s:g} s"
            raise NoAnswer(f"{silence}: {answer.words}" if answer.words else silence)
        return answer


def find_batch_system(environ: Mapping[str, str]) -> Slurm | None:
    """Return the batch system of an environment; None: it has none that nox can use."""
    return Slurm(environ) if shutil.which("sbatch", path=environ.get("PATH", "")) else None


def _job(fields: Sequence[str]) -> BatchJob:
    """Make a batch job of what squeue and sacct list of it."""
    number, state, starts, ended, cores, name, reason = fields
    word, _, why = state.partition(" ")  # `CANCELLED by 1000`
    found = _STATES.get(word, BatchState.UNKNOWN)
    starts_ms = _ms(starts)
    if starts_ms is not None and starts_ms - 1_000 * time.time() > _FAR_MS:
        starts_ms = None
    return BatchJob(
        number=number,
        name=name,
        state=found,
        reason=why if reason in {"", "None"} else reason,
        starts_ms=starts_ms,
        ended_ms=_ms(ended) if found.is_final else None,
        cores=int(cores or 0),
    )


def _ms(seconds: str) -> int | None:
    """Read a time of squeue or sacct: seconds since 1970, `N/A` or `Unknown`."""
    return 1_000 * int(seconds) if _TIME.fullmatch(seconds) else None


def _sorted(jobs: Iterable[BatchJob], *, is_complete: bool) -> BatchJobs:
    """Choose one batch job of each name: the one that runs, else one that is pending, else the newest."""
    ranked = sorted(jobs, key=_rank)
    first = {job.name: job for job in reversed(ranked)}
    doubles = (job for job in ranked if job is not first[job.name] and not job.state.is_final)
    return BatchJobs(first, is_complete, tuple(doubles))


def _rank(job: BatchJob) -> tuple[bool, bool, int]:
    return job.state.is_final, job.state is not BatchState.RUNNING, -int(job.number)
