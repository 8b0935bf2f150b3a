"""`nox doctor`: everything is looked at, nothing is changed, and it ends, whatever is broken."""

from __future__ import annotations

import hashlib
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import redis

from nox_cli.doctor.machine import check_completion, check_machine, check_place
from nox_cli.exits import ExitCode
from tests.support.clock import Clock
from tests.support.doctor import examine, examine_without_engines
from tests.support.nox import COMMAND
from tests.support.redis_server import free_port
from tests.support.stores import submit_named
from workers.engine.registry import installed
from workers.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.nox import Nox
    from workers.store.base import Store

HERE = {"settings", "engines", "cores", "memory", "stack", "clock", "place", "completion", *installed()}

SLURM = {"SLURM_JOB_ID": "4711", "SLURMD_NODENAME": "node3"}


def tree(folder: Path) -> dict[str, str]:
    """Name every file below a folder with its content's digest."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_doctor_where_all_is_well_there_is_no_problem(any_nox: Nox, any_store: Store) -> None:
    """
    With a store, a worker and engines, every check has a verdict and the exit code is 0.
    """
    worker = any_nox.worker("--slots", "1")
    worker.wait_log("slot")
    any_nox("submit", "--kind", "echo", "--payload", "1", "--wait", check=True)
    report = examine(any_nox)

    assert (ExitCode.DONE, []) == (report.exit, report.problems)
    assert any_store.where in report.one("store")["found"]
    assert "1 alive" in report.one("workers")["found"]
    assert {"ok"} == set(report.verdicts("records", "waiting", "running", "artifacts", *installed()))
    assert HERE - {"engines"} <= {check["name"] for check in report.checks}


def test_doctor_each_finding_has_four_fields_and_one_line(nox: Nox, store: Store) -> None:
    """
    A finding as JSON is name, verdict, found and hint; names are words for scripts, texts are single lines.
    """
    submit_named(store, "a")
    for check in examine_without_engines(nox).checks:
        assert ["name", "verdict", "found", "hint"] == list(check)
        assert check["name"].translate(str.maketrans("_-", "aa")).isalpha()
        assert check["verdict"] in {"ok", "warning", "problem"}
        assert check["found"].strip()
        assert [] == [text for text in check.values() if "\n" in text]
        assert check["hint"] or check["verdict"] != "problem"


def test_people_read_a_line_a_check_and_what_to_do(nox: Nox, store: Store) -> None:
    """
    As text each finding is a line that begins with its verdict; below a problem stands what to do.
    """
    submit_named(store, "a")
    lines = nox("doctor").stdout.splitlines()

    (at,) = [number for number, line in enumerate(lines) if line.startswith("problem")]
    assert "waiting" == lines[at].split()[1]
    assert "-> start one: nox worker" == lines[at + 1].strip()
    assert "1 problem" == lines[-1]
    assert {"ok", "problem", "->", "1"} == {line.split()[0] for line in lines}


def test_verdicts_have_colours_where_they_are_wanted(nox: Nox) -> None:
    """
    With --color always each line begins with a coloured verdict; in a pipe nothing is coloured by itself.
    """
    lines = nox("doctor", "--color", "always").stdout.splitlines()

    assert "\x1b[32mok" == lines[0][:7]


def test_doctor_nothing_is_made_where_there_is_no_store(nox: Nox) -> None:
    """
    Without a local store there is nothing wrong, and none is made.
    """
    home = nox.home / "deep/state"
    report = examine(nox, env={"NOX_HOME": str(home)})

    assert (ExitCode.DONE, []) == (report.exit, report.problems)
    assert f"local: none in {home} yet; the first submit makes it" == report.one("store")["found"]
    assert [] == list(nox.home.iterdir())


def test_doctor_nothing_is_changed_in_a_local_store(nox: Nox, store: Store) -> None:
    """
    Every file is the same afterwards, byte by byte, and no worker was started.
    """
    submit_named(store, "a")
    store.close()
    before = tree(nox.home)
    examine(nox, env={"NOX_AUTOSTART": "always"})

    assert before == tree(nox.home)
    assert set() == nox.processes()


def test_doctor_nothing_is_changed_in_redis(redis_nox: Nox, any_store_of_redis: Store) -> None:
    """
    Redis counts no write while doctor looks at it.
    """
    submit_named(any_store_of_redis, "a")
    before = changes(redis_nox)
    examine(redis_nox)

    assert before == changes(redis_nox)


def changes(nox: Nox) -> tuple[int, dict[bytes, bytes]]:
    """Read the count of writes, and every key with its content, from Redis."""
    assert nox.redis_url is not None
    with redis.Redis.from_url(nox.redis_url) as client:
        keys = sorted(client.keys())
        content = {key: client.dump(key) for key in keys}
        return client.info("persistence")["rdb_changes_since_last_save"], content


@pytest.fixture
def any_store_of_redis(redis_nox: Nox) -> Iterator[Store]:
    """The store of `redis_nox`."""
    from tests.commands.conftest import opened

    found = opened(redis_nox)
    yield found
    found.close()


def test_doctor_without_a_store_the_rest_is_checked(nox: Nox) -> None:
    """
    A Redis that is down is the store's problem, code 4; machine and engines are looked at all the same.
    """
    report = examine(nox, env={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})

    assert (ExitCode.STORE, ["store"]) == (report.exit, report.problems)
    assert "refused the connection" in report.one("store")["found"]
    assert "is it running, and is this its address?" == report.one("store")["hint"]
    assert HERE - {"engines"} <= {check["name"] for check in report.checks}


def test_a_redis_that_never_answers_holds_nothing_up(fresh_redis: StartRedis, nox: Nox) -> None:
    """
    A frozen Redis is told as such, and doctor ends.
    """
    server = fresh_redis()
    server.freeze()
    report = examine_without_engines(nox, env={"REDIS_URL": server.url})
    server.thaw()

    assert (ExitCode.STORE, ["store"]) == (report.exit, report.problems)
    assert "did not answer" in report.one("store")["found"]


def test_settings_that_cannot_be_used_are_a_finding(nox: Nox) -> None:
    """
    A broken file is named with its line, code 2; the machine is looked at all the same.
    """
    (nox.cwd / ".nox.toml").write_text('\nautostart = "perhaps"\n')
    report = examine(nox)

    assert (ExitCode.USAGE, ["settings"]) == (report.exit, report.problems)
    assert f"{nox.cwd}/.nox.toml, line 2: autostart cannot be 'perhaps'" == report.one("settings")["found"]
    assert HERE - {"engines"} <= {check["name"] for check in report.checks}


def test_settings_in_force_and_those_ignored(nox: Nox) -> None:
    """
    Each setting that is no default is named with its origin, and a file that does not count with the reason.
    """
    project = nox.cwd / ".nox.toml"
    project.write_text("")
    project.chmod(0o622)
    found = [check for check in examine(nox).checks if check["name"] == "settings"]

    assert "in force: home (NOX_HOME)" == found[0]["found"]
    assert ("warning", f"{project} is ignored: others may write it") == (
        found[1]["verdict"],
        found[1]["found"],
    )
    assert f"chmod go-w {project}" in found[1]["hint"]


def test_a_redis_that_is_passed_over_is_named(nox: Nox) -> None:
    """
    REDIS_URL beside NOX_FORCE_LOCAL is told: jobs do not go where one may think.
    """
    report = examine_without_engines(nox, env={"REDIS_URL": "redis://127.0.0.1:1/0", "NOX_FORCE_LOCAL": "1"})

    told = [check["found"] for check in report.checks if check["name"] == "settings"]
    assert "REDIS_URL names a Redis, and NOX_FORCE_LOCAL says the local store" in told


def test_the_cores_and_the_memory_of_an_allocation_are_told(nox: Nox) -> None:
    """
    What a batch job was granted counts and is named, and where that is not known, doctor says so.
    """
    granted = {"SLURM_CPUS_ON_NODE": "1", "SLURM_MEM_PER_NODE": "600"}
    cores, memory, *_ = check_machine(SLURM | granted)
    _, unknown, *_ = check_machine({"LSB_JOBID": "7", "PATH": nox.environ["PATH"]})

    assert "1 usable (SLURM_CPUS_ON_NODE): so many slots has a worker here" == cores.found
    assert memory.found.startswith("600 MiB usable (SLURM_MEM_PER_NODE), and a job asks for 2.0 GiB")
    assert memory.hint == "submit with --memory 512M, or allow this session more"
    assert "does not say what this job may use: nox worker --memory" in unknown.found


def test_a_login_node_is_told(nox: Nox, tmp_path: Path) -> None:
    """
    On a login node one is told that submit starts nothing; inside an allocation, and over Redis, all is well.
    """
    (tmp_path / "sbatch").touch(mode=0o755)
    environ = {"PATH": f"{tmp_path}:{nox.environ['PATH']}"}
    (outside,) = check_place(environ, is_local=True)
    (inside,) = check_place(environ | SLURM, is_local=True)
    (shared,) = check_place(environ, is_local=False)

    assert "a login node: nox submit starts no worker here" == outside.found
    assert "inside the allocation of SLURM_JOB_ID 4711" == inside.found
    assert [Severity.WARNING, Severity.OK, Severity.OK] == [
        outside.severity,
        inside.severity,
        shared.severity,
    ]


def test_a_short_stack_is_told(nox: Nox) -> None:
    """
    A hard limit of 8 MiB is a warning that names it.
    """
    shell = ["bash", "-c", 'ulimit -Ss 8192; ulimit -Hs 8192; exec "$@"', "bash"]
    ended = subprocess.run(
        [*shell, *COMMAND, "doctor"],
        env=nox.environ,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        check=False,
    )

    (line,) = [line for line in ended.stdout.splitlines() if line.split()[1] == "stack"]
    assert "warning" == line.split()[0]
    assert "limited to 8 MiB" in line


def test_a_clock_before_nox_was_made_is_wrong(nox: Nox, tmp_path: Path) -> None:
    """
    A machine that thinks it is 2001 is told so.
    """
    then = datetime(2001, 2, 3, 4, tzinfo=UTC)
    clock = Clock(tmp_path)
    clock.shift(round(then.timestamp() - time.time()))
    report = examine(nox, env=clock.environment())
    assert "problem" == report.one("clock")["verdict"]
    assert "2001-02-03 04:0" in report.one("clock")["found"]
    assert ExitCode.JOB_FAILED == report.exit


@pytest.mark.parametrize(
    ("shell", "file", "how"),
    [
        ("bash", ".bashrc", 'in ~/.bashrc: eval "$(nox completion bash)"'),
        ("zsh", ".zfunc/_nox", 'in ~/.zshrc: eval "$(nox completion zsh)"'),
        (
            "fish",
            ".config/fish/completions/nox.fish",
            "nox completion fish > ~/.config/fish/completions/nox.fish",
        ),
    ],
)
def test_completion_that_is_not_set_up_is_said_how(tmp_path: Path, shell: str, file: str, how: str) -> None:
    """
    For the user's own shell one reads what to put where; once it is there, that it is.
    """
    environ = {"SHELL": f"/bin/{shell}", "HOME": str(tmp_path)}
    (before,) = check_completion(environ)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text('eval "$(nox completion bash)"\n')
    (after,) = check_completion(environ)

    assert (Severity.OK, how) == (before.severity, before.hint)
    assert (f"set up for {shell}", "") == (after.found, after.hint)
