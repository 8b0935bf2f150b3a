"""Work of commands as functions: called with a store and options, without a command line."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.changes.removal import remove
from nox_cli.exits import ExitCode
from nox_cli.inputs.files import Input
from nox_cli.results.artifacts import list_artifacts
from nox_cli.results.citations import cite
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.files import FetchOptions, fetch
from nox_cli.results.job_list import JobFilters, list_jobs
from nox_cli.results.query import ResultsOptions, read_results
from nox_cli.selectors.reader import look_up
from nox_cli.selectors.selection import named, outlined
from nox_cli.submission.engine_choice import EngineWanted
from nox_cli.submission.handover import hand_over
from nox_cli.submission.options import SubmitOptions
from nox_cli.submission.prepare import CallContext, prepare
from nox_cli.watch.board import Watching
from nox_cli.watch.events import read_events
from nox_cli.watch.explanation import Explained, explain
from nox_cli.watch.follower import Change, Until, wait_for
from nox_cli.watch.logs import LogPlace, LogsOptions, read_logs
from nox_cli.watch.status import Brief, Several, StatusOptions, read_overview, read_status
from tests.support.counted_progress import CountedProgress
from tests.support.ended import ENERGY_HARTREE, complete, water
from tests.support.stores import ADA, run_to_end, submit
from workers.job import JobState
from workers.metrics.queries import measure
from workers.store.values import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline, Page, Query


@pytest.fixture
def done(any_store: Store) -> list[str]:
    """Two completed jobs of ada's, the second with a higher energy."""
    return [
        complete(any_store, water("low")),
        complete(any_store, water("high"), energy_hartree=ENERGY_HARTREE + 0.01),
    ]


def test_read_results_compares_typed_records(any_store: Store, done: list[str]) -> None:
    """
    Rows are typed records, in the order that is asked for, with their places in the comparison.
    """
    found = read_results(
        any_store, done, ResultsOptions(sort="-energy", limit=2), ComparisonOptions(relative=True)
    )
    rows = list(found.rows())
    relative = found.readers()["relative_kcal_per_mol"]

    assert ["high", "low"] == [row.record.name for row in rows]
    assert [pytest.approx(6.275, abs=1e-3), 0.0] == [relative(row) for row in rows]


