"""`nox top` as a person uses it, on a screen of 80 columns and 24 lines: what is drawn, and what keys do."""

from __future__ import annotations

import math
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import load
from nox_cli.results.filters import Filters, read_filters
from nox_cli.top.context import Context
from nox_cli.top.readings import read_job
from nox_cli.top.views.jobs import JobsView, JobTable
from nox_cli.watch.board import AWAY
from nox_cli.watch.survey import Survey
from tests.support.ended import done, water
from tests.support.pilot import LIMIT_S, drawn, play
from tests.support.pools import OTHER_TOKEN, TOKEN, allocate, define, pools_of
from tests.support.stores import ADA, BOB, beat, claim, failed, new_job, served, submit
from workers.errors import StoreUnreachable
from workers.job import JobState, Progress, Reason
from workers.store.opening import open_store
from workers.store.values import Point

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.config.settings import Settings
    from nox_cli.top.readings import JobReading
    from nox_cli.watch.batch_progress import BatchProgress
    from tests.support.proxy import Proxy
    from workers.store.base import Store

READ_ONLY = "read-only: w allows changes"


def optimised(store: Store, steps: int = 20) -> None:
    """Claim the next job, and report steps of its optimisation."""
    points = [
        Point(step, -5.0 - 0.07 * (1 - math.exp(-step)), 10.0 ** (-step / 5)) for step in range(1, steps + 1)
    ]
    newest = points[-1]
    progress = Progress(None, "opt", steps, newest.energy_hartree, -3.1e-5, newest.gradient_norm)
    store.progress(claim(store).lease, progress, points)


def fail(store: Store, reason: Reason = Reason.SCF) -> None:
    """Claim the next job, and let it fail."""
    store.finish(claim(store).lease, failed(reason))


def states(store: Store) -> list[JobState]:
    """The states of all jobs, by number."""
    return [one.state for one in store.outlines(store.with_numbers(1, 100))]


