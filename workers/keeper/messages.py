"""The values that a slot, its keeper and a run exchange: limits, reasons to stop, answers, the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from workers.job import Progress
from workers.keeper import frames
from workers.result import NOTHING, ChemistryResult, EchoResult, Failure, Record, read_result
from workers.spec import ChemistrySpec, EchoSpec, FirstInput, Source, Structure


@dataclass(frozen=True, slots=True)
class Limits:
    """The memory and time that a job may use."""

    memory_bytes: int  # beyond what the libraries need themselves; 0: no limit
    time_s: int  # 0: no limit
    output_bytes: int = 16 * 1024**2
    file_bytes: int = 1024**3  # the largest file it may write


class Stop(StrEnum):
    """The reasons to stop a running job; of several, the last in this order counts."""

    GIVE_BACK = "give_back"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(slots=True)
class Ended:
    """The end of a job's run; the run itself adds the log, and what stopped it.

    A job that came to its end has a result or a failure; an optimisation that did not converge has both.
    A stopped one has neither, unless its result came first.
    """

    result: EchoResult | ChemistryResult | None = None
    result_json: msgspec.Raw = field(default_factory=lambda: NOTHING)  # what the result was read from
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    log: bytes = b""  # what it printed, bounded, with a note where it was cut
    stopped: Stop | None = None
    progress: Progress | None = None  # of the result
    has_children: bool = False  # its engine left processes running
    is_keeper_lost: bool = False  # it failed because its keeper process ended, without an order to stop
    is_out_of_room: bool = False  # it failed because the disk of its folder was full
    killed_by: int = 0  # the signal that its engine died of and nox had not sent; 0: it did not
    seconds: float = 0.0  # how long the engine process had it; 0: it did not end there
    is_withdrawn: bool = False  # it was stopped before it began


class Answer(Record, frozen=True, kw_only=True):
    """A frame from an engine child: how far a job has come, or how it ended."""

    progress: Progress | None = None
    job: int | None = None  # its number
    result: msgspec.Raw = NOTHING  # as `read_result` reads it, or null
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    has_children: bool = False
    is_out_of_room: bool = False
    killed_by: int = 0  # the signal that a program died of which the engine drives
    seconds: float = 0.0  # how long the job took


_ANSWERS = msgspec.json.Decoder(Answer)


def read_answer(body: bytes) -> tuple[Answer, EchoResult | ChemistryResult | None]:
    """Read a frame from an engine child, and the result in it; None: it has none.

    Raises:
        FrameError: it is not what a child sends.
        NotFinite: a number in it is not finite.
    """
    try:
        answer = _ANSWERS.decode(body)
        return answer, None if answer.result == NOTHING else read_result(answer.result)
    except (msgspec.DecodeError, RecursionError) as error:
        frames.decode(body)  # knows what is not finite
        raise frames.FrameError(str(error)) from None


def read_spec(text: bytes) -> EchoSpec | ChemistrySpec:
    """Read a specification, strictly: nothing is converted, and unknown fields are refused.

    Raises:
        FrameError, NotFinite: it is not JSON with finite numbers.
        ValueError: it is not a specification.
    """
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        frames.decode(text)  # reports in more words why it is not JSON
        raise frames.FrameError(str(error)) from None
    is_echo = isinstance(found, dict) and found.get("kind") == "echo"
    _refuse_unknown(found, EchoSpec if is_echo else ChemistrySpec)
    return msgspec.convert(found, EchoSpec) if is_echo else msgspec.convert(found, ChemistrySpec)


_PARTS = {"structure": Structure, "source": Source, "first_input": FirstInput}


def _refuse_unknown(found: Any, form: type) -> None:
    """Refuse fields that this version does not know.

    Raises:
        ValueError: there is one.
    """
    for name, value in found.items() if isinstance(found, dict) else ():
        if name not in form.__slots__:  # type: ignore[attr-defined]
            raise ValueError(f"{name}: there is no such field")
        if name in _PARTS:
            _refuse_unknown(value, _PARTS[name])
