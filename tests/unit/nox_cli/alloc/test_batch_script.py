"""Batch scripts: nothing in them is read as something else, by the shell or by sbatch."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from nox_cli.alloc.batch_script import PAGE, pool_script, slurm_time, worker_environment, worker_script
from nox_cli.argv import Call
from nox_cli.config.settings import Settings, load
from nox_cli.run.worker import WorkerOptions
from tests.unit.nox_cli.alloc.test_pool_file import FILE
from workers.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0123456789abcdef"
ODD = """it's "a" $HOME `id` \\ #x %j * é"""


def head(script: str) -> list[str]:
    """Read the options of a script for sbatch."""
    return [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH ")]


def settings(tmp_path: Path, **environ: str) -> Settings:
    """Read the settings of an environment."""
    return load({"HOME": str(tmp_path), "NOX_HOME": str(tmp_path / "state")} | environ, Call("alloc", ()))


def test_the_script_of_a_pool_asks_for_one_node_of_its_size() -> None:
    """
    It is not requeued, has a log of its own, and nothing of the environment of its request.
    """
    script = pool_script(FILE, TOKEN)

    assert [
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=8",
        "--mem=16384M",
        "--time=0-04:00:00",
        "--signal=TERM@30",
        "--export=NONE",
        "--no-requeue",
        "--open-mode=append",
        f"--output={FILE.folder}/{TOKEN}.log",
        f"--chdir={FILE.folder}",
    ] == head(script)
    lines = script.splitlines()
    assert f"export NOX_ALLOCATION={TOKEN}" in lines
    assert "exec /usr/bin/srun --export=ALL --ntasks=1 --cpus-per-task=8 --kill-on-bad-exit=0 " in lines[-1]
    assert lines[-1].endswith(
        "/opt/nox/bin/python -P -m nox_cli worker --cores=8 --memory=16384M --time-limit=auto "
        "--idle-timeout=120 --connect-timeout=60 --name=small"
    )


def test_the_script_of_a_pool_without_srun_gets_the_signal_itself() -> None:
    """
    Slurm signals the batch script, which the worker has replaced.
    """
    script = pool_script(msgspec.structs.replace(FILE, srun=""), TOKEN)

    assert "--signal=B:TERM@30" in head(script)
    assert script.splitlines()[-1].startswith("exec /opt/nox/bin/python ")


@pytest.mark.parametrize(("time_s", "signal"), [(180, 10), (600, 30), (86_400, 30)])
def test_the_script_of_a_short_pool_is_signalled_late(time_s: int, signal: int) -> None:
    """
    A job that still fits is not cut short, although Slurm may send the signal a minute early.
    """
    assert f"--signal=TERM@{signal}" in head(pool_script(msgspec.structs.replace(FILE, time_s=time_s), TOKEN))


def test_the_script_of_a_pool_passes_odd_values_on_unchanged(tmp_path: Path) -> None:
    """
    Variables and words arrive as they are; the line of --before is the user's own, and runs first.
    """
    shown = (
        sys.executable,
        "-c",
        "import os, sys; print(repr((os.environ['ODD'], os.environ['BEFORE'], sys.argv[1])))",
        ODD,
    )
    file = msgspec.structs.replace(
        FILE, srun="", nox=shown, environment={"ODD": ODD}, before="export BEFORE=$ODD  # }"
    )
    script = tmp_path / "script"
    script.write_text(pool_script(file, TOKEN))

    ended = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)

    assert repr((ODD, ODD, ODD)) + "\n" == ended.stdout


def test_the_script_of_a_pool_ends_where_its_line_fails(tmp_path: Path) -> None:
    """
    The worker would lack what the line should have brought; the log says so.
    """
    file = msgspec.structs.replace(FILE, srun="", nox=("echo", "began"), before="module load nothing; false")
    script = tmp_path / "script"
    script.write_text(pool_script(file, TOKEN))

    ended = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=False)

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "nox: the command of --before ended with code 1" in ended.stderr


def test_a_path_with_a_percent_sign_is_no_pattern() -> None:
    """
    Slurm would replace %j by the number of the job.
    """
    script = pool_script(msgspec.structs.replace(FILE, folder="/home/%u/100%/pools"), TOKEN)

    assert f"--output=/home/%%u/100%%/pools/{TOKEN}.log" in head(script)
    assert "--chdir=/home/%u/100%/pools" in head(script)


