"""The store's contract: tokens of the HTTP API, what they use, and the events that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stores import (
    BOB,
    RUNNING_JOBS,
    artifact,
    claim,
    failed,
    new_job,
    outcome,
    run_to_end,
    submit,
    submit_named,
)
from workers.errors import InputRefused, NothingMatched
from workers.job import JobState, Reason
from workers.store.redis import tokens as redis_tokens
from workers.store.sqlite import tokens as sqlite_tokens
from workers.store.tokens import MAX_TOKENS, Ceilings, Token, TokenUsage, digest_of, new_secret

if TYPE_CHECKING:
    from workers.store.base import Store

CEILINGS = Ceilings(jobs=5, cores=4, memory_bytes=2**30, stored_bytes=10**9, streams=3)


def token(name: str = "ci", **changes: Any) -> Token:
    """Make a token that no other test has."""
    made = Token(digest_of(new_secret()), name, "submit", BOB, 1_000, 9_000_000, None, CEILINGS)
    return made._replace(**changes)


def told(store: Store) -> list[tuple[JobState, str]]:
    """Read the states of all events, with the tokens that caused them."""
    return [(event.state, event.token) for event in store.events("0").items]


def usage(store: Store, name: str = "ci") -> TokenUsage:
    """Count exactly what the jobs of a token use."""
    return store.token_usage(name, -1)


def test_tokens_are_listed_as_they_were_made(store: Store, another: Store) -> None:
    """
    The oldest comes first, with scope, owner, times and ceilings, for every process.
    """
    assert [] == store.tokens()
    late, early = token("late", created_ms=2_000, expires_ms=None), token("early", scope="admin")
    store.add_token(late)
    store.add_token(early)

    assert [early, late] == another.tokens()


def test_token_names_are_unique(store: Store) -> None:
    """
    A second token of one name is refused and changes nothing; the same token again is stored once.
    """
    first = token()
    store.add_token(first)
    store.add_token(first)
    with pytest.raises(InputRefused, match="there is a token 'ci' already"):
        store.add_token(token(scope="admin"))

    assert [first] == store.tokens()


def test_tokens_are_limited_in_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The last that fits is stored, the next is refused.
    """
    assert 1_000 == MAX_TOKENS
    for module in (redis_tokens, sqlite_tokens):
        monkeypatch.setattr(module, "MAX_TOKENS", 2)
    for name in ("a", "b"):
        store.add_token(token(name))
    with pytest.raises(InputRefused, match="which is the most"):
        store.add_token(token("c"))

    assert ["a", "b"] == [one.name for one in store.tokens()]


def test_a_revoked_token_is_gone(store: Store, another: Store) -> None:
    """
    Others stay, its name is free again, and a second revocation is refused.
    """
    store.add_token(token())
    store.add_token(token("other"))
    store.revoke_token("ci")

    assert ["other"] == [one.name for one in another.tokens()]
    with pytest.raises(NothingMatched, match="there is no token 'ci'"):
        store.revoke_token("ci")
    store.add_token(token())


def test_the_use_of_a_token_is_noted(store: Store) -> None:
    """
    Only that token has a time of use; an unknown one is ignored.
    """
    used = token("a")
    store.add_token(used)
    store.add_token(token("b"))
    store.note_tokens([used.digest, digest_of("nox_unknown")])

    first, second = store.tokens()
    assert first.used_ms is not None
    assert first.used_ms > 1_600_000_000_000
    assert second.used_ms is None


def test_events_name_the_token_that_caused_them(store: Store) -> None:
    """
    Submit, hold, release and cancel name it; what workers and other clients do names none.
    """
    acting = store.acting_as("ci")
    (job_id,) = submit_named(acting, "a")
    acting.hold([job_id], owner=None)
    store.release([job_id], owner=None)
    claim(store)
    (other,) = submit_named(store, "b")
    store.acting_as("robot").cancel([other], owner=None)

    assert [
        (JobState.QUEUED, "ci"),
        (JobState.HELD, "ci"),
        (JobState.QUEUED, ""),
        (JobState.RUNNING, ""),
        (JobState.QUEUED, ""),
        (JobState.CANCELLED, "robot"),
    ] == told(store)


