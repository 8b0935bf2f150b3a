"""Batch scripts for Slurm that start one worker: those of pools, and that of `nox worker --print-sbatch`."""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.hints import use_redis
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from nox_cli.times import seconds_of
from workers.errors import UsageError
from workers.machine import host
from workers.sizes import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nox_cli.alloc.pool_file import PoolFile
    from nox_cli.config.settings import Settings

PAGE = "docs/hpc.md"
# Slurm sends the signal up to a minute early.  A worker drains and releases its jobs by itself before the
# end; the signal is for one that could not find out the end.
_SIGNAL_S, _LEAST_SIGNAL_S, _SIGNAL_SHARE = 30, 10, 20
# A worker retries for this long if the store is unreachable at its start.
_CONNECT_S = 60
_AUTO, _IDLE_S = "auto", 300
NO_SCRIPT = "no script was written"


class Commands(NamedTuple):
    """The programs that a batch script starts."""

    nox: tuple[str, ...]
    srun: str  # empty: none

    @classmethod
    def here(cls, environ: Mapping[str, str]) -> Commands:
        """Find them: this installation of nox, and the srun of PATH."""
        nox = (sys.executable, "-P", "-m", "nox_cli")
        return cls(nox, shutil.which("srun", path=environ.get("PATH")) or "")


