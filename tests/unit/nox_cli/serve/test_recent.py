"""`nox_cli.serve.recent`: one question for many requests."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nox_cli.serve.recent import FRESH_S, Recent, RecentOf
from workers.errors import StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 8


def test_recent_asks_once_in_a_while_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    All get the same answer for as long as it is fresh, and then a new one.
    """
    now = [100.0]
    monkeypatch.setattr("nox_cli.serve.recent.time.monotonic", lambda: now[0])
    numbers = count()
    answer = Recent(lambda: next(numbers))
    with ThreadPoolExecutor(16) as threads:
        first = set(threads.map(lambda _: answer(), range(200)))
        now[0] += 0.99 * FRESH_S
        first |= set(threads.map(lambda _: answer(), range(200)))
        now[0] += 0.02 * FRESH_S
        second = set(threads.map(lambda _: answer(), range(200)))

    assert ({0}, {1}) == (first, second)


def test_recent_keeps_no_error() -> None:
    """
    A question that failed is asked again by the next request.
    """
    numbers = count()

    def ask() -> str:
        if next(numbers) == 0:
            raise StoreUnreachable("no answer")
        return "risk"

    answer = Recent(ask)
    with pytest.raises(StoreUnreachable):
        answer()

    assert "risk" == answer()


def test_recent_asks_a_silent_store_once_for_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Threads that came while a question was on its way get its error: none of them asks again.
    """
    came, asked, everyone = count(1), count(1), Event()
    asks = []

    def monotonic() -> float:
        now = time.monotonic()
        if next(came) > THREADS:  # each thread reads the clock as it comes, and the first one once more
            everyone.set()
        return now

    def ask() -> str:
        asks.append(next(asked))
        assert everyone.wait(30.0)
        raise StoreUnreachable("no answer")

    monkeypatch.setattr("nox_cli.serve.recent.time", SimpleNamespace(monotonic=monotonic))
    answer = Recent(ask)
    with ThreadPoolExecutor(THREADS) as threads:
        errors = [one.exception() for one in [threads.submit(answer) for _ in range(THREADS)]]

    assert [1] == asks
    assert {StoreUnreachable} == {type(error) for error in errors}


def test_recent_answers_are_kept_for_the_newest_questions() -> None:
    """
    Each question has an answer of its own, and only those that were asked last are kept.
    """
    prepared: list[int] = []

    def prepare(question: int) -> Callable[[], int]:
        prepared.append(question)
        return lambda: 10 * question

    answer = RecentOf(prepare)
    assert [0, 10, 0] == [answer(0), answer(1), answer(0)]
    assert [0, 1] == prepared
    for question in range(2, 100):
        answer(question)
        answer(0)
    answer(1)
    assert [*range(100), 1] == prepared
