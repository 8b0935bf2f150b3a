"""The store's contract: it can be looked at closely, and nothing comes of that but findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.stores import beat, claim, history, submit_named
from workers.findings import Severity
from workers.store.opening import open_existing

if TYPE_CHECKING:
    from workers.store.base import Store
    from workers.store.settings import StoreSettings


def test_store_inspect_what_it_finds_is_told_in_words(store: Store) -> None:
    """
    Each finding has a name of its own and says something on one line; a sound store has no problem.
    """
    submit_named(store, "a b")
    found = store.inspect()

    assert len(found) == len({finding.name for finding in found})
    assert "server" == found[0].name
    assert [] == [finding for finding in found if "\n" in finding.found + finding.hint or not finding.found]
    assert [] == [finding for finding in found if finding.severity is Severity.PROBLEM]


def test_looking_changes_no_job(store: Store) -> None:
    """
    Jobs, leases, events and workers are the same afterwards.
    """
    store.tick(beat())
    ids = submit_named(store, "a b")
    lease = claim(store).lease
    before = store.get_many(ids), store.events("0"), store.workers()
    store.inspect()

    assert before == (store.get_many(ids), store.events("0"), store.workers())
    assert [True] == [renewal.alive for renewal in store.renew([lease])]
    assert 2 == len(history(store, ids[0]))


def test_a_store_that_exists_is_opened_as_it_is(settings: StoreSettings, store: Store) -> None:
    """
    Opened only to be looked at, a store shows the same jobs.
    """
    ids = submit_named(store, "a b")
    looked_at = open_existing(settings)
    assert looked_at is not None
    found = looked_at.get_many(ids)
    looked_at.close()

    assert store.get_many(ids) == found
    assert store.where == looked_at.where