def test_the_script_of_a_worker_has_its_options(tmp_path: Path) -> None:
    """
    Cores, memory and time limit become the size of the allocation, all others are passed on.
    """
    found = settings(tmp_path, REDIS_URL="redis://head:6379/0", PATH="/nowhere")
    options = WorkerOptions(cores=8, time_limit="90m", slots=2, burst=True, drain_timeout=10.0, name="a b")
    script = worker_script(options._asdict(), WorkerOptions._field_defaults, found, {"PATH": ""}).script

    assert {"--cpus-per-task=8", "--mem=16384M", "--time=0-01:30:00", "--signal=B:TERM@30"} < set(
        head(script)
    )
    last = script.splitlines()[-1]
    assert {"--cores=8", "--memory=16384M", "--time-limit=auto", "--burst"} < set(last.split())
    assert {"--slots=2", "--drain-timeout=10.0", "'--name=a", "b'"} < set(last.split())
    assert "--idle-timeout" not in last


def test_the_script_of_a_worker_without_options_is_small(tmp_path: Path) -> None:
    """
    Any partition has a core and 2 GiB; the time limit is that of the partition, and an idle worker ends.
    """
    found = settings(tmp_path, REDIS_URL="redis://head:6379/0")
    script = worker_script(WorkerOptions()._asdict(), WorkerOptions._field_defaults, found, {}).script

    assert {"--cpus-per-task=1", "--mem=2048M"} < set(head(script))
    assert not [line for line in head(script) if line.startswith("--time")]
    assert "--time-limit=auto" in script
    assert "--idle-timeout=300" in script


def test_the_environment_of_a_worker_has_all_settings(tmp_path: Path) -> None:
    """
    No file of the node can change them, and there is no password.
    """
    secret = tmp_path / "password"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    found = settings(
        tmp_path,
        REDIS_URL="redis://head:6379/0",
        NOX_REDIS_PASSWORD_FILE=str(secret),
        NOX_PREFIX="p:",
        NOX_USER="ada",
    )

    assert {
        "REDIS_URL": "redis://head:6379/0",
        "NOX_PREFIX": "p:",
        "NOX_USER": "ada",
        "NOX_HOME": str(tmp_path / "state"),
        "NOX_ARTIFACTS": str(tmp_path / "state/artifacts"),
        "NOX_REDIS_PASSWORD_FILE": str(secret),
    } == worker_environment(found, "")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "local store"),
        ({"REDIS_URL": "redis://localhost:6379/0"}, "where each node finds itself"),
        ({"REDIS_URL": "redis://127.1.2.3"}, "where each node finds itself"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "where each node finds itself"),
        ({"REDIS_URL": "redis://:s3cret@head:6379/0"}, "contains a password"),
        ({"REDIS_URL": "redis://head:6379/0?password=s3cret"}, "contains a password"),
    ],
    ids=str,
)
def test_the_environment_of_a_worker_that_no_node_could_use_is_refused(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    """
    With what to do, and never with the password.
    """
    found = settings(tmp_path, **environ)

    with pytest.raises(UsageError, match=words) as refused:
        worker_environment(found, "nothing was done")
    assert refused.value.hint
    assert "s3cret" not in refused.value.message + refused.value.hint
    if "NOX_REDIS_PASSWORD_FILE" not in refused.value.hint:
        assert PAGE in refused.value.hint


def test_a_loopback_is_accepted_where_every_node_is_this_host(tmp_path: Path) -> None:
    """
    By --allow-loopback.
    """
    found = settings(tmp_path, REDIS_URL="redis://localhost:6379/0")
    environment: dict[str, Any] = worker_environment(found, "", allow_loopback=True)

    assert "redis://localhost:6379/0" == environment["REDIS_URL"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(180, "0-00:03:00"), (93_784, "1-02:03:04"), (366 * 86_400, "366-00:00:00")]
)
def test_a_duration_is_written_as_slurm_reads_it(seconds: int, words: str) -> None:
    """
    Days, hours, minutes, seconds.
    """
    assert words == slurm_time(seconds)