class WorkerScript(NamedTuple):
    """A batch script of one worker, in parts."""

    cores: int
    memory_bytes: int
    time_s: int | None  # None: the limit of the partition
    commands: Commands
    environment: Mapping[str, str]
    arguments: Sequence[str]  # of `nox worker`
    title: str = ""
    options: Mapping[str, str] = {}  # further ones of sbatch; an empty value: it has none
    before: str = ""

    def text(self) -> str:
        """Write the script."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        # A login shell, so that `module` and the user's PATH are there.
        yield "#!/bin/bash -l"
        if self.title:
            yield f"# {self.title}"
        for name, value in self._options().items():
            yield f"#SBATCH --{name}={shlex.quote(value)}" if value else f"#SBATCH --{name}"
        for name, value in self.environment.items():
            yield f"export {name}={shlex.quote(value)}"
        if self.before:
            yield from _guarded(self.before)
        yield f"exec {shlex.join([*self._step(), *self.commands.nox, 'worker', *self.arguments])}"

    def _options(self) -> dict[str, str]:
        signal_s = _SIGNAL_S
        time = {}
        if self.time_s is not None:
            signal_s = max(_LEAST_SIGNAL_S, min(_SIGNAL_S, self.time_s // _SIGNAL_SHARE))
            time["time"] = slurm_time(self.time_s)
        return {
            "nodes": "1",
            "ntasks": "1",
            "cpus-per-task": str(self.cores),
            "mem": f"{-(-self.memory_bytes // MIB)}M",
            **time,
            # Without srun the shell is replaced by the worker, and only `B:` reaches it.
            "signal": f"{'' if self.commands.srun else 'B:'}TERM@{signal_s}",
            "export": "NONE",
            **self.options,
        }

    def _step(self) -> list[str]:
        """Return the words that start a step, to which Slurm sends its signals before it kills.

        `--export=NONE` of sbatch would reach the step too, which then had none of the variables above.
        """
        if not self.commands.srun:
            return []
        size = ("--ntasks=1", f"--cpus-per-task={self.cores}")
        return [self.commands.srun, "--export=ALL", *size, "--kill-on-bad-exit=0"]


def pool_script(file: PoolFile, token: str) -> str:
    """Write the batch script of one allocation of a pool."""
    log = file.log(token).replace("%", "%%")  # Slurm replaces patterns in it
    options = {"no-requeue": "", "open-mode": "append", "output": log}
    return WorkerScript(
        cores=file.cores,
        memory_bytes=file.memory_bytes,
        time_s=file.time_s,
        commands=Commands(file.nox, file.srun),
        environment={**file.environment, "NOX_ALLOCATION": token},
        arguments=(
            f"--cores={file.cores}",
            f"--memory={file.memory_bytes // MIB}M",
            "--time-limit=auto",
            f"--idle-timeout={file.idle_s}",
            f"--connect-timeout={_CONNECT_S}",
            f"--name={file.pool}",
        ),
        title=f"nox alloc: an allocation of pool {file.pool}",
        options={**options, "chdir": file.folder},
        before=file.before,
    ).text()


class WorkerScriptPrinted(NamedTuple):
    """The batch script of one worker, which `nox worker --print-sbatch` writes to standard output."""

    script: str


def worker_script(
    options: Mapping[str, object],
    defaults: Mapping[str, object],
    settings: Settings,
    environ: Mapping[str, str],
) -> WorkerScriptPrinted:
    """Write a batch script for a worker that no pool starts.

    Args:
        options: those of `nox worker`, by name.  Without them it has one core, 2 GiB a core, the time limit
            of its partition, and ends after 5 minutes without a job.
        defaults: their defaults.
        settings: the settings here.
        environ: the environment, on whose PATH srun is looked for.

    Raises:
        UsageError: no other node reaches the store, or an option makes no sense.
        SettingsInvalid: the settings of the store cannot be used.
    """
    environment = worker_environment(settings, NO_SCRIPT)
    given = {name: value for name, value in options.items() if value != defaults[name]}
    cores = int(str(given.get("cores", 1)))
    memory_bytes = int(str(given.pop("memory", cores * DEFAULT_MEMORY_BYTES)))
    limit = str(given.pop("time_limit", _AUTO))
    idle = {} if {"idle_timeout", "burst"} & given.keys() else {"idle_timeout": _IDLE_S}
    fixed = {"cores": cores, "memory": f"{memory_bytes // MIB}M", "time_limit": _AUTO}
    arguments = fixed | {"connect_timeout": _CONNECT_S} | idle | given
    script = WorkerScript(
        cores=cores,
        memory_bytes=memory_bytes,
        time_s=None if limit == _AUTO else whole_minutes(seconds_of(limit)),
        commands=Commands.here(environ),
        environment=environment,
        arguments=[_argument(name, value) for name, value in arguments.items()],
        title="one worker of nox: submit it with sbatch",
    )
    return WorkerScriptPrinted(script.text())


def _argument(name: str, value: object) -> str:
    """Write an option of `nox worker`."""
    option = f"--{name.rstrip('_').replace('_', '-')}"
    return option if value is True else f"{option}={value}"


def whole_minutes(seconds: float) -> int:
    """Round a time limit up to minutes, as Slurm does; in seconds."""
    return -(-round(seconds) // 60) * 60


def worker_environment(settings: Settings, did: str, *, allow_loopback: bool = False) -> dict[str, str]:
    """Return the settings that a worker on another node needs, as variables.

    Args:
        settings: the settings here.
        did: the state after an error, for its message.
        allow_loopback: accept a Redis that only this host reaches.

    Raises:
        UsageError: the jobs are in the local store, only this host reaches the Redis, or its URL contains a
            password.
        SettingsInvalid: the URL or the password file cannot be used.
    """
    from workers.store.redis.address import RedisUrl

    store = settings.store
    redis_url = remote_url(settings, did)
    url = RedisUrl(redis_url)
    if url.has_password:
        raise UsageError(
            "the Redis URL contains a password, which a batch script would show",
            did=did,
            hint="write the password into a file, chmod 600, and name that: NOX_REDIS_PASSWORD_FILE",
        )
    address = url.address(store.password_file)
    if address.is_loopback and not allow_loopback:
        raise UsageError(
            f"the Redis URL names {address.place}, where each node finds itself",
            did=did,
            hint=f"name this host, as in redis://{host()}:{address.port}/{address.database} ({PAGE})",
        )
    found = {
        "REDIS_URL": redis_url,
        "NOX_PREFIX": store.prefix,
        "NOX_USER": settings.owner,
        "NOX_HOME": str(settings.home),
        "NOX_ARTIFACTS": str(settings.artifacts),
    }
    if store.password_file is not None:
        found["NOX_REDIS_PASSWORD_FILE"] = str(store.password_file)
    return found


def remote_url(settings: Settings, did: str) -> str:
    """Return the URL of the Redis of the settings.

    Raises:
        UsageError: the jobs are in the local store.
    """
    if settings.store.redis_url is None:
        # In the settings, where cron finds it too.
        use = use_redis(settings.chosen_local, "nox config set redis_url redis://HOST:6379/0")
        raise UsageError(
            f"the jobs are in the local store {settings.home}, which no other node can read",
            did=did,
            hint=f"{use}; {PAGE} starts a Redis on a login node",
        )
    return settings.store.redis_url


def slurm_time(seconds: int) -> str:
    """Write a duration as Slurm reads it: `1-02:03:04`."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}-{hour:02}:{minute:02}:{second:02}"


def _guarded(before: str) -> Iterator[str]:
    """Run the user's line; if it fails, end with a sentence in the log."""
    yield "{"
    yield before
    yield '} || { echo "nox: the command of --before ended with code $?" >&2; exit 1; }'
