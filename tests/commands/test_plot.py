"""`nox plot`: convergence, spectra and energies of jobs, in a terminal, as numbers and as pictures."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.ended import MODES, complete, fail, water
from tests.support.programs import write_program
from tests.support.stores import ADA, artifact, claim, new_job, submit
from tests.support.terminal import Terminal
from workers.job import Progress, Reason
from workers.store.values import Artifact, Point

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

KCAL = 1 / 627.5094740631
POINTS = (Point(1, -5.01, 0.25), Point(2, -5.06, 0.02), Point(3, -5.07, 0.0009))
BRAILLE = re.compile(r"[\u2800-\u28ff]")


def trajectory(points: tuple[Point, ...] = POINTS) -> Artifact:
    """Make the trajectory of an optimisation of water."""
    frames = (
        f"3\nenergy={energy:.12f} gnorm={norm:.9f} nox=0.1.0\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n"
        for _, energy, norm in points
    )
    return artifact("trajectory.xyz", "".join(frames))


def hessian(store: Store, name: str = "water", **changes: Any) -> str:
    """End a calculation of frequencies."""
    job = water(name, kind="hess", spec={"kind": "hess", "opt_level": None})
    return complete(store, job, kind="hess", convergence=None, vibrations=MODES | changes)


def rows(nox: Nox, *words: str) -> list[dict[str, str]]:
    """Read the numbers of a plot."""
    return list(csv.DictReader(StringIO(nox("plot", *words, "--data", check=True).stdout)))


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the message of an error, which has two lines at most."""
    assert ended.returncode
    assert "" == ended.stdout
    assert ended.stderr.startswith("error: ")
    assert 2 >= len(ended.stderr.splitlines())
    return ended.stderr


def test_convergence_of_an_ended_optimisation(any_nox: Nox, any_store: Store) -> None:
    """
    The energies of the trajectory, from the lowest, with the thresholds that ran; the numbers are its own.
    Of the four steps one was rejected: the trajectory has three points.
    """
    complete(any_store, water("prod2"), trajectory())
    shown = any_nox("plot", "1", check=True).stdout.splitlines()
    found = rows(any_nox, "1", "--unit", "kj")

    assert "1 prod2  opt normal · GFN2-xTB · gas phase · 4 steps, converged" == shown[0]
    assert ["energy above", "energy change", "gradient |g|"] == [
        " ".join(line.split()[:2]) for line in shown if line.startswith(("energy", "gradient"))
    ]
    assert ["below 5e-06", "below 1e-03"] == re.findall(r"below \S+$", "\n".join(shown), re.MULTILINE)[:2]
    assert [
        "lowest energy -5.07000000 Eh at point 3",
        "last step: |dE| 1.0e-02 (wanted below 5e-06), |g| 9.0e-04 ok",
        "1 step not drawn: the trajectory has no rejected ones",
    ] == shown[-3:]
    assert list(POINTS) == [
        Point(int(r["step"]), float(r["energy_hartree"]), float(r["gradient_norm_hartree_per_bohr"]))
        for r in found
    ]
    assert [157.529978, 26.254996, 0.0] == pytest.approx([float(r["relative_kj_per_mol"]) for r in found])
    assert ["", "-0.0500000000", "-0.0100000000"] == [r["energy_change_hartree"] for r in found]


def test_convergence_of_a_running_optimisation(any_nox: Nox, any_store: Store) -> None:
    """
    A running job shows the points that the store keeps, with the thresholds of its level.
    """
    submit(any_store, water("big", spec={"opt_level": "tight"}))
    lease = claim(any_store).lease
    assert "job 1 has no steps yet" in refused(any_nox("plot", "1"))
    late = tuple(point._replace(step=point.step + 200) for point in POINTS)
    any_store.progress(lease, Progress(phase="opt", step=203), late)
    shown = any_nox("plot", "1", check=True).stdout

    assert "203 steps, running" in shown
    assert "below 8e-04" in shown
    assert ["201", "202", "203"] == [row["step"] for row in rows(any_nox, "1")]
    any_store.progress(lease, Progress(phase="opt", step=204), [late[-1]._replace(step=204)])
    shown = any_nox("plot", "1", check=True).stdout

    assert "|dE| - (wanted below 1e-06)" in shown  # the last step was rejected
    assert ["", "-0.0500000000", "-0.0100000000", ""] == [
        row["energy_change_hartree"] for row in rows(any_nox, "1")
    ]


