"""Selectors by a name alone: the one job or batch that has it, or a message that helps."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.selectors.reader import look_up
from nox_cli.selectors.selection import select
from tests.support.stores import ADA, BOB, new_job, submit, submit_named
from workers.errors import JobNotFound, NoxError, UsageError

if TYPE_CHECKING:
    from workers.store.base import Store


@pytest.fixture(autouse=True)
def _filled(any_store: Store) -> None:
    """Jobs 1 to 3 of the batch screen, and jobs whose names look like other selectors."""
    submit_named(any_store, "conf_1 conf_2 screen", batch="screen")
    submit(any_store, new_job("42", tags={"set": "a"}), new_job("cafe"), new_job("ace"), new_job("2-butanol"))
    submit_named(any_store, "lone", batch="lone")
    submit(any_store, new_job("his", owner=BOB), new_job("conf_1", owner=BOB), new_job("twice"))
    submit(any_store, new_job("twice"), new_job("a b*c"), new_job("x", id="beef" + "0" * 28))


def numbers(store: Store, *words: str) -> list[int]:
    """Select as ada; name the jobs by number."""
    return [job.number for job in look_up(store, select(store, words, owner=ADA, stdin=StringIO()))]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("conf_1", [1]),
        ("name:conf_*", [1, 2]),
        ("name:42", [4]),
        ("tag:set=a", [4]),
        ("cafe", [5]),
        ("ace", [6]),
        ("2-butanol", [7]),
        ("lone", [8]),
        ("a b*c", [13]),
        ("beef", [14]),
        ("@batch:screen", [1, 2, 3]),
    ],
)
def test_bare_names_of_one(any_store: Store, word: str, expected: list[int]) -> None:
    """
    A word that one job or batch of one's own has as its name selects it, unless it is a number or an id.
    """
    assert expected == numbers(any_store, word)


def test_bare_names_of_a_batch(any_store: Store) -> None:
    """
    The name of a batch selects its jobs if no job has that name.
    """
    submit_named(any_store, "p q", batch="pair")

    assert [15, 16] == numbers(any_store, "pair")


@pytest.mark.parametrize(
    ("word", "what", "hint"),
    [
        (
            "twice",
            '"twice" names 2 jobs',
            "write one of 12 11 (the newest first), or name:twice for all of them",
        ),
        (
            "screen",
            '"screen" names 1 job and a batch of 3 jobs',
            "write 3, or @batch:screen for the batch",
        ),
        ("conf1", '"conf1" names no job', "did you mean conf_1 or conf_2?  nox help selectors"),
        ("his", '"his" names no job', "Number, 40-45,50, id, name,"),
        ("conf_*", '"conf_*" names no job', "did you mean 'name:conf_*'"),
        ("batch:screen", '"batch:screen" names no job', "did you mean @batch:screen?"),
        ("set=a", '"set=a" names no job', "did you mean tag:set=a?"),
        ("failed", '"failed" names no job', "did you mean @failed"),
        ("state:failed", '"state:failed" names no job', "did you mean @failed?"),
        ("@canceled", '"@canceled" names no group of jobs', "did you mean @cancelled?"),
        ("@zebra", '"@zebra" names no group of jobs', "did you mean @batch:zebra?"),
        ("ac", '"ac" is too short for an id', "did you mean ace?"),
        ("bad", '"bad" is too short for an id', "write at least 4 digits of it"),
        ("99", "there is no job 99", "nox list shows your jobs"),
        ("dead", "there is no job dead", "Number, 40-45,50, id, name,"),
        ("42", "there is no job 42", "name:42 is the job of that name"),
        ("tag:a", '"a" is not a tag', "write KEY=VALUE"),
    ],
)
def test_bare_names_of_several_or_none(any_store: Store, word: str, what: str, hint: str) -> None:
    """
    Several are refused with a selector of each, and none with what was meant.
    """
    with pytest.raises(NoxError) as refused:
        numbers(any_store, word)

    assert what == refused.value.what
    assert refused.value.hint.startswith(hint)
    assert isinstance(refused.value, JobNotFound if what.startswith("there is") else UsageError)


def test_bare_names_have_a_limit(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Each name costs a search, so that one call looks up so many and no more.
    """
    monkeypatch.setattr("nox_cli.selectors.finder.MAX_NAMES", 2)

    assert [1, 2, 14] == numbers(any_store, "conf_1", "conf_2", "beef")
    with pytest.raises(UsageError, match="more than 2 names"):
        numbers(any_store, "conf_1", "conf_2", "cafe")


def test_bare_names_of_many_jobs_list_the_newest(any_store: Store) -> None:
    """
    Of more jobs than a line holds the newest are listed.
    """
    submit(any_store, *(new_job("many") for _ in range(20)))

    with pytest.raises(UsageError, match='"many" names more than 8 jobs') as refused:
        numbers(any_store, "many")
    assert "write one of 34 33 32 31 30 29 28 27 ... (the newest first), or" in refused.value.hint


@pytest.mark.parametrize(
    ("names", "what", "hint"),
    [
        (["beef"], "1 job", "write 15, or "),
        (["beef"] * 2, "2 jobs", "write one of 16 15 (the newest first), or name:beef for all of them, or "),
        ([], "a batch of 1 job", "write @batch:beef for the batch, or "),
    ],
)
def test_bare_names_that_begin_an_id(any_store: Store, names: list[str], what: str, hint: str) -> None:
    """
    A name that is the beginning of another job's id chooses neither: `nox cancel beef` would end the other.
    """
    submit(any_store, *(map(new_job, names) if names else [new_job("y", batch="beef")]))

    with pytest.raises(UsageError) as refused:
        numbers(any_store, "beef")

    assert refused.value.what == f'"beef" names {what} and begins the id of another'
    assert refused.value.hint == f"{hint}beef{'0' * 28} for that one"


def test_bare_names_that_begin_the_own_id(any_store: Store) -> None:
    """
    A job whose name is the beginning of its own id is meant either way.
    """
    submit(any_store, new_job("face", id="face" + "0" * 28))

    assert [15] == numbers(any_store, "face")


def test_bare_names_that_look_like_a_range(any_store: Store) -> None:
    """
    The error of a range that runs backwards names the job that has it as its name.
    """
    submit(any_store, new_job("12-3"))

    with pytest.raises(UsageError, match="runs backwards") as refused:
        numbers(any_store, "12-3")

    assert refused.value.hint == "name:12-3 is the job of that name"