def test_the_end_of_a_running_job_names_the_token_that_cancelled_it(store: Store) -> None:
    """
    The worker ends the job, and the event names the token, but not after a retry and a cancel by another.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.acting_as("ci").cancel([job_id], owner=None)
    store.finish(lease, outcome(JobState.CANCELLED, Reason.USER))
    store.retry([job_id], owner=None)
    lease = claim(store).lease
    store.cancel([job_id], owner=None)
    store.finish(lease, outcome(JobState.CANCELLED, Reason.USER))

    assert ["ci", ""] == [by for state, by in told(store) if state is JobState.CANCELLED]


def test_a_cancel_of_a_running_job_that_completes_names_no_token(store: Store) -> None:
    """
    The job was done before its worker heard of the cancel: the token did not cause that.
    """
    (job_id,) = submit_named(store, "a")
    lease = claim(store).lease
    store.acting_as("ci").cancel([job_id], owner=None)
    store.finish(lease, outcome())

    assert (JobState.DONE, "") == told(store)[-1]


def test_jobs_of_a_token_count_while_they_are_unfinished(store: Store) -> None:
    """
    Those of other clients do not, ended ones no more, and ones that run again do again.
    """
    acting = store.acting_as("ci")
    a, b, c = submit_named(acting, "a b c")
    submit_named(store, "other")
    submit_named(store.acting_as("robot"), "another")
    assert (3, 1) == (usage(store).jobs, usage(store, "robot").jobs)

    run_to_end(store, a, failed(Reason.SCF))
    acting.cancel([b], owner=None)
    assert 1 == usage(store).jobs
    store.retry([a, b], owner=None)
    assert 3 == usage(store).jobs
    store.cancel([a, b, c], owner=None)
    assert 0 == usage(store).jobs
    assert TokenUsage(0, 0) == usage(store, "nobody")


def test_many_jobs_of_a_token_are_counted(store: Store) -> None:
    """
    More than one step of the store looks at are counted exactly, those that ended among them left out.
    """
    acting = store.acting_as("ci")
    ids = submit(acting, *(new_job(str(n)) for n in range(1_200)))
    store.cancel(ids[:100] + ids[1_100:], owner=None)

    assert 1_000 == usage(store).jobs


def test_bytes_of_a_token_are_those_that_the_store_has(store: Store) -> None:
    """
    Calculations, results and artifacts count once; removed jobs and files do not.
    """
    acting = store.acting_as("ci")
    job = new_job("a")
    submit(acting, job)
    submit(acting, job)
    asked = usage(store).stored_bytes
    assert len(job.spec_json) == asked

    ended = outcome(artifacts=(artifact("xtb.log", "x" * 500),))
    (content,) = [one.content for one in ended.artifacts]
    assert content is not None
    run_to_end(store, job.id, ended)
    assert asked + len(ended.outcome_json) + len(content) == usage(store).stored_bytes
    store.remove([job.id], owner=None, files_only=True)
    assert asked + len(ended.outcome_json) == usage(store).stored_bytes
    store.remove([job.id], owner=None)
    assert TokenUsage(0, 0) == usage(store)


def test_a_token_that_acts_leaves_nothing_behind(store: Store) -> None:
    """
    The next change of another client, also after a refused one of the token, names none.
    """
    acting = store.acting_as("ci")
    (job_id,) = submit_named(store, "a")
    with pytest.raises(InputRefused):
        submit(acting, new_job("other", id=job_id, digest="another"))
    acting.hold([job_id], owner=None)
    store.release([job_id], owner=None)

    assert [] == list(store.page(RUNNING_JOBS).items)
    assert ["", "ci", ""] == [by for _, by in told(store)]