def test_spectrum_has_the_modes_of_the_result(any_nox: Nox, any_store: Store) -> None:
    """
    Sticks are the stored modes; a line is as high as its intensity; imaginary modes are named, not drawn.
    """
    hessian(any_store)
    shown = any_nox("plot", "1", check=True).stdout
    curve = {float(r["wavenumber_cm1"]): float(r["ir_intensity_km_per_mol"]) for r in rows(any_nox, "1")}
    sticks = rows(any_nox, "1", "--width", "0")

    assert "IR, Lorentzian 20 cm-1 (FWHM), not scaled" in shown
    assert "strongest, cm-1 (km/mol): 1700 (300)  4200 (40)  500 (10)" in shown
    assert "! 1 imaginary mode, not drawn: 66.3i cm-1\n" in shown
    assert "not drawn, though counted as real: 11.2i cm-1\n" in shown
    assert MODES["frequencies_cm1"] == [float(row["wavenumber_cm1"]) for row in sticks]
    assert MODES["ir_intensities_km_per_mol"] == [float(row["ir_intensity_km_per_mol"]) for row in sticks]
    assert (0.0, 4500.0) == (min(curve), max(curve))
    assert 300.0 == pytest.approx(curve[1700.0], abs=0.1)
    assert 150.0 == pytest.approx(curve[1710.0], abs=0.1)
    assert 1.0 > curve[0.0]


def test_spectrum_of_modes_that_do_not_absorb_is_flat(nox: Nox, store: Store) -> None:
    """
    What remains of an intensity of 0 after differences is no spectrum; weak lines keep two decimals.
    """
    modes = {"frequencies_cm1": [3754.0], "gradients": 12, "imaginary_modes": 0, "lowest_mode_cm1": 3754.0}
    hessian(store, "h2", **modes, ir_intensities_km_per_mol=[3e-12])
    hessian(store, "weak", **modes, ir_intensities_km_per_mol=[0.25])
    flat, weak = (nox("plot", number, check=True).stdout for number in ("1", "2"))

    assert "no mode has an intensity" in flat
    assert re.search(r"^ *1\.?0* ┤", flat, re.MULTILINE)
    assert "strongest, cm-1 (km/mol): 3754 (0.25)" in weak


def test_spectrum_of_a_real_job(nox: Nox) -> None:
    """
    What `nox plot --width 0` prints is what the engine stored; one job with both is a spectrum by itself.
    """
    nox("submit", "h2o.xyz", "--ohess", "--no-start", cwd=_with_water(nox), check=True)
    nox("worker", "--burst", check=True)
    stored = json.loads(nox("status", "1", "--raw", check=True).stdout)["outcome"]["result"]["vibrations"]
    sticks = rows(nox, "1", "--width", "0")
    course = rows(nox, "1", "--kind", "convergence")
    final = json.loads(nox("results", "1", "-o", "json", check=True).stdout)["items"][0]

    assert stored["frequencies_cm1"] == pytest.approx([float(row["wavenumber_cm1"]) for row in sticks])
    assert stored["ir_intensities_km_per_mol"] == pytest.approx(
        [float(row["ir_intensity_km_per_mol"]) for row in sticks]
    )
    assert final["energy_hartree"] == pytest.approx(float(course[-1]["energy_hartree"]), abs=1e-9)
    assert " IR, " in nox("plot", check=True).stdout.splitlines()[0]


def _with_water(nox: Nox) -> Path:
    (nox.cwd / "h2o.xyz").write_text("3\n\nO 0 0 0.1\nH 0 0.8 -0.5\nH 0 -0.8 -0.5\n")
    return nox.cwd


def test_energies_are_those_of_results(any_nox: Nox, any_store: Store) -> None:
    """
    Jobs are compared as `nox results --relative` does; what may not be compared is counted, and left out.
    """
    for name, above in (("a", 1.0), ("b", 0.0), ("c", 2.5)):
        complete(any_store, water(name), energy_hartree=-5.0 + above * KCAL)
    complete(any_store, water("ion", spec={"charge": 1}), charge=1)
    fail(any_store)
    shown = any_nox("plot", "1-5", check=True).stdout.splitlines()
    in_hartree = any_nox("plot", "1-3", "--unit", "hartree", check=True).stdout.splitlines()
    found = rows(any_nox, "1-5")
    compared = csv.DictReader(
        StringIO(any_nox("results", "1-3", "--relative", "--sort", "relative_kcal", "-o", "csv").stdout)
    )

    assert "H2O · GFN2-xTB · gas phase · 3 jobs · 0 is 2 b, E -5.00000000 Eh" == shown[1]
    assert [["2", "b", "0.00"], ["1", "a", "1.00"], ["3", "c", "2.50"]] == [
        line.split()[:3] for line in shown[2:5]
    ]
    assert ["0.000000", "0.001594", "0.003984"] == [line.split()[2] for line in in_hartree[2:5]]
    assert {"1 job failed, not shown", "1 job not compared with others, not shown"} <= set(shown[5:])
    assert [(r["number"], r["relative_kcal_per_mol"]) for r in compared] == [
        (r["number"], r["relative_kcal_per_mol"]) for r in found
    ]


