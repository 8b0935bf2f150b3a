"""Submitting without a command line: inputs and options become jobs of a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs.files import Input
from nox_cli.submission.engine_choice import EngineWanted
from nox_cli.submission.geometry_sources import GeometrySource, read_sources, restart
from nox_cli.submission.jobs import Start, parents
from nox_cli.submission.options import Found, KindWanted, SubmitOptions, UniqueOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from nox_cli.submission.submit import HandoverOptions, submit
from tests.support.stores import ADA, ENGINES, claim, failed, outcome
from workers.errors import InputRefused, UsageError
from workers.job import Condition, JobState, Reason
from workers.names import OptLevel
from workers.runtime.autostart import Wake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nox_cli.config.settings import Settings
    from workers.store.base import Store

WATER = Input("water.xyz", b"3\n\nO 0.0 0.4 0.0\nH -0.8 -0.2 0.0\nH 0.8 -0.2 0.0\n")
METHYL = Input("methyl.xyz", b"4\n\nC 0 0 0\nH 1 0 0\nH -0.5 0.9 0\nH -0.5 -0.9 0\n")
GEOMETRY = {"symbols": ["O", "H", "H"], "positions_angstrom": [[0, 0.1, 0], [-0.8, -0.4, 0], [0.8, -0.4, 0]]}
OPT = SubmitOptions(opt=OptLevel.NORMAL)
ALICE = CallContext(ADA)
USUAL = HandoverOptions()


def prepared(*inputs: str | Input, options: SubmitOptions = OPT, start: Start | None = None) -> Prepared:
    """Prepare jobs that may start at once, or as `start` says."""
    return prepare(inputs, options, ALICE, start or Start())


def stored(store: Store) -> Sequence[str]:
    """Name the jobs of a store, by number."""
    return sorted(job.name for job in store.get_many(store.last(ADA)))


def test_structures_become_stored_jobs(any_store: Store, caller: Settings) -> None:
    """
    A program hands contents over and gets the jobs' ids and numbers, and what keeps them from running.
    """
    done = submit(any_store, prepared(WATER, WATER), caller, USUAL)
    jobs = any_store.get_many([job.job_id for job in done.stored.jobs])

    assert [("water", 1), ("water", 2)] == [(job.name, job.number) for job in done.stored.jobs]
    assert ["opt", "opt"] == [job.kind for job in jobs]
    assert done.prepared.batch == jobs[0].batch != ""
    assert None is done.stored.cut
    assert (any_store.kind == "local") == (done.woken is not None and done.woken.wake is Wake.LEFT)
    assert (any_store.kind == "local") == done.hopeless.issuperset(job.id for job in jobs)


def test_requests_are_inputs_too(any_store: Store, caller: Settings) -> None:
    """
    JSON requests need no file: their content is handed over.
    """
    requests = Input("requests.json", b'[{"kind": "echo", "name": "a"}, {"kind": "echo", "name": "b"}]')
    submit(any_store, prepared(requests, options=SubmitOptions()), caller, USUAL)

    assert ["a", "b"] == stored(any_store)


def test_preparing_checks_and_stores_nothing(any_store: Store) -> None:
    """
    Inputs can be checked without a submit; a bad one refuses all, as an exception.
    """
    assert 1 == len(prepared(WATER).jobs)
    with pytest.raises(InputRefused, match=r"methyl.xyz: 9 electrons") as caught:
        prepared(WATER, METHYL)

    assert "nothing was submitted" == caught.value.did
    assert {} == any_store.counts()


@pytest.mark.parametrize(
    "options",
    [
        SubmitOptions(acc=1e9),
        SubmitOptions(opt=OptLevel.NORMAL, cycles=0),
        SubmitOptions(priority=1_000_000),
        SubmitOptions(cores=0),
        SubmitOptions(retries=-1),
        SubmitOptions(max_fails=-1),
    ],
)
def test_numbers_out_of_bounds_are_refused(options: SubmitOptions) -> None:
    """
    A program, which no command line has checked, gets an error of usage.
    """
    with pytest.raises(UsageError, match="from"):
        prepared(WATER, options=options)


def test_a_program_without_standard_input_is_told() -> None:
    """
    `-` is standard input, which only a command line has.
    """
    with pytest.raises(UsageError, match="no standard input"):
        prepared("-")


def test_the_start_is_part_of_the_job(any_store: Store, caller: Settings) -> None:
    """
    Jobs are held, wait for a time and for other jobs as the caller says.
    """
    first = submit(any_store, prepared(WATER), caller, USUAL).stored.jobs[0].job_id
    start = Start(held=True, begin_ms=4_000_000_000_000, parents=parents({Condition.DONE: [first]}))
    second = submit(any_store, prepared(METHYL, options=SubmitOptions(uhf="1"), start=start), caller, USUAL)
    job = any_store.get(second.stored.jobs[0].job_id)

    assert (JobState.HELD, start.begin_ms) == (job.state, second.prepared.jobs[0].begin_ms)
    assert [(first, Condition.DONE)] == [(one.job_id, one.condition) for one in any_store.parents(job.id)]


def test_a_job_cannot_be_waited_for_in_two_ways() -> None:
    """
    The conditions of one parent contradict each other.
    """
    with pytest.raises(UsageError, match="in two ways"):
        parents({Condition.DONE: ["a"], Condition.FAILED: ["a"]})


def test_unique_jobs_are_stored_once(any_store: Store, caller: Settings) -> None:
    """
    An equal calculation is found by its key; if it failed, it can run again.
    """
    unique = UniqueOptions(unique="", if_exists=Found.RETRY_FAILED)
    how = HandoverOptions(retries_failed=True)
    first, again = (
        submit(any_store, prepare([WATER], OPT, ALICE, unique=unique), caller, how) for _ in range(2)
    )
    one = claim(any_store, engines=ENGINES | {first.prepared.jobs[0].engine})
    any_store.finish(one.lease, failed())
    retried = submit(any_store, prepare([WATER], OPT, ALICE, unique=unique), caller, how)

    assert [(False, 0), (True, 0), (True, 1)] == [
        (done.stored.jobs[0].existing, done.retried) for done in (first, again, retried)
    ]
    assert 1 == len({done.stored.jobs[0].job_id for done in (first, again, retried)})


@pytest.mark.parametrize(
    ("inputs", "options", "key"),
    [
        (
            [WATER],
            SubmitOptions(opt=OptLevel.NORMAL, engine=EngineWanted.TBLITE),
            "f0edf40c582f0de53548a6c85aa989831abff19ebc4757c12e47cbc2dcd89b69",
        ),
        (
            [WATER],
            SubmitOptions(gfn=1, force=True, chrg=1, uhf="1", engine=EngineWanted.TBLITE),
            "0747f6baff39ace1b35da6be19ae6a60619f4c755bc93d5259121a291eb91feb",
        ),
        (
            [],
            SubmitOptions(kind=KindWanted.ECHO, payload='{"b": [1, 2.5, 1e16], "a": null}'),
            "9e904ca04e96a19cf41e6bbd63877583d99716a01a7b93afb5afd65ba5b324e7",
        ),
    ],
)
def test_the_key_of_a_calculation_stays(inputs: list[Input], options: SubmitOptions, key: str) -> None:
    """
    Stores hold jobs under their keys: another key for the same calculation would compute it again.
    """
    assert key == prepare(inputs, options, ALICE, unique=UniqueOptions(unique="")).jobs[0].unique


@pytest.mark.parametrize("caller", ["local"], indirect=True)
def test_jobs_can_be_held_for_another_store(any_store: Store, caller: Settings) -> None:
    """
    Jobs of the local store that await a move stay until they are pushed or released.
    """
    done = submit(any_store, prepared(WATER), caller, HandoverOptions(awaits_move=True))
    job = any_store.get(done.stored.jobs[0].job_id)

    assert (JobState.HELD, Reason.MOVED) == (job.state, job.reason)
    assert {job.id} == done.hopeless


def test_a_submit_that_is_stopped_stores_nothing(any_store: Store, caller: Settings) -> None:
    """
    The caller stops a submit before its first chunk: no job is stored, and no worker is woken.
    """
    done = submit(any_store, prepared(WATER), caller, USUAL, lambda: True)

    assert ((), None) == (done.stored.jobs, done.woken)
    assert {} == any_store.counts()


def finished(store: Store, caller: Settings, *, ended: JobState) -> str:
    """Submit an optimisation and end it with a geometry; return its id."""
    job = submit(store, prepared(WATER), caller, USUAL).prepared.jobs[0]
    text = json.dumps({"result": GEOMETRY})
    one = claim(store, engines=ENGINES | {job.engine})
    reason = None if ended is JobState.DONE else Reason.NOT_CONVERGED
    store.finish(one.lease, outcome(ended, reason, outcome_json=text))
    return job.id


def test_a_job_starts_from_the_geometry_of_another(any_store: Store, caller: Settings) -> None:
    """
    The final geometry of a stored job is an input of a new one.
    """
    job_id = finished(any_store, caller, ended=JobState.DONE)
    sources: list[GeometrySource] = list(read_sources(any_store, [job_id]))
    context = CallContext(ADA, sources=sources)
    [job] = prepare((), SubmitOptions(hess=True), context).jobs
    spec = json.loads(job.spec_json)

    assert (job_id, 0.1) == (spec["source"]["job"], spec["structure"]["positions_angstrom"][0][1])


def test_a_failed_optimisation_is_continued_once(any_store: Store, caller: Settings) -> None:
    """
    A new job continues from the last geometry; asked for again, it is the same job.
    """
    job_id = finished(any_store, caller, ended=JobState.FAILED)
    first, again = (restart(any_store, [job_id], caller).stored.jobs[0] for _ in range(2))

    assert (False, True) == (first.existing, again.existing)
    assert first.job_id == again.job_id != job_id
    assert job_id == json.loads(any_store.spec(first.job_id))["retry_of"]


def test_a_job_that_did_not_fail_is_not_continued(any_store: Store, caller: Settings) -> None:
    """
    A refusal comes as an exception, and nothing is stored.
    """
    job_id = submit(any_store, prepared(WATER), caller, USUAL).prepared.jobs[0].id
    with pytest.raises(InputRefused, match="has no last geometry to go on from"):
        restart(any_store, [job_id], caller)

    assert 1 == sum(any_store.counts().values())
