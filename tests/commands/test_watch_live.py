"""`nox watch` on a terminal: drawn over and over, and gone when it should be."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from nox_cli import times
from tests.support.ended import done, record, water
from tests.support.examples import EXAMPLES
from tests.support.frozen import freeze
from tests.support.stores import WORKER, beat, claim, failed, outcome, served, submit
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.engine.levels import LEVELS
from workers.job import Progress
from workers.runtime.autostart import LOCK_NAME

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


# So long do jobs take, and so many are there: a quarter of a minute in two slots.
NAP_S, NAPS = 0.6, 50
METHANOL = str(EXAMPLES / "methanol.xyz")


def finish_one(store: Store) -> None:
    """Claim the next job and run it to a good end."""
    lease = claim(store).lease
    store.finish(lease, done(lease))


def test_watch_live_one_job_step_by_step(any_nox: Nox, any_store: Store) -> None:
    """
    One job is drawn with its newest steps beside what they must reach, `ok` where they do; its end stays.
    """
    submit(any_store, water("cat"))
    lease = claim(any_store).lease
    with Terminal(any_nox, "watch", "1") as terminal:
        for step, energy, norm in ((21, -5.05, 1.9e-3), (22, -5.06, 9.2e-4)):
            any_store.progress(lease, Progress(None, "opt", step, energy, -3.1e-5, norm))
            terminal.wait_for(f"{step}  {energy:.8f}")
        any_store.finish(lease, done(lease))
        assert 0 == terminal.end()
        text = terminal.plain

    assert "1 cat  3 atoms  charge 0  opt normal · GFN2-xTB · gas phase\n" in text
    assert "step         E/Eh  dE/Eh (<5e-06)  |g|/(Eh/bohr) (<1e-03)\n" in text
    assert "  22  -5.06000000     -3.1e-05                 9.2e-04 ok\n" in text
    assert re.search(r"running on node07  opt  \d:\d\d\n", text)
    assert "next: nox results 1    nox fetch 1" == terminal.lines[-1]


@pytest.mark.parametrize("words", ["--opt", "--ohess", "--opt --cycles 3"])
def test_a_job_that_has_ended_is_shown_with_the_numbers_of_its_result(any_nox: Nox, words: str) -> None:
    """
    Step, energy, dE and |g| are of one and the same step, the last, here and in `nox list`.
    """
    any_nox("run", METHANOL, *words.split())
    (listed,) = json.loads(any_nox("list", "--json", check=True).stdout)["items"]
    result = json.loads(any_nox("status", "1", "--raw", check=True).stdout)["outcome"]["result"]
    result_level = "tight" if "--ohess" in words else "normal"
    reached = result["convergence"]
    with Terminal(any_nox, "watch", "1") as terminal:
        terminal.end()
        text = terminal.plain

    assert (reached["steps"], result["energy_hartree"]) == (listed["step"], listed["energy_hartree"])
    level = LEVELS[result_level]
    row = (
        f"{reached['steps']}  {result['energy_hartree']:.8f}",
        met(reached["energy_change_hartree"], level.energy_change),
        met(reached["gradient_norm_hartree_per_bohr"], level.gradient_norm),
    )
    assert re.search(r"\n +" + " +".join(map(re.escape, row)) + r"\n", text), text


def met(value: float, threshold: float) -> str:
    """Write a value of a criterion as the view does."""
    return f"{value:.1e}" + " ok" * (abs(value) < threshold)


def test_frequencies_are_counted(nox: Nox, store: Store) -> None:
    """
    Behind the steps of the optimisation the gradients are counted, of as many as there will be.
    """
    submit(store, water("cat", kind="ohess", spec={"kind": "ohess", "opt_level": "tight"}))
    lease = claim(store).lease
    with Terminal(nox, "watch", "1") as terminal:
        store.progress(lease, Progress(0.5, "opt", 7, -5.06, -3.1e-5, 1.9e-3))
        terminal.wait_for("7  -5.06000000")
        store.progress(lease, Progress(0.6, "freq", 8, -5.0601, None, 1e-4))
        terminal.wait_for("freq 8/12 gradients")
        text = terminal.drawing
        store.finish(lease, outcome())
        assert 0 == terminal.end()

    assert "opt tight + freq · GFN2-xTB · gas phase" in text[0]
    assert not any("-5.06010000" in line for line in text)


def test_watch_live_one_job_that_waits(nox: Nox, store: Store) -> None:
    """
    A job that waits says whether a worker can take it.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1") as unseen:
        unseen.wait_for("queued; no worker has been seen")
    store.tick(beat())
    with Terminal(nox, "watch", "1") as seen:
        seen.wait_for("queued; 1 worker can run it")


