"""A real Slurm of the tests' own on this machine: munged, slurmctld, several slurmd; accounts."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.support.environment import search_path
from tests.support.processes import descendants, end, with_environment
from tests.support.redis_server import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# On a busy machine; on an idle one a cluster starts in 2 s, with accounts in 4 s.
START_S = 90.0
LIMIT_S = 60.0
_PROGRAMS = ("sbatch", "squeue", "scancel", "sacct", "sacctmgr", "srun", "scontrol", "sinfo")
# Debian has the daemons there, which the PATH of a user may lack.
_DAEMONS = "/usr/sbin"
_COMPLETED = re.compile(r"^JobId=(\d+) .*? Name=(.*) JobState=(\S+) Partition=", re.MULTILINE)
_LISTED = re.compile(r"^(\d+)\|(\w+)\|(.*)$", re.MULTILINE)


class SlurmJob(NamedTuple):
    """A batch job as Slurm knows or knew it."""

    number: str
    name: str
    state: str  # in the word of Slurm: PENDING, RUNNING, COMPLETED, ...


class Slurm:
    """A cluster on this machine, as a context manager; its daemons can be stopped and started one by one.

    Its partitions are `main` (the default) and `urgent` (preempts jobs of `main`).  Its jobs run as this
    user.  Two seconds after its end a job is forgotten (`MinJobAge`); `jobs` lists it nevertheless.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 3,
        cores: int = 4,
        memory_mb: int = 4000,
        preempts: str = "REQUEUE",
        accounts: bool = False,
        **options: str,
    ) -> None:
        """Write the files of a cluster.

        Args:
            folder: for its files.
            nodes: their number; they are named n1, n2, ...
            cores: of each node, whatever this machine has.
            memory_mb: likewise, in mebibytes.
            preempts: what `urgent` does with jobs of `main`: REQUEUE or CANCEL.
            accounts: whether there are accounts, for `sacct` and limits of users and QOS.
            options: of slurm.conf, in place of the usual ones or in addition: `MinJobAge="300"`.  Further
                partitions are `PartitionName="slow Nodes=n3 MaxTime=5"`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.has_accounts = accounts
        self._conf = folder / "slurm.conf"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._cleared = 0  # the number of the newest batch job when it was cleared
        programs = folder / "bin"
        programs.mkdir()
        for name in _PROGRAMS:
            found = shutil.which(name, path=f"{os.defpath}:/usr/local/bin")
            assert found is not None, f"the tests need {name} (Debian: slurm-wlm)"
            (programs / name).symlink_to(found)
        # For a process that uses the cluster: a PATH with Slurm's programs and nox, and SLURM_CONF.
        self.environ = {"PATH": f"{programs}:{search_path()}", "SLURM_CONF": str(self._conf)}
        size = f"CPUs={cores} RealMemory={memory_mb}"
        self._conf.write_text(self._configuration(size, preempts, options))

    def __enter__(self) -> Self:
        """Start the cluster."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the cluster."""
        self.close()

    def start(self) -> None:
        """Start all daemons, and wait until every node takes jobs."""
        files = {
            "key-file": "munge.key",
            "socket": "munge.sock",
            "pid-file": "munge.pid",
            "seed-file": "seed",
        }
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self._launch("munged", "munged", "--foreground", "--force", *options)
        wait_until(lambda: _listens(self.folder / "munge.sock"), START_S, lambda: self.log("munged"))
        if self.has_accounts:
            self._start_accounts()
        self.start_controller()
        for name in self.nodes:
            self.start_node(name)
        wait_until(self._is_idle, START_S, lambda: f"idle nodes:\n{self.log('slurmctld')}")
        if self.has_accounts:
            self.run("sacctmgr", "-i", "add", "account", "nox")
            self.run("sacctmgr", "-i", "add", "user", getpass.getuser(), "account=nox", "defaultaccount=nox")

    def run(self, *words: str, **changes: str) -> str:
        """Run a program of Slurm's and return its output; `changes` are of its environment.

        Raises:
            AssertionError: it failed.
        """
        ended = self.ended(*words, **changes)
        assert ended.returncode == 0, f"{words}: {ended.stderr}"
        return ended.stdout

    def ended(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Slurm's to its end, and return it."""
        return subprocess.run(
            words,
            env=self.environ | changes,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def submit(self, *words: str, command: str = "sleep 600", name: str = "other") -> str:
        """Submit a batch job, and return its number."""
        own = (f"--job-name={name}", f"--output={self.folder}/%j.log", f"--wrap={command}")
        return self.run("sbatch", "--parsable", *words, *own).strip()

    def jobs(self, prefix: str = "") -> list[SlurmJob]:
        """List all batch jobs that are or were since the last `clear`, by number, with their newest state.

        Args:
            prefix: of their names.
        """
        listed = self.run("squeue", "--noheader", "--states=all", "--format=%i|%T|%j")
        completed = self.folder / "completed.txt"
        ended = completed.read_text(errors="replace") if completed.exists() else ""
        found = {number: SlurmJob(number, name, state) for number, name, state in _COMPLETED.findall(ended)}
        found |= {number: SlurmJob(number, name, state) for number, state, name in _LISTED.findall(listed)}
        return [
            found[number]
            for number in sorted(found, key=int)
            if int(number) > self._cleared and found[number].name.startswith(prefix)
        ]

    def wait_state(self, number: str, *states: str, limit_s: float = LIMIT_S) -> None:
        """Wait until a batch job has one of these states."""
        wait_until(
            lambda: any(job.number == number and job.state in states for job in self.jobs()),
            limit_s,
            lambda: f"{states} of {number}: {self.jobs()}",
        )

    def wait_forgotten(self, number: str) -> None:
        """Wait until slurmctld no longer knows a batch job that has ended."""
        wait_until(lambda: number not in self._numbers("all"), LIMIT_S, f"the end of the record of {number}")

    def stop_controller(self) -> None:
        """End slurmctld: no program of Slurm's gets an answer, and jobs continue."""
        self._end("slurmctld")

    def start_controller(self) -> None:
        """Start slurmctld again with the jobs that it knew, and wait for its answer."""
        self._launch("slurmctld", "slurmctld", "-D")
        wait_until(self._answers, START_S, lambda: f"an answer:\n{self.log('slurmctld')}")

    def freeze_controller(self) -> None:
        """Let slurmctld take connections and answer none, until `thaw_controller`."""
        self._running["slurmctld"].send_signal(signal.SIGSTOP)

    def thaw_controller(self) -> None:
        """Let a frozen slurmctld continue."""
        self._running["slurmctld"].send_signal(signal.SIGCONT)

    def fail_node(self, name: str) -> None:
        """Let Slurm take a node for failed, until `repair_node`: its jobs end with NODE_FAIL."""
        self.run("scontrol", "update", f"nodename={name}", "state=down", "reason=test")

    def repair_node(self, name: str) -> None:
        """Let a failed node take jobs again."""
        self.run("scontrol", "update", f"nodename={name}", "state=resume")

    def stop_node(self, name: str) -> None:
        """End the slurmd of a node; its jobs continue."""
        self._end(name)

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        self._launch(name, "slurmd", "-D", "-N", name)

    def clear(self) -> None:
        """Cancel all jobs, repair all nodes, and wait until every node is idle."""
        if "slurmctld" not in self._running:
            self.start_controller()
        self.thaw_controller()
        for name in self.nodes:
            if name not in self._running:
                self.start_node(name)
            self.ended("scontrol", "update", f"nodename={name}", "state=resume")
        self.run("scancel", f"--user={getpass.getuser()}")
        wait_until(
            lambda: self._is_idle() and not self._numbers("pending,running,completing,suspended,requeued"),
            LIMIT_S,
            lambda: f"an idle cluster:\n{self.run('squeue')}\n{self.run('sinfo')}",
        )
        self._cleared = max((int(job.number) for job in self.jobs()), default=self._cleared)

    def close(self) -> None:
        """End all jobs and daemons."""
        if self._running.get("slurmctld"):
            with suppress(AssertionError, subprocess.TimeoutExpired):
                self.clear()
        for name in reversed(list(self._running)):
            self._end(name)
        # Those whose job did not end in time: slurmstepd has the environment of its slurmd.
        for pid in with_environment(f"SLURM_CONF={self._conf}") - {os.getpid()}:
            for one in (*descendants(pid), pid):
                end(one)

    def log(self, name: str) -> str:
        """Read what a daemon has logged: munged, slurmctld, n1, ..."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _start_accounts(self) -> None:
        """Start a database that only has a socket, and slurmdbd over it."""
        data, wire = self.folder / "mariadb", self.folder / "mariadb.sock"
        plain = ("--no-defaults", f"--datadir={data}", f"--user={getpass.getuser()}")
        made = ("mariadb-install-db", *plain, "--skip-test-db")
        with (self.folder / "mariadb.log").open("wb") as log:
            subprocess.run(made, env=self._environ_of_daemons, stdout=log, stderr=log, check=True)
        # MariaDB's client 3.4.10 refuses all results after the first connection to a database failed, as it
        # does where slurmdbd has to create its own.
        first = self.folder / "first.sql"
        first.write_text("create database slurm_acct_db;\n")
        self._launch(
            "mariadb", "mariadbd", *plain, f"--socket={wire}", "--skip-networking", f"--init-file={first}"
        )
        wait_until(lambda: _listens(wire), START_S, lambda: self.log("mariadb"))
        self._launch("slurmdbd", "slurmdbd", "-D")
        wait_until(
            lambda: self.ended("sacctmgr", "-n", "list", "cluster").returncode == 0,
            START_S,
            lambda: self.log("slurmdbd"),
        )

    def _configuration(self, size: str, preempts: str, options: dict[str, str]) -> str:
        """Write slurm.conf, and slurmdbd.conf next to it if there are accounts."""
        host = socket.gethostname().partition(".")[0]
        shared: dict[str, object] = {
            "SlurmUser": getpass.getuser(),
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder / 'munge.sock'}",
        }
        lines = shared | {
            "ClusterName": "nox",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmdUser": getpass.getuser(),
            "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",  # loopback only
            "SlurmctldPort": free_port(),
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool-%n",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "slurmd-%n.pid",
            "SlurmdParameters": "config_overrides",  # the cores and memory of a node need not exist
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "MpiDefault": "none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core_Memory",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=1,bf_interval=1",
            "PreemptType": "preempt/partition_prio",
            "PreemptMode": preempts,
            "ReturnToService": 2,
            "MinJobAge": 2,
            "KillWait": 5,
            "JobCompType": "jobcomp/filetxt",
            "JobCompLoc": self.folder / "completed.txt",
        }
        if self.has_accounts:
            port = free_port()
            lines |= {
                "AccountingStorageType": "accounting_storage/slurmdbd",
                "AccountingStorageHost": "127.0.0.1",
                "AccountingStoragePort": port,
                "AccountingStoragePass": self.folder / "munge.sock",  # its socket, for this plugin
                "AccountingStorageEnforce": "limits,qos",
            }
            accounts = shared | {
                "DbdHost": "localhost",
                "DbdAddr": "127.0.0.1",
                "DbdPort": port,
                "PidFile": self.folder / "slurmdbd.pid",
                "StorageType": "accounting_storage/mysql",
                "StorageHost": "localhost",
                "StorageUser": getpass.getuser(),
            }
            path = self.folder / "slurmdbd.conf"
            path.touch(mode=0o600)
            path.write_text(_lines(accounts))
        for name in self.nodes:
            address = f"NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()}"
            lines[f"NodeName={name} {address} {size} State"] = "UNKNOWN"
        usual = "Nodes=ALL MaxTime=INFINITE State=UP PriorityTier"
        lines[f"PartitionName=main {usual}"] = "1 Default=YES"
        lines[f"PartitionName=urgent {usual}"] = "2 PreemptMode=OFF"
        return _lines(lines | options)

    @property
    def _environ_of_daemons(self) -> dict[str, str]:
        wire = {"MYSQL_UNIX_PORT": str(self.folder / "mariadb.sock")}
        return self.environ | wire | {"PATH": f"{self.environ['PATH']}:{_DAEMONS}"}

    def _launch(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                words, env=self._environ_of_daemons, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        # It ends when a signal interrupts its first exchange with its own child.
        if self._running["slurmctld"].poll() is not None:
            self._launch("slurmctld", "slurmctld", "-D")
        return self.ended("scontrol", "ping").returncode == 0

    def _is_idle(self) -> bool:
        states = self.ended("sinfo", "--noheader", "--Node", "--format=%T").stdout.split()
        return bool(states) and set(states) == {"idle"}

    def _numbers(self, states: str) -> list[str]:
        return self.run("squeue", "--noheader", f"--states={states}", "--format=%i").split()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _lines(settings: Mapping[str, object]) -> str:
    return "".join(f"{key}={value}\n" for key, value in settings.items())
