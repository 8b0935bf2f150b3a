"""`nox doctor` on engines that do not load, crash or compute nonsense, and on what dead workers left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.doctor import engines
from nox_cli.doctor.machine import check_leftovers
from nox_cli.exits import ExitCode
from tests.support.doctor import examine
from tests.support.processes import with_environment
from tests.support.waiting import wait_until
from workers import machine
from workers.findings import Severity

if TYPE_CHECKING:
    import pytest

    from tests.support.nox import Nox

KILLED = """
import os, signal, sys
from pathlib import Path
from workers.runtime.scratch import Scratch, scratch_base
scratch = Scratch(scratch_base(Path("/nowhere")), sys.argv[1])
scratch.open()
os.kill(os.getpid(), signal.SIGKILL)
"""
# Starts what looks like an engine's keeper, and ends without it.
FORSAKEN = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "workers.keeper.process"],
                       stdin=int(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)
"""


def module(folder: Path, text: str) -> dict[str, str]:
    """Make a tblite that does something else when it is imported; the environment that finds it."""
    package = folder / "tblite"
    package.mkdir()
    (package / "__init__.py").write_text(text)
    return {"PYTHONPATH": str(folder)}


def test_an_engine_computes_a_hydrogen_molecule() -> None:
    """
    Each engine that is installed loads and gives the energy of GFN2-xTB.
    """
    for name in engines.installed():
        (found,) = engines.check_engine(name)

        assert Severity.OK is found.severity
        assert "loads and computes a hydrogen molecule" in found.found


def test_a_missing_system_library_is_named_as_a_package(nox: Nox, tmp_path: Path) -> None:
    """
    Where libgomp.so.1 does not load, the package that brings it is named, code 1.
    """
    (tmp_path / "libgomp.so.1").touch()
    report = examine(nox, env={"LD_LIBRARY_PATH": str(tmp_path)})

    assert (ExitCode.JOB_FAILED, ["tblite"]) == (report.exit, report.problems)
    assert "install the package libgomp1" in report.one("tblite")["found"]
    assert "apt-get install libgomp1" in report.one("tblite")["hint"]


def test_an_engine_that_crashes_is_a_finding(nox: Nox, tmp_path: Path) -> None:
    """
    One that dies of a signal while it loads takes nothing with it: the other checks go on.
    """
    text = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    report = examine(nox, env=module(tmp_path, text))

    assert (ExitCode.JOB_FAILED, ["tblite"]) == (report.exit, report.problems)
    assert "cannot compute" in report.one("tblite")["found"]
    assert "pip install --force-reinstall tblite" in report.one("tblite")["hint"]
    assert "ok" == report.one("completion")["verdict"]


def test_an_engine_that_does_not_import_is_a_finding(nox: Nox, tmp_path: Path) -> None:
    """
    A broken installation is told with its own last words.
    """
    report = examine(nox, env=module(tmp_path, "raise ImportError('libmctc.so.0: cannot open')\n"))

    assert ["tblite"] == report.problems
    assert "libmctc.so.0: cannot open" in report.one("tblite")["found"]


def test_an_engine_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    One that never comes back while it loads is ended and told, however long it would take.
    """
    environ = module(tmp_path, "import time\ntime.sleep(600)\n")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(engines, "LIMIT_S", 1.0)
    (found,) = engines.check_engine("tblite")

    assert Severity.PROBLEM is found.severity
    assert "did not compute a hydrogen molecule within 1 s" in found.found
    assert not with_environment(f"PYTHONPATH={environ['PYTHONPATH']}")


def test_an_engine_that_computes_nonsense_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An energy that is not that of hydrogen is told with both numbers.
    """
    monkeypatch.setattr(engines, "ENERGY_HARTREE", -1.0)
    (found,) = engines.check_engine("tblite")

    assert Severity.PROBLEM is found.severity
    assert "computes -0.98198369" in found.found


def test_doctor_engines_where_no_engine_is_installed_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Such a machine hands jobs over and computes none: a warning.
    """
    monkeypatch.setattr("workers.engine.registry.ENGINES", {})
    (found,) = engines.check_any()

    assert Severity.WARNING is found.severity


def test_scratch_folders_of_dead_workers_are_named_and_left(nox: Nox, tmp_path: Path) -> None:
    """
    What a killed worker left is told, and the next worker removes it, not doctor.
    """
    worker = f"{machine.host()}-1-dead"
    environ = nox.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", KILLED, worker], env=environ, check=False)
    folder = tmp_path / f"nox-{os.getuid()}" / worker
    found = examine(nox, env={"TMPDIR": str(tmp_path)}).one("leftovers")

    assert ("warning", f"1 scratch folder of dead workers: {folder}") == (found["verdict"], found["found"])
    assert folder.is_dir()


def test_an_engine_process_without_a_worker_is_named(nox: Nox) -> None:
    """
    A keeper that outlived its worker is told by its process id, and is not touched.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-c", FORSAKEN, str(reading)]
    started = subprocess.run(command, pass_fds=[reading], capture_output=True, text=True, check=True)
    pid = int(started.stdout)
    # A process that has just begun another program has no command line yet.
    (found,) = wait_until(
        lambda: [one for one in check_leftovers(nox.home) if one.name == "orphans"], 30, "an orphan"
    )
    lives = Path(f"/proc/{pid}/stat").exists()
    os.kill(pid, signal.SIGKILL)
    os.close(writing)
    os.close(reading)
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), 60, "its end")

    assert str(pid) in found.found.split()
    assert (Severity.WARNING, True) == (found.severity, lives)