def test_long_work_reports_progress(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    Functions that may take long count what they have done; the count is removed before results are returned.
    """
    progress = CountedProgress()
    inputs = [Input(f"{name}.xyz", b"3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n") for name in "ab"]
    prepared = prepare(inputs, SubmitOptions(engine=EngineWanted.TBLITE), CallContext(ADA, progress=progress))
    hand_over(any_store, prepared.jobs, progress=progress)
    jobs = list(look_up(any_store, done))
    fetch(any_store, jobs, [], FetchOptions(str(tmp_path / "out")), progress)
    found = read_results(any_store, done, ResultsOptions(sort="energy"))
    found.progress = progress
    progress.begin("results read:")
    next(found.rows())
    remove(any_store, {job.id: job.state for job in jobs}, ADA, tmp_path, progress=progress)

    assert [
        ("inputs read:", 2, 1),
        ("jobs prepared:", 2, 1),
        ("jobs handed over:", 2, 0),
        ("jobs looked up:", 2, 1),
        ("files written:", 2, 1),
        ("results read:", 0, 1),
        ("cleared", 0, 0),
        ("jobs cleaned:", 2, 0),
    ] == progress.noted


def test_list_jobs_continues_at_a_cursor(any_store: Store, done: list[str]) -> None:
    """
    A page ends with a cursor, at which the next page begins; other users' jobs are not listed.
    """
    first = list_jobs(any_store, ADA, JobFilters(limit=1))
    names = [job.name for job in first.jobs()]
    rest = list_jobs(any_store, ADA, JobFilters(cursor=first.cursor))

    assert (["high"], ["low"]) == (names, [job.name for job in rest.jobs()])
    assert [] == list(list_jobs(any_store, "bob", JobFilters()).jobs())
    assert 2 == len(done)


def test_fetch_writes_files(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    Artifacts are listed, and written under the names of a template.
    """
    jobs = list(look_up(any_store, done))
    listed = list_artifacts(any_store, jobs)
    fetched = fetch(any_store, jobs, (), FetchOptions(directory=str(tmp_path)))

    assert {"opt.xyz", "engine.log", "result.json"} == {made.name for _, _, made in listed.artifacts}
    assert [tmp_path / "low-opt.xyz", tmp_path / "high-opt.xyz"] == [item.target for item in fetched.items]
    assert all(item.target.is_file() for item in fetched.items)


def test_cite_counts_calculations(any_store: Store, done: list[str]) -> None:
    """
    Jobs that were computed in one way have one sentence.
    """
    found = cite(any_store, done)

    assert 2 == found.jobs
    assert found.account.sentences[0].startswith("Geometries were optimised (normal thresholds)")


def test_status_of_one_of_several_and_of_all(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    The status of a job, of several and of the store are values of their own types.
    """
    one = read_status(any_store, tmp_path, done[:1], StatusOptions(public=True))
    several = read_status(any_store, tmp_path, done, StatusOptions())

    assert isinstance(one, Brief)
    assert isinstance(several, Several)
    assert done == [job.id for job in several.jobs()]
    assert 2 == sum(read_overview(any_store, tmp_path, ADA).counts.values())


def test_explain_finds_that_no_worker_lives(any_store: Store, tmp_path: Path) -> None:
    """
    The cause of a job that waits is a value with facts and commands.
    """
    found = explain(any_store, tmp_path, submit(any_store, water()))

    assert isinstance(found, Explained)
    assert "waits for a worker: none lives" == found.cause.why


def test_wait_for_ends_with_the_jobs(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    A wait for completed jobs is over at once; with a timeout of 0 one for others looks once.
    """
    waiting = wait_for(any_store, tmp_path, done, Until())
    pending = wait_for(any_store, tmp_path, submit(any_store, water()), Until(timeout_s=0.0))

    assert ([], ExitCode.DONE) == (list(waiting.go()), waiting.exit)
    assert ([], ExitCode.PENDING) == (list(pending.go()), pending.exit)


def test_watching_streams_changes(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    Watching jobs yields their changes until all have ended.
    """
    watching = Watching(any_store, tmp_path, done)
    changes = list(watching.stream())

    assert done == [one.job_id for one in changes if isinstance(one, Change)]
    assert ExitCode.DONE == watching.exit


def test_read_events_continues_after_a_cursor(any_store: Store, done: list[str]) -> None:
    """
    A stream reports each cursor that it reaches; from there another one reads the rest.
    """
    reached: list[str] = []
    every = list(read_events(any_store, reached=reached.append).read())
    middle = every[2]
    assert isinstance(middle, Event)

    assert done[0] == middle.job_id
    assert every[3:] == list(read_events(any_store, middle.cursor).read())
    assert middle.cursor in reached


def test_read_logs_reads_pieces(any_store: Store, done: list[str], tmp_path: Path) -> None:
    """
    The last lines of a job's log are read from the store.
    """
    logs = read_logs(any_store, done[:1], LogPlace.here(tmp_path), LogsOptions(lines=1))

    assert b"two\n" == b"".join(logs.pieces(logs.jobs[0]))


def test_measure_counts_jobs(any_store: Store, done: list[str]) -> None:
    """
    Metrics are measured from a store alone.
    """
    assert len(done) == sum(measure(any_store).counts.values())


@pytest.fixture
def records(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the jobs whose whole records were read."""
    found: list[str] = []
    many, page = any_store.get_many, any_store.page

    def get_many(job_ids: Sequence[str]) -> list[Job]:
        found.extend(job_ids)
        return many(job_ids)

    def read_page(query: Query) -> Page:
        read = page(query)
        found.extend(job.id for job in read.items)
        return read

    for name, read in (("get_many", get_many), ("page", read_page)):
        if any_store.kind == "redis" or name == "get_many":
            monkeypatch.setattr(any_store, name, read)
    return found


def test_results_of_jobs_without_a_result_read_no_record(any_store: Store, records: list[str]) -> None:
    """
    A batch that has just begun is answered by outlines; of those with a result the records are read.
    """
    done = complete(any_store, water("done"))
    submit(any_store, *(water(f"w{i}") for i in range(5)))
    del records[:]
    found = read_results(any_store, outlined(any_store, ["@all"], owner=ADA, stdin=StringIO()))

    assert ["done"] == [row.record.name for row in found.rows()]
    assert 5 == found.left_out[JobState.QUEUED]
    assert {done} == set(records)


def test_wait_reads_no_record(any_store: Store, tmp_path: Path, records: list[str]) -> None:
    """
    States are enough to wait, for a batch and for ids.
    """
    done = complete(any_store, water("done"))
    ids = submit(any_store, water())
    del records[:]
    for words in (["@all"], [done, *ids]):
        jobs = outlined(any_store, words, owner=ADA, stdin=StringIO())
        waiting = wait_for(any_store, tmp_path, jobs, Until(timeout_s=0.0))
        list(waiting.go())
        assert ExitCode.PENDING is waiting.exit
        assert {JobState.DONE: 1, JobState.QUEUED: 1} == waiting.ended.tally

    assert any_store.kind == "local" or [] == records


def test_wait_misses_no_change_while_outlines_are_read(any_store: Store, tmp_path: Path) -> None:
    """
    A job that ends after its outline was read has ended for the wait too.
    """
    ids = submit(any_store, water("a"), water("b"))

    def jobs() -> Iterator[Outline]:
        yield from any_store.outlines(ids[:1])
        run_to_end(any_store, ids[0])
        run_to_end(any_store, ids[1])
        yield from any_store.outlines(ids[1:])

    waiting = wait_for(any_store, tmp_path, jobs(), Until(timeout_s=20.0))
    found = waiting.follower.changes(0.0)
    list(waiting.go())

    assert (ids[0], JobState.DONE) == (found[-1].job_id, found[-1].state)
    assert ExitCode.DONE is waiting.exit


def test_status_reads_the_first_jobs_first(any_store: Store, tmp_path: Path) -> None:
    """
    The first jobs of a batch are written before the last are looked for.
    """
    submit(any_store, *(water(f"w{i}", batch="many") for i in range(1_200)))
    ids = named(any_store, ["@batch:many"], owner=ADA, stdin=StringIO())
    found = read_status(any_store, tmp_path, ids, StatusOptions())
    assert isinstance(found, Several)
    first = next(found.jobs())
    rest = sum(1 for _ in ids)

    assert "w0" == first.name
    assert 500 < rest < 1_200
