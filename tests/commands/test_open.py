"""`nox open`: geometries in a molecular viewer, for which a script stands in."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from nox_cli.results.json_objects import OpenRecord
from tests.support.ended import complete, fail, water, xyz
from tests.support.programs import write_program
from tests.support.stores import artifact, submit
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

DISPLAY = {"DISPLAY": ":9"}
# Run by Python at its start: nox waits until a viewer that cannot start has ended, on a busy machine too.
PATIENT = """
from nox_cli.viewers import structures
structures._START_S = 60.0
"""
CELL = [[3.5, 0.0, 0.0], [0.0, 3.5, 0.0], [0.0, 0.0, 3.5]]


class Viewer:
    """A program that notes how it was started, and ends."""

    def __init__(self, folder: Path, name: str = "jmol", then: str = "") -> None:
        self._notes = folder / f"{name}.notes"
        self.program = write_program(
            folder / name,
            "#!/bin/sh\nPATH=/usr/bin:/bin\n"
            f'(for word; do echo "$word"; done; ps -o sid= -p $$; tty; echo $$) > {self._notes}.new\n'
            f"mv {self._notes}.new {self._notes}\n{then}\n",
        )

    @property
    def notes(self) -> list[str]:
        """The arguments, the session, the terminal and the process of the viewer."""
        wait_until(self._notes.exists, 60, "a viewer")
        return self._notes.read_text().splitlines()

    @property
    def is_started(self) -> bool:
        """Whether it was ever started."""
        return self._notes.exists()

    @property
    def env(self) -> dict[str, str]:
        """An environment with a display, and only this viewer on PATH."""
        return DISPLAY | {"PATH": str(self.program.parent)}

    def end(self) -> None:
        """End it."""
        os.kill(int(self.notes[-1]), 15)


@pytest.fixture
def viewer(tmp_path: Path) -> Viewer:
    """A viewer on PATH."""
    return Viewer(tmp_path / "programs")


def test_the_final_geometry_is_shown(any_nox: Nox, any_store: Store, tmp_path: Path) -> None:
    """
    The viewer gets the file in a session of its own, and outlives the command; no other user can read it.
    """
    complete(any_store)
    viewer = Viewer(tmp_path / "programs", then="exec sleep 60")
    opened = any_nox("open", "1", env=viewer.env, check=True)
    path, session, terminal, pid = viewer.notes
    viewer.end()

    assert f"1 water in jmol: {path}\n" == opened.stdout
    assert path == str(any_nox.home / "opened" / "1-water.xyz")
    assert 0o700 == (any_nox.home / "opened").stat().st_mode & 0o777
    assert (session.strip(), terminal) == (pid, "not a tty")
    lines = (any_nox.home / "opened" / "1-water.xyz").read_text().splitlines()
    assert ["3", "1 water energy=-5.070544123457"] == lines[:2]
    assert ["O", "0.0000000000", "0.0000000000", "0.1000000000"] == lines[2].split()


def test_a_job_without_result_shows_its_input(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    A job that waits shows the geometry of its input, with a note; one that failed the last one it reached.
    """
    fail(store)
    submit(store, water("waits"))
    waiting = nox("open", "2", env=viewer.env, check=True)
    failed = nox("open", "1", "--json", env=viewer.env, check=True)

    assert "note: 2 waits: no result yet, this is the input\n" == waiting.stderr
    assert "2 waits input" == (nox.home / "opened/2-waits.xyz").read_text().splitlines()[1]
    told = TypeAdapter(OpenRecord).validate_json(failed.stdout)
    assert "energy=" in Path(told["file"]).read_text()
    assert "failed: the geometry is where the optimisation stopped\n" in failed.stderr
    assert (1, [str(viewer.program)]) == (len(told["job_ids"]), told["viewer"])


