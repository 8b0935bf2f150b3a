"""Interrupts held back while something must not be cut in two."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import pytest
from pydantic_core import SchemaValidator

import nox_cli
import nox_cli.boundary
from nox_cli.exits import ExitCode
from nox_cli.interrupts import _AGAIN_S as AGAIN_S
from nox_cli.interrupts import Interrupts, heard, obey
from nox_cli.main import main
from nox_cli.session import Session, Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


LIMIT_S = 20.0


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with Python's own handler of Ctrl-C; put the handlers back that were there before."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    heard()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_comes_when_it_is_let_go() -> None:
    """
    Ctrl-C is noted while it is held, and obeyed afterwards.
    """
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGINT)

    assert signal.SIGINT == interrupts.came
    with pytest.raises(KeyboardInterrupt):
        interrupts.let_go()
    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)


def test_the_first_one_counts() -> None:
    """
    Of several interrupts the first is obeyed, once.
    """

    def terminate(*_: object) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)

    with pytest.raises(Terminated):
        interrupts.let_go()
    interrupts.let_go()


def test_letting_go_of_nothing_is_harmless() -> None:
    """
    Without an interrupt, nothing happens.
    """
    interrupts = Interrupts()
    interrupts.hold()
    interrupts.hold()
    interrupts.let_go()
    interrupts.let_go()

    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)


def test_interrupts_what_is_ignored_stays_ignored() -> None:
    """
    A command in the background of a script, which ignores Ctrl-C, goes on ignoring it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts = Interrupts()
    interrupts.hold()
    signal.raise_signal(signal.SIGINT)

    assert None is interrupts.came


def test_interrupts_only_the_main_thread_holds() -> None:
    """
    In another thread, where handlers cannot be set, nothing is held and nothing fails.
    """
    interrupts = Interrupts()
    thread = threading.Thread(target=interrupts.hold)
    thread.start()
    thread.join()

    assert signal.default_int_handler == signal.getsignal(signal.SIGINT)


class Deaf:
    """Its end is interrupted, and drops that."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def __del__(self) -> None:
        """Be interrupted."""
        signal.raise_signal(self.number)


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_interrupts_what_was_dropped_is_raised_again(
    number: signal.Signals, raised: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A signal that comes in a finalizer, where Python drops exceptions, ends the process a moment later, and
    nothing is printed of the first.
    """

    def drop() -> None:
        Deaf(number)
        threading.Event().wait(LIMIT_S)

    obey()
    with pytest.raises(raised) as caught:
        drop()
    heard()

    assert raised is caught.type
    assert ("", "") == capsys.readouterr()


def test_interrupts_what_is_heard_is_not_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once a signal is being answered it does not come a second time.
    """
    monkeypatch.setattr("nox_cli.interrupts._AGAIN_S", LIMIT_S)
    obey()
    with pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)

    heard()

    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_REAL)


def test_a_signal_that_a_library_makes_an_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Pydantic puts what is raised while it loads into the text of another error: that is no bug in nox.
    """

    class Choice:
        def __hash__(self) -> int:
            signal.raise_signal(signal.SIGUSR2)
            return 1

    def load(*_: object) -> NoReturn:
        SchemaValidator({"type": "literal", "expected": [Choice()]})
        raise AssertionError("the signal came too late")

    monkeypatch.setattr("nox_cli.main._run", load)
    monkeypatch.setattr(sys, "argv", ["nox", "list"])

    assert ExitCode.TERMINATED == main()
    assert "terminated by SIGUSR2; jobs go on\n" == capsys.readouterr().err


def test_a_signal_after_the_last_word_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    One that comes while nox tidies up ends it as one before does, and never by the alarm that repeats it.
    """
    monkeypatch.setenv("NOX_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["nox", "config", "path"])
    monkeypatch.setattr(Session, "close", lambda _: signal.raise_signal(signal.SIGINT))

    code = main()

    assert ExitCode.INTERRUPTED == code
    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_REAL)


def test_a_signal_is_reported_however_long_that_takes_to_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What reports it is loaded first: the alarm that repeats the signal does not break that off.
    """

    class Slow:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "nox_cli.boundary":
                threading.Event().wait(3 * AGAIN_S)

    monkeypatch.delitem(sys.modules, "nox_cli.boundary")
    monkeypatch.delattr(nox_cli, "boundary")
    monkeypatch.setattr(sys, "meta_path", [Slow(), *sys.meta_path])
    monkeypatch.setattr("nox_cli.main._run", lambda *_: signal.raise_signal(signal.SIGUSR2))
    monkeypatch.setattr(sys, "argv", ["nox", "list"])

    assert ExitCode.TERMINATED == main()
    assert "terminated by SIGUSR2; jobs go on\n" == capsys.readouterr().err


def test_interrupts_what_comes_again_is_held_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A dropped signal does not cut in two what must not be.
    """
    monkeypatch.setattr("nox_cli.interrupts._AGAIN_S", LIMIT_S)
    obey()
    interrupts = Interrupts()
    Deaf(signal.SIGTERM)
    interrupts.hold()
    signal.raise_signal(signal.SIGALRM)

    assert signal.SIGALRM == interrupts.came
    with pytest.raises(Terminated):
        interrupts.let_go()