@pytest.mark.parametrize("words", ["1", "1-2", "1 --compact"])
def test_a_worker_that_has_just_come_is_not_gone(any_nox: Nox, any_store: Store, words: str) -> None:
    """
    A job that starts under a worker the view has not heard of has it read the workers again.
    """
    submit(any_store, water("cat"), water("int1"))
    with Terminal(any_nox, "watch", *words.split(), columns=120) as terminal:
        terminal.wait_for("no worker")
        with served(any_store):
            lease = claim(any_store).lease
            any_store.progress(lease, Progress(None, "opt", 164, -5.0, 3e-5, 1e-3))
            terminal.wait_for("164")
            terminal.signal(signal.SIGINT)
            terminal.end()
        running = [text for text in terminal.drawings if re.search("node07|1 running|running 1", text)]

    assert running
    assert not any("gone or cut off" in text or "no worker" in text for text in running)


def test_a_worker_that_starts_is_told(nox: Nox, store: Store) -> None:
    """
    Until the store has heard of the worker that submit started, every view says that one is starting.
    """
    submit(store, water("cat"), water("int1"))
    lock = nox.home / LOCK_NAME
    lock.write_text(f"{os.getpid()}\n")
    drawn = []
    for words in ("1", "1-2", "1 --compact"):
        lock.touch()  # it started just now
        with Terminal(nox, "watch", *words.split(), columns=120) as terminal:
            terminal.wait_for("a worker is starting")
            drawn.append(terminal.plain)
            terminal.signal(signal.SIGINT)
            terminal.end()
    lock.touch()
    shown = nox("status", "1", check=True).stdout

    assert not any("nox worker" in text for text in (*drawn, shown))
    assert "queued; a worker is starting" in shown
    assert "waits for a worker: a worker is starting" in nox("explain", "1", check=True).stdout
    assert "workers  none alive; one is starting\n" in nox("status", check=True).stdout


def test_a_few_jobs_with_a_line_each(nox: Nox, store: Store) -> None:
    """
    A few jobs have a line each while they run or when they failed; the others are counted.
    """
    submit(store, *(water(name, batch="cycle") for name in ("cat", "int1", "ts1")))
    finish_one(store)
    running = claim(store).lease
    store.progress(running, Progress(None, "opt", 31, -5.0, 2.2e-5, 3e-3))
    with Terminal(nox, "watch", "1-3") as terminal:
        terminal.wait_for("2.2e-05")
        before = terminal.plain
        store.finish(running, failed(outcome_json=record(running)))
        finish_one(store)
        assert 1 == terminal.end()
        after = terminal.plain

    assert re.search(r"cycle  █+▎?▒+·+  1/3 done · 1 running · 1 waiting   \d:\d\d", before)
    assert re.search(r"1  cat  .* done +4 .* -5\.07054412 +\d:\d\d", before)
    assert re.search(r"2  int1   3  0  opt +31 +2\.2e-05  3e-03 +\d:\d\d", before)
    assert "newest done  1 cat  -5.07054412 Eh\nwaiting      no worker has been seen" in before
    assert re.search(r"cycle  █{28}  2/3 done · 1 failed   \d:\d\d", after)
    assert re.search(r"2  int1  failed +31  3e-03 +\d:\d\d  scf not converged\n", after)
    assert after.endswith(
        "next: nox results @batch:cycle    nox fetch @batch:cycle\n"
        "why:  nox list --batch cycle --state failed\n"
    )


def test_watch_live_many_jobs_as_totals(nox: Nox, store: Store) -> None:
    """
    Many jobs are totals with a bar, and the few jobs that stand out.
    """
    store.tick(beat(owner=None))
    submit(store, *(water(f"conf_{index}", batch="screen") for index in range(40)))
    finish_one(store)
    store.finish(claim(store).lease, failed())
    store.progress(claim(store).lease, Progress(None, "opt", 164, -5.0, 3e-5, 1e-3))
    with Terminal(nox, "watch", "@batch:screen", columns=100) as terminal:
        terminal.wait_for("slowest running   3 conf_2  step 164  dE 3e-05")
        text = terminal.plain
        terminal.write("\x03")
        assert 130 == terminal.end()

    assert re.search(r"screen  █[▏▎▍▌▋▊▉]?▒·+  2/40", text)
    assert "1 done · 1 failed · 1 running · 37 waiting · 1 worker (2 slots)\n" in text
    assert "failed by reason: 1 scf not converged\n" in text
    assert "lowest so far     1 conf_0  -5.07054412 Eh\n" in text
    assert "last failed       2 conf_1  scf not converged  nox explain 2\n" in text
    assert "why:  nox list --batch screen --state failed" in text


