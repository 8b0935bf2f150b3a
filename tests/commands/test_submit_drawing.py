"""What `nox submit` shows a person at a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

from tests.support.examples import EXAMPLES
from tests.support.nox import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox

# The line in which a command that takes long counts, once it is removed.
BLANKED = re.compile(r"[^\n]*\r +\r")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def at_a_terminal(nox: Nox, *words: str, columns: int = 80) -> str:
    """Run a command whose stdin, stdout and stderr are a terminal; hand over what it showed."""
    leader, follower = pty.openpty()
    environ = nox.environ | {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"}
    process = subprocess.Popen(
        [*COMMAND, *words], stdin=follower, stdout=follower, stderr=follower, env=environ, cwd=nox.cwd
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 65_536):
            shown += piece
    except OSError:  # the terminal is gone with its last process
        pass
    finally:
        os.close(leader)
    assert 0 == process.wait(timeout=60), shown.decode()
    text = ESCAPES.sub("", shown.decode()).replace("\r\n", "\n")
    return BLANKED.sub("", text)


def copy(name: str, to: Path) -> str:
    """Copy an example, and hand over its path as the current directory sees it."""
    to.parent.mkdir(exist_ok=True)
    to.write_bytes((EXAMPLES / f"{name}.xyz").read_bytes())
    return f"{to.parent.name}/{to.name}"


def test_says_under_which_conditions(nox: Nox) -> None:
    """
    Solvent, spin and the conditions of thermochemistry stand behind method and engine.
    """
    path = copy("water", nox.cwd / "set" / "water.xyz")
    asked = ("--ohess", "--alpb", "THF", "--spinpol", "--temp", "310", "--pressure", "1bar", "--no-start")
    shown = at_a_terminal(nox, "submit", path, *asked, columns=120).splitlines()

    assert re.fullmatch(
        r"opt tight \+ freq · GFN2-xTB \(tblite \S+\) · ALPB\(thf\) · spin-polarised · 310 K, 100000 Pa",
        shown[1],
    )
    found = nox("status", "1").stdout
    assert "opt tight + freq · GFN2-xTB · ALPB(thf) · spin-polarised · 310 K, 100000 Pa" in found


def test_says_what_will_be_computed(nox: Nox) -> None:
    """
    Numbers, batch and store; calculation, method and engine; charge and spin with who said them; who runs it.
    """
    folder = nox.cwd / "cycle"
    paths = [copy("water", folder / f"{name}.xyz") for name in ("cat", "int1", "plus")]
    (folder / "plus.CHRG").write_text("1\n")
    (folder / "plus.UHF").write_text("1\n")
    (nox.cwd / ".CHRG").write_text("-1\n")
    shown = at_a_terminal(nox, "submit", *paths, "--opt", "tight", "--no-start").splitlines()

    assert re.fullmatch(
        rf"jobs 1-3 \(3\), batch cycle-[0-9a-f]{{4}}, store: {nox.home}/nox.sqlite3", shown[0]
    )
    assert re.fullmatch(r"opt tight · GFN2-xTB \((xtb|tblite) [0-9.]+\)", shown[1])
    assert [
        "  charge  unpaired  from                 files",
        "       0         0  default              cat int1",
        "      +1         1  plus.CHRG, plus.UHF  plus",
        "warning: ./.CHRG (-1) lies where you are, not beside these files: not used",
        "no worker runs here: nox worker · nox watch @last · nox results @last",
    ] == shown[2:]


def test_submit_drawing_one_job_is_one_job(nox: Nox) -> None:
    """
    A single job has no batch.
    """
    path = copy("water", nox.cwd / "set/water.xyz")

    assert (
        f"job 1, store: {nox.home}/nox.sqlite3"
        == at_a_terminal(nox, "submit", path, "--no-start").splitlines()[0]
    )


def test_submit_drawing_many_files_are_counted(nox: Nox) -> None:
    """
    More files than a line holds are counted, and the line stays within the terminal.
    """
    paths = [copy("water", nox.cwd / f"set/conformer_{i:04d}.xyz") for i in range(100)]
    line = at_a_terminal(nox, "submit", *paths, "--no-start", columns=60).splitlines()[3]

    assert len(line) <= 60
    assert re.search(r"conformer_0000 and 99 more$|conformer_0000 .*and 9\d more$", line)


def test_a_long_name_is_cut(nox: Nox) -> None:
    """
    A name that is longer than its line is cut, and how many more there are is still told.
    """
    paths = [copy("water", nox.cwd / f"set/{'conformer_' * 8}{i}.xyz") for i in range(3)]
    line = at_a_terminal(nox, "submit", *paths, "--no-start", columns=60).splitlines()[3]

    assert 60 == len(line)
    assert line.endswith("  conformer_conformer… and 2 more")


def test_a_worker_that_was_started_is_named(nox: Nox) -> None:
    """
    Where a background worker was started its slots are named, and the next time that one runs here.
    """
    first = at_a_terminal(nox, "submit", "--kind", "echo").splitlines()[-1]
    nox("wait", "@last", "--timeout", "60", check=True)
    second = at_a_terminal(nox, "submit", "--kind", "echo").splitlines()[-1]

    assert re.fullmatch(r"\d+ slots? started here · nox watch @last · nox results @last", first)
    assert "a worker runs here · nox watch @last · nox results @last" == second


def test_redis_without_a_worker_is_told(redis_nox: Nox) -> None:
    """
    With Redis and no worker alive, the line says how to start one.
    """
    shown = at_a_terminal(redis_nox, "submit", "--kind", "echo").splitlines()

    assert "no worker is listening: nox worker · nox watch @last · nox results @last" == shown[-1]


def test_a_dry_run_shows_the_same(nox: Nox) -> None:
    """
    A dry run draws what would be computed, and says that nothing was submitted.
    """
    shown = at_a_terminal(nox, "submit", copy("water", nox.cwd / "set/water.xyz"), "--dry-run").splitlines()

    assert ("1 job", "dry run: nothing was submitted") == (shown[0], shown[-1])


def test_submit_drawing_what_is_submitted_can_be_watched(nox: Nox) -> None:
    """
    `--watch` shows the job until it has ended, and exits as it did.
    """
    shown = at_a_terminal(nox, "submit", copy("water", nox.cwd / "set/water.xyz"), "--watch")

    assert "job 1" in shown
    assert "done" in shown


def test_names_are_shown_not_obeyed(nox: Nox) -> None:
    """
    Markup in a name is text, and a file whose name would steer the terminal is named without it.
    """
    paths = [copy("water", nox.cwd / f"set/{name}.xyz") for name in ("[red]x", "\x1b[31my")]
    shown = at_a_terminal(nox, "submit", *paths, "--no-start")

    assert "[red]x _[31my" in shown