def test_energies_of_many_jobs_are_a_histogram(nox: Nox, store: Store) -> None:
    """
    More than 40 jobs are counted by their energy; every one is in the numbers.
    """
    for index in range(41):
        complete(store, water(f"c{index}", batch="screen"), energy_hartree=-5.0 + index % 4 * KCAL)
    shown = nox("plot", "@batch:screen", check=True).stdout

    assert "jobs for each 0.1 kcal/mol: H2O · GFN2-xTB · gas phase · 41 jobs" in shown
    assert BRAILLE.search(shown)
    assert 41 == len(rows(nox, "@batch:screen"))


def test_groups_are_drawn_apart(nox: Nox, store: Store) -> None:
    """
    Conformers of two charges are two groups, each from its own lowest energy.
    """
    for charge, energy in ((0, -5.0), (0, -5.1), (1, -4.0), (1, -4.1)):
        complete(store, water(spec={"charge": charge}), charge=charge, energy_hartree=energy)
    shown = nox("plot", "@all", check=True).stdout

    assert "H2O · GFN2-xTB" in shown
    assert "H2O · charge +1 · GFN2-xTB" in shown
    assert 2 == shown.count("0.00")


def test_several_of_a_kind_are_drawn_below_each_other(nox: Nox, store: Store) -> None:
    """
    Spectra and optimisations share the x axis; more than six are refused.
    """
    for index in range(7):
        hessian(store, f"h{index}")
    complete(store, water("x"), trajectory())
    complete(store, water("y"), trajectory(POINTS[:2]))
    spectra = nox("plot", "1-2", "--kind", "ir", check=True).stdout
    courses = nox("plot", "8,9", "--kind", "convergence", check=True).stdout

    assert all(f"{number} h{number - 1}  GFN2-xTB" in spectra for number in (1, 2))
    assert "! 1 imaginary mode of 2, not drawn" in spectra
    assert "8 x  opt normal · 4 steps" in courses
    assert "9 y  opt normal · 4 steps" in courses
    assert "a plot has room for 6 jobs" in refused(nox("plot", "1-7", "--kind", "ir"))


def test_what_cannot_be_drawn_is_named(any_nox: Nox, any_store: Store) -> None:
    """
    Single points, echoes, jobs that wait or failed before a step, damaged records: an error of two lines.
    """
    echo = new_job("e", kind="echo", spec_json='{"kind": "echo"}', owner=ADA)
    any_store.cancel(submit(any_store, echo), owner=None)
    complete(
        any_store, water("sp", kind="sp", spec={"kind": "sp", "opt_level": None}), kind="sp", convergence=None
    )
    fail(any_store, None, Reason.SCF, convergence=None)
    hessian(any_store, ir_intensities_km_per_mol=[1.0])

    atom = water("atom", kind="hess", atoms=1, spec={"kind": "hess", "opt_level": None})
    complete(any_store, atom, kind="hess", convergence=None)
    submit(any_store, water("waits"))

    assert "job 1 has nothing to plot" in refused(any_nox("plot", "1"))
    assert "job 2 has nothing to plot" in refused(any_nox("plot", "2"))
    assert "job 2 is no optimisation" in refused(any_nox("plot", "2", "--kind", "convergence"))
    assert "job 3 has left no steps: it is failed" in refused(any_nox("plot", "3"))
    assert "job 3 has no frequencies" in refused(any_nox("plot", "3", "--kind", "ir"))
    assert "intensities of job 4 are damaged" in refused(any_nox("plot", "4"))
    assert "job 5 is a single atom" in refused(any_nox("plot", "5"))
    assert "job 6 has no steps yet" in refused(any_nox("plot", "6"))
    assert "no two of these jobs may be compared" in refused(any_nox("plot", "1-3,6"))
    assert "--width is 1 to 500 cm-1" in refused(any_nox("plot", "4", "--width", "0.5"))


def test_damaged_and_missing_trajectories_are_named(any_nox: Nox, any_store: Store) -> None:
    """
    A trajectory with another checksum, and one on another machine, are errors that name it.
    """
    complete(any_store, water(), trajectory()._replace(sha256="0" * 64))
    away = Artifact("trajectory.xyz", 9, "0" * 64, "text/plain", path="/far/trajectory.xyz", host="node07")
    complete(any_store, water(), away)

    assert "trajectory.xyz of job 1 does not have the checksum" in refused(any_nox("plot", "1"))
    assert "trajectory.xyz of job 2 lies at node07:" in refused(any_nox("plot", "2"))