def test_watch_live_two_views_of_a_batch_agree_on_its_time(any_nox: Nox, any_store: Store) -> None:
    """
    One that began with the batch and one that came late show the same time and the same estimate, which is
    about right; `nox status` shows that too.
    """
    asked = [{"kind": "echo", "payload": {"do": "nap", "s": NAP_S}} for _ in range(NAPS)]
    any_nox("submit", "-", "--no-start", input=json.dumps(asked), check=True)
    with Terminal(any_nox, "watch", "@last") as early:
        any_nox.worker("--slots", "2", standin=True)
        early.wait_for(" left")
        with Terminal(any_nox, "watch", "@last") as late, Terminal(any_nox, "status", "@last") as status:
            late.wait_for(" left")
            status.wait_for(" left")
            at_s, *_ = wait_until(
                lambda: sorted(estimates(early).keys() & estimates(late).keys()), 60, "a time that both show"
            )
            drawn = [estimates(early)[at_s], estimates(late)[at_s]]
            assert [0, 0] == [early.end(), late.end()]
            last = [re.findall(r"\d+/s +(\d:\d\d)\n", view.plain)[-1] for view in (early, late)]
    jobs = any_store.get_many(any_store.with_numbers(1, NAPS))
    took_s = (max(job.ended_ms or 0 for job in jobs) - min(job.started_ms or 0 for job in jobs)) / 1_000
    true_s = took_s - at_s

    assert abs(drawn[0] - drawn[1]) <= 2
    assert true_s / 2 <= drawn[1] <= 2 * true_s
    assert last[0] == last[1] == times.clock(took_s)


def estimates(terminal: Terminal) -> dict[int, float]:
    """Read the estimates of a live view by the elapsed time, both in seconds."""
    found = re.findall(r"(\d):(\d\d), about ([\d.]+) s left", terminal.plain)
    return {60 * int(minutes) + int(seconds): float(left) for minutes, seconds, left in found}


def test_totals_of_a_few(nox: Nox, store: Store) -> None:
    """
    With --compact few jobs are totals too.
    """
    submit(store, water("cat"))
    finish_one(store)
    with Terminal(nox, "watch", "1", "--compact") as terminal:
        assert 0 == terminal.end()

        assert "jobs  ████████████████████████████  1/1" in terminal.plain


def test_watch_live_fits_and_follows_the_terminal(nox: Nox, store: Store) -> None:
    """
    No line is wider and no drawing higher than the terminal, also when its size changes.
    """
    submit(store, *(water(f"a_rather_long_name_{index}") for index in range(12)))
    for _ in range(12):
        claim(store, cores=64)
    with Terminal(nox, "watch", "1-12", columns=60, lines=10) as terminal:
        wait_until(lambda: "12 running" in "".join(terminal.drawing), 60, "a drawing")
        wide = terminal.drawing
        terminal.resize(40, 8)
        wait_until(lambda: is_within(terminal.drawing, 40, 7), 60, lambda: "\n".join(terminal.drawing))
        terminal.signal(signal.SIGINT)
        assert 130 == terminal.end()

    assert is_within(wide, 60, 9)


def is_within(drawing: list[str], columns: int, lines: int) -> bool:
    """Whether there is a drawing, and it is not larger than so much."""
    return 0 < max(map(len, drawing), default=0) <= columns and len(drawing) <= lines


def test_stopped_and_continued(nox: Nox, store: Store) -> None:
    """
    After Ctrl-Z and fg a new drawing begins below what was printed meanwhile.
    """
    submit(store, water("cat"))
    lease = claim(store, WORKER).lease
    with Terminal(nox, "watch", "1") as terminal:
        terminal.wait_for("running on node07")
        freeze(terminal.process, None)
        terminal.show("meanwhile\r\n")
        store.progress(lease, Progress(None, "opt", 7, -5.0, -1e-3, 1e-2))
        terminal.signal(signal.SIGCONT)
        wait_until(lambda: "-5.00000000" in "".join(terminal.lines), 60, lambda: terminal.text)
        lines = terminal.lines
        store.finish(lease, outcome())
        assert 0 == terminal.end()

    assert ["meanwhile", "", "1 cat  3 "] == [line[:9] for line in lines[:3]]


def test_watch_live_is_quiet(nox: Nox, store: Store) -> None:
    """
    However much happens, there are at most four drawings a second.
    """
    submit(store, water("cat"))
    lease = claim(store).lease
    began = time.monotonic()
    with Terminal(nox, "watch", "1") as terminal:
        terminal.wait_for("running on node07")
        for step in range(1, 400):
            store.progress(lease, Progress(None, "opt", step, -5.0, -1e-3, 1e-2))
        store.finish(lease, outcome())
        assert 0 == terminal.end()
        took_s, drawings = time.monotonic() - began, len(terminal.drawings)

    assert drawings <= 4 * took_s + 2
