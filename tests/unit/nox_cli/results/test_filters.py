"""Filters as a person types them: which jobs pass, and the command that lists the same."""

from __future__ import annotations

import pytest

from nox_cli.results.filters import read_filters
from tests.support.stores import ADA
from workers.errors import UsageError
from workers.job import WAITING, JobState, Reason
from workers.store.values import Query

MEANT = {
    "": (Query(ADA), "nox list"),
    "conf": (Query(ADA, name_glob="*conf*"), "nox list --name '*conf*'"),
    "conf_0*": (Query(ADA, name_glob="conf_0*"), "nox list --name 'conf_0*'"),
    "name:conf": (Query(ADA, name_glob="conf"), "nox list --name conf"),
    "@running": (Query(ADA, frozenset({JobState.RUNNING})), "nox list --state running"),
    "@running @failed": (
        Query(ADA, frozenset({JobState.RUNNING, JobState.FAILED})),
        "nox list --state running,failed",
    ),
    "@waiting": (Query(ADA, WAITING), "nox list --state waiting"),
    "@all": (Query(ADA), "nox list"),
    "state:held": (Query(ADA, frozenset({JobState.HELD})), "nox list --state held"),
    "batch:b tag:k=v": (Query(ADA, batch="b", tags={"k": "v"}), "nox list --batch b --tag k=v"),
    "@failed:scf @batch:b": (
        Query(ADA, frozenset({JobState.FAILED}), Reason.SCF, "b"),
        "nox list @failed:scf --batch b",
    ),
}


@pytest.mark.parametrize("words", MEANT)
def test_filters_are_those_of_list(words: str) -> None:
    """
    Each word is a filter of `nox list`, and the line names the same jobs.
    """
    found = read_filters(words)

    assert MEANT[words] == (found.query(ADA), found.command)
    assert words == found.words


def test_filters_of_all_users_have_no_owner() -> None:
    """
    For the jobs of all users, the line has the option.
    """
    found = read_filters("", all_users=True)

    assert (None, "nox list --all-users") == (found.query(ADA).owner, found.command)


@pytest.mark.parametrize("words", ["@nothing", "@failed:nothing", "state:nothing", "since:nothing", "tag:k"])
def test_filters_that_mean_nothing_are_refused(words: str) -> None:
    """
    A word that is no filter is an error, not a list without jobs.
    """
    with pytest.raises(UsageError):
        read_filters(words)