def test_json_has_the_numbers(nox: Nox, store: Store) -> None:
    """
    `--json` prints the kind and an object for each point, with the names of `--data`.
    """
    hessian(store)
    found = json.loads(nox("plot", "1", "--width", "0", "--json", check=True).stdout)

    assert (1, "ir") == (found["schema"], found["kind"])
    assert [list(row) for row in found["items"]] == [list(row) for row in rows(nox, "1", "--width", "0")]
    assert MODES["frequencies_cm1"] == [item["wavenumber_cm1"] for item in found["items"]]


def test_a_plot_is_ascii_where_it_must_be(nox: Nox, store: Store) -> None:
    """
    In a pipe it is 80 columns wide; a locale that is not UTF-8 gets ASCII; no colours are in a pipe.
    """
    hessian(store)
    usual = nox("plot", "1", check=True).stdout
    plain = nox("plot", "1", "--ascii", check=True).stdout
    latin = nox("plot", "1", env={"PYTHONIOENCODING": "ascii:backslashreplace"}, check=True).stdout

    assert BRAILLE.search(usual)
    assert "\x1b" not in usual
    assert 80 == max(map(len, usual.splitlines()))
    assert not BRAILLE.search(plain)
    assert plain == latin
    assert plain.isascii()
    assert "1 water  GFN2-xTB, gas phase, IR, Lorentzian 20 cm-1 (FWHM), not scaled" == plain.splitlines()[0]


def test_a_terminal_gets_colours_unless_it_refuses_them(nox: Nox, store: Store) -> None:
    """
    The curve is painted on a terminal, with NO_COLOR it is not; the plot is as wide as the terminal.
    """
    hessian(store)
    for env, is_painted in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Terminal(nox, "plot", "1", columns=100, lines=30, env=env) as terminal:
            assert 0 == terminal.process.wait(timeout=60)
            terminal.wait_for("cm-1 (km/mol)")
            text = terminal.text
        lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()

        assert is_painted == ("\x1b[36m" in text)
        assert 100 == max(map(len, lines))


def test_a_picture_is_svg_with_the_texts_of_the_plot(nox: Nox, store: Store) -> None:
    """
    Names of jobs are drawn as they are, even those that look like mathematics; a file is not overwritten.
    """
    complete(store, water("$\\frac{a$ & <b>"), trajectory())
    complete(store, water("b"), energy_hartree=-5.0)
    picture = nox.cwd / "course.svg"
    ended = nox("plot", "1", "-o", str(picture), check=True)
    texts = [node.text for node in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]

    assert (f"{picture}\n", "") == (ended.stdout, ended.stderr)
    assert any("$\\frac{a$ & <b>" in (text or "") for text in texts)
    assert {"kcal/mol", "Eh/bohr", "point", "below 1e-03"} <= set(texts)
    before = picture.read_bytes()
    assert "is there already; nothing was written" in refused(nox("plot", "1", "-o", str(picture)))
    assert before == picture.read_bytes()
    nox("plot", "1,2", "-fo", str(picture), check=True)
    assert b"0 is 1 " in picture.read_bytes()
    assert ["course.svg"] == [
        path.name for path in nox.cwd.iterdir() if "course" in path.name or ".part" in path.name
    ]


def test_a_picture_starts_no_program_for_a_project(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    The matplotlibrc of a directory that may come from anywhere does not change what is drawn.
    """
    complete(store, water("a"), trajectory())
    (nox.cwd / "matplotlibrc").write_text("text.usetex: True\ntext.latex.preamble: \\input{/etc/passwd}\n")
    write_program(tmp_path / "latex", f"#!/bin/sh\necho > {tmp_path}/started\nexit 1\n")

    path = f"{tmp_path}:{os.environ['PATH']}"
    drawn = nox("plot", "1", "-o", "course.svg", env={"PATH": path}, check=True)

    assert ("course.svg\n", "") == (drawn.stdout, drawn.stderr)
    assert not (tmp_path / "started").exists()


def test_a_picture_needs_an_ending_and_matplotlib(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    Both are reported before anything is read; the error names the extra.
    """
    hessian(store)
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['matplotlib'] = None\n")
    without = {"PYTHONPATH": f"{tmp_path}:{':'.join(sys.path)}"}

    assert "x.gif has no ending of a picture" in refused(nox("plot", "1", "-o", "x.gif"))
    assert "pip install 'nox-jobs[plot]'" in refused(nox("plot", "1", "-o", "x.svg", env=without))
    unwritable = refused(nox("plot", "1", "-o", "/dev/null/no/x.svg"))
    assert "/no/x.svg cannot be written: not a directory; nothing was written" in unwritable