def test_geometries_of_many_jobs_are_one_file(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    Several jobs become the structures of one xyz file; other files are opened one at a time.
    """
    for name in ("a", "b", "c"):
        complete(store, water(name))
    nox("open", "1-3", env=viewer.env, check=True)
    refused = nox("open", "1-3", "trajectory.xyz", env=viewer.env)

    lines = (nox.home / "opened/1-3.xyz").read_text().splitlines()
    assert ["1 a", "2 b", "3 c"] == [line.partition(" energy")[0] for line in lines[1::5]]
    assert 2 == refused.returncode
    assert "3 jobs: only geometries are opened together; nothing was opened" in refused.stderr


def test_a_file_of_a_job_is_shown(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    A name opens that artifact, unchanged; one that is not there is an error, and no viewer starts.
    """
    complete(store, None, xyz("water"), artifact("trajectory.xyz", "frames"))
    absent = nox("open", "1", "wrong.xyz", env=viewer.env)
    was_started = viewer.is_started
    nox("open", "1", "trajectory.xyz", env=viewer.env, check=True)

    assert b"frames" == (nox.home / "opened/1-water-trajectory.xyz").read_bytes()
    assert (3, False) == (absent.returncode, was_started)
    assert "job 1 left no wrong.xyz" in absent.stderr


def test_a_file_that_cannot_be_written_opens_nothing(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    The error does not speak of a viewer, since none was started.
    """
    complete(store)
    (nox.home / "opened").write_text("")
    refused = nox("open", "1", env=viewer.env)

    assert "cannot be written: file exists; nothing was opened\n" in refused.stderr
    assert not viewer.is_started


@pytest.mark.parametrize(("name", "suffix"), [("jmol", "POSCAR"), ("pymol", "xyz")])
def test_a_crystal_keeps_its_cell(nox: Nox, store: Store, tmp_path: Path, name: str, suffix: str) -> None:
    """
    A viewer that reads the cell of a POSCAR gets one; others get extended xyz, and a note.
    """
    viewer = Viewer(tmp_path / "programs", name)
    complete(store, water("ice"), lattice_angstrom=CELL)
    opened = nox("open", "1", env=viewer.env, check=True)

    text = (nox.home / f"opened/1-ice.{suffix}").read_text()
    assert viewer.notes[0].endswith(f"1-ice.{suffix}")
    if suffix == "xyz":
        assert 'Lattice="3.5 0.0 0.0 0.0 3.5 0.0 0.0 0.0 3.5"' in text
        assert "note: pymol may show the atoms without the cell\n" == opened.stderr
        return
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert ["1 ice", "1.0", "3.5000000000 0.0000000000 0.0000000000"] == lines[:3]
    assert ["O H", "1 2", "Cartesian", "0.0000000000 0.0000000000 0.1000000000"] == lines[5:9]


def test_the_viewer_of_the_settings(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    The user's own settings name program and arguments, which no shell reads; --viewer names another one.
    """
    complete(store)
    own, other = Viewer(tmp_path / "programs", "own"), Viewer(tmp_path / "programs", "other")
    config = tmp_path / "config/nox/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"viewer = \"{own.program} '-a b' $HOME;x\"\n")
    env = own.env | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    nox("open", "1", env=env, check=True)
    nox("open", "1", "--viewer", "other", env=env, check=True)

    assert ["-a b", "$HOME;x"] == own.notes[:2]
    assert own.notes[2].endswith("1-water.xyz")
    assert other.notes[0].endswith("1-water.xyz")


def test_a_project_names_no_viewer(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    A .nox.toml that names a viewer is refused: it may be another's directory.
    """
    complete(store)
    (nox.cwd / ".nox.toml").write_text(f'viewer = "{viewer.program}"\n')
    ended = nox("open", "1", env=viewer.env)

    assert 2 == ended.returncode
    assert "viewer cannot be set in .nox.toml" in ended.stderr
    assert not viewer.is_started


def test_without_a_display(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    Where no window can open, the line that fetches the file is named.
    """
    complete(store)
    ended = nox("open", "name:w*", "opt.xyz", env=viewer.env | {"DISPLAY": None, "WAYLAND_DISPLAY": None})

    assert 2 == ended.returncode
    assert "there is no display here: DISPLAY is not set; nothing was opened" in ended.stderr
    assert "nox fetch 'name:w*' opt.xyz" in ended.stderr
    assert not viewer.is_started


@pytest.mark.parametrize(
    ("named", "path", "why"),
    [
        ("nothing-like-it", "/usr/bin:/bin", "the viewer nothing-like-it is not on PATH"),
        ("'half", "/usr/bin:/bin", "is no command line: no closing quotation"),
        ("", "/nowhere", "none of avogadro2, avogadro, jmol, pymol, vmd, xdg-open is on PATH"),
    ],
)
def test_without_a_viewer(nox: Nox, store: Store, named: str, path: str, why: str) -> None:
    """
    A program that is not there is an error of two lines.
    """
    complete(store)
    ended = nox("open", "1", "--viewer", named, env=DISPLAY | {"PATH": path})

    assert 2 == ended.returncode
    assert why in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2


def test_a_viewer_that_ends_with_an_error(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    The last line of a viewer that cannot start is passed on.
    """
    complete(store)
    broken = Viewer(tmp_path / "programs", then="echo cannot open display :9 >&2; exit 3")
    (tmp_path / "sitecustomize.py").write_text(PATIENT)
    ended = nox("open", "1", env=broken.env | {"PYTHONPATH": str(tmp_path)})

    assert 2 == ended.returncode
    assert "jmol ended with code 3: cannot open display :9" in ended.stderr


def test_a_viewer_in_the_terminal(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    A program of the terminal has it until it ends, and needs no display.
    """
    complete(store)
    pager = Viewer(tmp_path / "programs", "less", then='read answer; echo "answer: $answer"')
    env = {"PATH": pager.env["PATH"], "DISPLAY": None}
    with Terminal(nox, "open", "1", "--viewer", "less", env=env) as terminal:
        assert pager.notes[-2].startswith("/dev/")
        terminal.write("yes\n")
        terminal.wait_for("answer: yes")
        assert 0 == terminal.end()


def test_a_viewer_in_the_terminal_has_ctrl_c(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    Ctrl-C is the program's, which may go on: nox neither kills it nor ends before it.
    """
    complete(store)
    waits = "trap told=1 INT; echo ready; while [ -z $told ]; do sleep 0.1; done; sleep 1; echo goes on"
    pager = Viewer(tmp_path / "programs", "less", then=waits)
    with Terminal(nox, "open", "1", "--viewer", "less", env={"PATH": pager.env["PATH"]}) as terminal:
        terminal.wait_for("ready")
        terminal.write("\x03")
        terminal.wait_for("goes on")
        assert 0 == terminal.end()


def test_opened_files_do_not_pile_up(nox: Nox, store: Store, viewer: Viewer) -> None:
    """
    A file takes the place of an earlier one of the same job; those of the week before are removed.
    """
    complete(store)
    nox("open", "1", env=viewer.env, check=True)
    old = nox.home / "opened/7-old.xyz"
    old.write_text("")
    os.utime(old, (time.time() - 8 * 86_400,) * 2)
    nox("open", "1", env=viewer.env, check=True)

    assert {"1-water.xyz", "viewer.log"} == {path.name for path in (nox.home / "opened").iterdir()}