def test_top_lists_jobs_with_their_states_in_words(any_store: Store, caller: Settings) -> None:
    """
    Each job has a line with its state in words; the current one is marked by a sign, and shown beside.
    """
    submit(any_store, *(water(name) for name in ("cat", "rad", "sub", "ts1")))
    any_store.finish((lease := claim(any_store).lease), done(lease))
    fail(any_store)
    optimised(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.wait_for("2/4", "4 ts1  H2O")
            lines = top.lines
            assert "1 done · 1 failed · 1 running · 1 waiting" in lines[1]
            assert lines[2].startswith(" [1 jobs]  2 workers  3 failures  read-only  row 1")
            assert [line.split("│")[0].split() for line in lines[4:8]] == [
                [">", "4", "ts1", "queued"],
                ["3", "sub", "running", "opt", "20"],
                ["2", "rad", "failed", "scf", "not", "converged"],
                ["1", "cat", "done", "-5.07054412"],
            ]
            assert " > nox explain 4" == top.command

    play(steps())


def test_top_plots_the_convergence_of_a_running_job(any_store: Store, caller: Settings) -> None:
    """
    While a job is optimised, its gradient norm and its energy are plotted over the steps.
    """
    submit(any_store, water("cat"))
    optimised(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.wait_for("|g| 1.0e-04 (<1e-03) Eh/bohr", "E - (-5.07000000) Eh", "1e-03 ┫⠉⠉⠉")
            await top.press("p")
            await top.wait_for("[plot]", "1e-02 ┫", "20")
            assert " > nox watch 1" == top.command

    play(steps())


def test_top_shows_what_changed_while_another_view_was_there(any_store: Store, caller: Settings) -> None:
    """
    A view that comes back has the jobs as they are.
    """
    submit(any_store, water("a"))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.wait_for("> 1 ", "queued")
            await top.press("2")
            await top.wait_for("no worker is alive")
            any_store.hold(any_store.with_numbers(1, 1), owner=ADA)
            await top.wait_for("1 held")
            await top.press("1")
            await top.wait_until(lambda: "> 1" in top.lines[4] and " held " in top.lines[4])

    play(steps())


def test_top_shows_the_job_that_was_opened_last(
    any_store: Store, caller: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A job that is opened while another one is still being read is the one that is shown, and that keys change.
    """
    submit(any_store, water("a"), water("b"))
    begun, released = Event(), Event()

    def held(*words: Any) -> JobReading:
        begun.set()
        released.wait(LIMIT_S)
        return read_job(*words)

    monkeypatch.setattr("nox_cli.top.views.job.read_job", held)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("enter")
            await top.wait_until(begun.is_set)
            await top.press("escape", "down", "enter")
            released.set()
            await top.wait_for("1 a  H2O (3 atoms)", "[details]")
            await top.press("w", "h")
            await top.wait_for(" > nox hold 1 ")

    play(steps())


def test_top_reads_a_job_again_that_could_not_be_read(
    any_store: Store, caller: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A change that is known while the store fails is on the page of the job afterwards, without another change.
    """
    ids = submit(any_store, water("a"))
    fail(any_store)
    has_failed = False

    def failing(*words: Any) -> JobReading:
        nonlocal has_failed
        found = read_job(*words)
        if found.job.state is JobState.QUEUED and not has_failed:
            has_failed = True
            raise StoreUnreachable("redis://x")
        return found

    monkeypatch.setattr("nox_cli.top.views.job.read_job", failing)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("enter")
            await top.wait_for("1 a  H2O (3 atoms)", "failed")
            any_store.retry(ids, owner=ADA)
            await top.wait_for("queued")

    play(steps())
    assert has_failed


def test_top_shows_one_job_on_pages(any_store: Store, caller: Settings) -> None:
    """
    A job has its status page, its log and an explanation, each with the command that prints the same.
    """
    submit(any_store, water("cat"))
    fail(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("enter")
            await top.wait_for("1 cat  H2O (3 atoms)  charge 0", "failed", "[details]")
            assert " > nox status 1" == top.command
            await top.press("l")
            await top.wait_for("printed nothing")
            assert " > nox logs 1" == top.command
            await top.press("e")
            await top.wait_for("1 cat  failed: ", "try:  nox retry 1")
            assert " > nox explain 1" == top.command
            await top.press("escape")
            await top.wait_for("[1 jobs]")

    play(steps())


def test_top_filters_as_list_does(any_store: Store, caller: Settings) -> None:
    """
    `/` takes a part of a name, states and batches; the line of the same list can be copied; Esc ends it.
    """
    submit(any_store, *(new_job(name, batch="screen") for name in ("conf_1", "conf_2")), new_job("other"))
    any_store.hold([any_store.with_numbers(2, 2)[0]], owner=ADA)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("slash")
            await top.enter("conf")
            await top.wait_until(lambda: "other" not in top.text)
            await top.press("slash")
            await top.enter(" state:queued @batch:screen")
            await top.wait_until(lambda: "conf_2" not in top.text)
            assert "row 1  /conf state:queued @batch:" in top.lines[2]
            assert " screen  0/2 " in top.lines[0]
            await top.press("slash")
            await top.enter(" nothing")
            await top.wait_for("no job matches")
            await top.press("slash")
            await top.enter(" @nothing")
            await top.wait_for('"@nothing" is no filter')
            await top.press("escape")
            await top.wait_for("conf_1", "conf_2", "other")

    play(steps())


def test_top_filter_is_the_first_list(any_store: Store, caller: Settings) -> None:
    """
    Filters on the command line are those of the first list, and an empty one has its own line.
    """
    submit(any_store, new_job("a"))

    async def steps() -> None:
        async with drawn(any_store, caller, "@failed", "batch:screen") as top:
            await top.wait_for("no job matches @failed batch:screen")
            assert " > nox list --state failed --batch screen" == top.command

    play(steps())


ACTIONS: dict[str, tuple[str, str, JobState]] = {
    "c": ("nox cancel 1", "queued", JobState.CANCELLED),
    "h": ("nox hold 1", "queued", JobState.HELD),
    "u": ("nox release 1", "held", JobState.QUEUED),
    "r": ("nox retry 1", "cancelled", JobState.QUEUED),
}


@pytest.mark.parametrize("key", ACTIONS)
def test_top_changes_nothing_until_it_may(any_store: Store, caller: Settings, key: str) -> None:
    """
    An action shows its line, and is taken only after `w`; a cancel is asked for first.
    """
    line, word, after = ACTIONS[key]
    ids = submit(any_store, new_job("a", held=word == "held"))
    if word == "cancelled":
        any_store.cancel(ids, owner=ADA)
    (before,) = states(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press(key)
            await top.wait_for(f" > {line}   {READ_ONLY}")
            assert [before] == states(any_store)
            await top.press("w", key)
            if key == "c":
                await top.wait_for("cancel job 1 a?")
                await top.press("escape")
                assert [before] == states(any_store)
                await top.press(key, "enter")
            await top.wait_until(lambda: [after] == states(any_store))
            await top.wait_until(lambda: bool(top.app._ran))  # the line is noted after the change
            await top.press("at")
            await top.wait_for(line, f"({any_store.kind}:")

    play(steps())


def test_top_escapes_the_lines_that_were_run(any_store: Store, caller: Settings) -> None:
    """
    Each has a line of its own, and no control character reaches the terminal.
    """
    submit(any_store, new_job("a"))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            top.app._ran.append("nox retry 1\n  refused: \x1b[31m")
            await top.press("at")
            await top.wait_for("nox retry 1", r"refused: \x1b[31m")

    play(steps())


def test_top_drops_a_reading_of_earlier_filters(
    any_store: Store, caller: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was being read while the filters changed is not shown as the progress of other jobs.
    """
    submit(any_store, new_job("a"), new_job("b", batch="screen"))
    context = Context(any_store, caller, Filters(), look=lambda: None, draw=lambda: None)
    read = Survey.read

    def changed_meanwhile(survey: Survey, now_ms: int) -> BatchProgress:
        found = read(survey, now_ms)
        context.filters = read_filters("@batch:screen")
        context.expire()
        return found

    async def steps() -> None:
        totals = []
        for reading in (changed_meanwhile, read):
            monkeypatch.setattr(Survey, "read", reading)
            await context.refresh()
            totals.append(context.progress.total)
        context.close()
        assert [0, 1] == totals

    play(steps())


def test_top_sets_priorities(any_store: Store, caller: Settings) -> None:
    """
    `+` and `-` set the next priority of a waiting job.
    """
    (job_id,) = submit(any_store, new_job("a"))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("w", "plus")
            await top.wait_for(" > nox set 1 --priority 1   changed 1 job")
            await top.wait_until(lambda: any_store.get(job_id).priority == 1)
            await top.wait_until(lambda: top.app.query_one(JobsView).selected()[0].priority == 1)
            await top.press("minus")
            await top.wait_until(lambda: any_store.get(job_id).priority == 0)

    play(steps())


def test_top_acts_on_marked_jobs_by_one_line(any_store: Store, caller: Settings) -> None:
    """
    Space marks jobs; the line of an action names all of them.
    """
    submit(any_store, *(new_job() for _ in range(4)))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("space", "down", "space", "w", "c")
            await top.wait_for(" > nox cancel 2,4", "cancel 2 jobs?", "2 marked")
            await top.press("enter")
            await top.wait_for("cancelled 2 waiting jobs")

    play(steps())
    assert [JobState.QUEUED, JobState.CANCELLED] * 2 == states(any_store)


def test_top_leaves_jobs_of_other_users_alone(any_store: Store, caller: Settings) -> None:
    """
    A change of the job of another user is refused in the words of the command.
    """
    submit(any_store, new_job("a", owner=BOB))

    async def steps() -> None:
        async with drawn(any_store, caller, all_users=True) as top:
            await top.wait_for("1", "queued")
            await top.press("w", "h")
            await top.wait_for("some of these jobs belong to bob")

    play(steps())
    assert [JobState.QUEUED] == states(any_store)


def test_top_copies_the_line(any_store: Store, caller: Settings) -> None:
    """
    `y` copies the line that is shown: that of the current job, or of an action that was not taken.
    """
    submit(any_store, new_job("a"))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("y")
            assert "nox explain 1" == top.app.clipboard
            await top.press("c", "y")
            assert "nox cancel 1" == top.app.clipboard

    play(steps())


def test_top_groups_failures_with_the_command_that_helps(any_store: Store, caller: Settings) -> None:
    """
    Failed jobs are grouped by reason; `r` runs the group again, Enter lists it.
    """
    submit(any_store, *(water(name) for name in ("a", "b", "c", "d")))
    for reason in (Reason.SCF, Reason.SCF, Reason.CRASHED):
        fail(any_store, reason)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("3")
            await top.wait_for("3 failed", "scf not converged", "crashed", "all 2:  nox retry @failed:scf")
            assert " > nox explain @failed:scf" == top.command
            await top.press("w", "r")
            await top.wait_for("run 2 failed jobs again?")
            await top.press("enter")
            await top.wait_for("2 jobs queued again")
            await top.wait_for(" 1 failed")
            await top.press("enter")
            await top.wait_for("[1 jobs]", "/@failed:crashed")

    play(steps())
    assert 1 == states(any_store).count(JobState.FAILED)


def test_top_changes_failures_of_the_batch_only_that_is_shown(any_store: Store, caller: Settings) -> None:
    """
    Where the filter names a batch, its failures run again and are listed, as the shown line does it.
    """
    submit(any_store, water("a", batch="screen"), water("b", batch="other"))
    fail(any_store)
    fail(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller, "@batch:screen") as top:
            await top.press("3", "w")
            await top.wait_for("1 failed")
            await top.press("r")
            await top.wait_for("run 1 failed job again?")
            assert top.command == " > nox list -q @failed:scf --batch screen | nox retry -"
            await top.press("enter")
            await top.wait_for("1 job queued again")
            await top.wait_for("no job has failed")

    play(steps())
    assert [JobState.QUEUED, JobState.FAILED] == states(any_store)

    async def lists() -> None:
        async with drawn(any_store, caller, "@batch:other") as top:
            await top.press("3")
            await top.wait_for("1 failed", " > nox list -q @failed:scf --batch other | nox explain -")
            await top.press("enter")
            await top.wait_for("[1 jobs]", "/@batch:other @failed:scf")

    play(lists())


def test_top_says_what_is_wrong_without_the_line_of_another_action(
    any_store: Store, caller: Settings
) -> None:
    """
    A message about a key or a filter stands alone, and not behind the line of an action before it.
    """
    submit(any_store, water("a", held=True))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("w", "plus")
            await top.wait_for(" > nox set 1 --priority 1   changed 1 job")
            await top.press("h")
            assert " nothing to hold: only jobs that wait can be held" == top.command
            await top.press("plus")
            await top.wait_for("changed 1 job")
            await top.press("slash")
            await top.enter("@nothing")
            await top.wait_for(' "@nothing" is no filter')
            assert not top.command.startswith(" >")

    play(steps())


def test_top_shows_a_removed_job_no_longer(any_store: Store, caller: Settings) -> None:
    """
    A job that was removed, of which no event reports, leaves the list; its own view says what became of it.
    """
    ids = submit(any_store, water("a"), water("b"))
    fail(any_store)
    fail(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.wait_for("> 2", "b", "2/2")
            any_store.remove(ids[1:], owner=None)
            await top.wait_for("> 1", "1/1")
            await top.press("enter")
            await top.wait_for("1 a", "[details]", "failed")
            any_store.remove(ids[:1], owner=None)
            await top.wait_for("job 1 was removed")

    play(steps())


def test_top_shows_workers_with_their_slots(any_store: Store, caller: Settings) -> None:
    """
    A worker has a cell for each slot, and the jobs that run on it below.
    """
    submit(any_store, water("cat"))
    with served(any_store, busy=1):
        optimised(any_store)

        async def steps() -> None:
            async with drawn(any_store, caller) as top:
                await top.press("2")
                await top.wait_for("1 worker, 1 of 2 slots busy", "[#.]", "node07: 1 job", "1 cat  opt 20")
                assert " > nox worker list" == top.command

        play(steps())


@pytest.mark.parametrize("caller", ["redis"], indirect=True)
def test_top_shows_allocations_of_workers_and_pending_ones(any_store: Store, caller: Settings) -> None:
    """
    Of the current worker by number and pool, and without a worker what is pending in its place.
    """
    define(any_store)
    allocate(any_store)
    allocate(any_store, OTHER_TOKEN, number="4712", reason="Resources")
    pending = "allocation 4712 of pool small: it is pending (Resources)"

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("2")
            await top.wait_for("no worker is alive; 2 allocations pending (Priority, Resources)", pending)
            assert pools_of(any_store).join(TOKEN, beat().worker)
            with served(any_store, allocation=TOKEN):
                await top.wait_for("node07, allocation 4711 small: 0 jobs", pending)

    play(steps())


def test_top_goes_to_a_place(any_store: Store, caller: Settings) -> None:
    """
    `:` takes the name of a view or the number of a job, and reports what there is not.
    """
    submit(any_store, water("cat"), water("rad"))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            for words, seen in (
                ("work", "no worker is alive"),
                ("1", "job read-only  [details] plot log explain  1 cat"),
                ("9", "there is no job 9"),
            ):
                await top.press("colon")
                await top.enter(words)
                await top.wait_for(seen)
            await top.press("colon")
            await top.enter("q")

    play(steps())


@pytest.mark.parametrize(("columns", "lines"), [(40, 12), (80, 24), (200, 60)])
def test_top_fits_the_screen(any_store: Store, caller: Settings, columns: int, lines: int) -> None:
    """
    On small and large screens there are jobs, their states, the line and the keys; a resize draws anew.
    """
    submit(any_store, *(water(f"conf_{number}") for number in range(70)))
    fail(any_store)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.resize(columns, lines)
            await top.wait_until(lambda: lines == len(top.lines) and top.lines[-1].startswith(" ? keys"))
            await top.press("end")
            await top.wait_until(lambda: top.lines[-3].startswith("> 1 "))
            assert "failed" in top.lines[-3]
            assert " > nox explain 1" == top.command
            assert "0/70" in top.lines[0] or "1/70" in top.lines[0]
            assert all(len(line) <= columns for line in top.lines)

    play(steps())


def test_top_reads_only_visible_jobs(any_store: Store, caller: Settings, monkeypatch: Any) -> None:
    """
    Of many jobs, a page down and a jump to the end read a page each.
    """
    submit(any_store, *(new_job() for _ in range(400)))
    read = 0
    page = any_store.page

    def counted(query: Any) -> Any:
        nonlocal read
        found = page(query)
        read += len(found.items) * (not query.states)  # those of the survey have states
        return found

    monkeypatch.setattr(any_store, "page", counted)

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("pagedown")
            await top.press("end")
            await top.wait_until(lambda: top.lines[-3].startswith("> 1 "))

    play(steps())
    assert 0 < read <= 200


def test_top_lists_its_keys(any_store: Store, caller: Settings) -> None:
    """
    `?` lists what each key does, and the next key closes the list.
    """

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.press("question_mark")
            await top.wait_for("nox top: keys", "filter:", "cancel")
            await top.press("escape")
            await top.wait_for("no jobs so far")

    play(steps())


def test_top_goes_on_when_redis_is_back(proxy: Proxy, home: Path, tmp_path: Path) -> None:
    """
    While Redis does not answer, a notice stands above what was read, and one can move; then it goes on.
    """
    named = {"HOME": str(tmp_path), "NOX_HOME": str(home), "NOX_USER": ADA, "NOX_AUTOSTART": "never"}
    settings = load(named | {"REDIS_URL": proxy.url}, Call("", ()))
    with closing(open_store(settings.store)) as store:
        submit(store, new_job("a"), new_job("b"))

        async def steps() -> None:
            async with drawn(store, settings) as top:
                await top.wait_for("> 2 ")
                proxy.refuse()
                proxy.cut()
                await top.wait_for(AWAY, "queued")
                await top.press("down")
                await top.wait_for("> 1 ")
                proxy.let_go()
                submit(store, new_job("c"))
                await top.wait_for("[1 jobs]", "  3 ")

        play(steps())


def test_top_follows_the_mouse(any_store: Store, caller: Settings) -> None:
    """
    A click makes a job the current one, and the wheel moves on.
    """
    submit(any_store, *(new_job() for _ in range(9)))

    async def steps() -> None:
        async with drawn(any_store, caller) as top:
            await top.click(JobTable, 3, 4)
            await top.wait_for("> 6 ", " > nox explain 6")
            await top.press("1")
            top.app.view.on_mouse_scroll_down()
            await top.wait_for("> 3 ")

    play(steps())
