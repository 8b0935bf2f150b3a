"""`workers.keeper.frames`: what crosses between a worker and its children, and what does not."""

from __future__ import annotations

import json
import math
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.keeper import frames

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def receive(data: bytes) -> dict[str, Any] | None:
    """Read one frame from a peer that sends `data` and closes."""
    ours, theirs = socket.socketpair()
    sending = threading.Thread(target=send, args=(theirs, data))
    sending.start()
    try:
        with ours:
            return frames.read(ours)
    finally:
        sending.join()


def send(peer: socket.socket, data: bytes) -> None:
    """Send bytes and close; a reader that refuses them early is no concern of the sender."""
    with peer, suppress(BrokenPipeError, ConnectionResetError):
        peer.sendall(data)


def framed(body: bytes) -> bytes:
    """Put a length before any bytes."""
    return struct.pack("<I", len(body)) + body


@given(message=OBJECTS)
def test_frames_what_is_written_is_read(message: dict[str, Any]) -> None:
    """
    Any JSON object arrives as it was sent.
    """
    assert message == receive(frames.encode(message))


@given(message=OBJECTS, more=OBJECTS)
def test_a_member_that_is_json_already_goes_in_as_it_is(
    message: dict[str, Any], more: dict[str, Any]
) -> None:
    """
    A frame around a text of JSON holds what that text says, beside the rest.
    """
    head = {"job": 1, **message}
    head.pop("spec", None)
    frame = frames.encode_around(head, "spec", json.dumps(more).encode())

    assert {**head, "spec": more} == frames.decode(frame[4:])


@given(message=OBJECTS, text=st.binary())
def test_frames_a_text_behind_the_message_stays_as_it_is(message: dict[str, Any], text: bytes) -> None:
    """
    Whatever it holds, line ends too, it is neither read nor changed.
    """
    frame = frames.encode_with(message, text)

    assert (message, text) == frames.parts(frame[4:])


def test_frames_follow_each_other(pair: tuple[socket.socket, socket.socket]) -> None:
    """
    One frame ends where the next begins, and an orderly close ends them all.
    """
    ours, theirs = pair
    theirs.sendall(frames.encode({"n": 1}) + frames.encode({"n": 2}))
    theirs.close()

    assert [{"n": 1}, {"n": 2}, None] == [frames.read(ours) for _ in range(3)]


def test_a_frame_may_arrive_in_pieces(pair: tuple[socket.socket, socket.socket]) -> None:
    """
    The kernel may cut a frame anywhere; it is read whole.
    """
    ours, theirs = pair
    data = frames.encode({"text": "x" * 50})
    sending = threading.Thread(target=lambda: [theirs.send(data[i : i + 1]) for i in range(len(data))])
    sending.start()

    assert {"text": "x" * 50} == frames.read(ours)
    sending.join()


def test_a_large_frame_is_read_whole() -> None:
    """
    A frame larger than any socket buffer arrives.
    """
    message = {"text": "x" * 3_000_000}

    assert message == receive(frames.encode(message))


@pytest.mark.parametrize("length", range(1, len(frames.encode({"n": 1}))))
def test_a_frame_that_is_cut_off_is_refused(length: int) -> None:
    """
    A peer that dies in the middle of a frame, at whichever byte, leaves an error and no message.
    """
    with pytest.raises(frames.FrameError, match="cut off"):
        receive(frames.encode({"n": 1})[:length])


def test_an_over_long_frame_is_refused_by_its_length(pair: tuple[socket.socket, socket.socket]) -> None:
    """
    The length is checked before anything is read or allocated.
    """
    ours, theirs = pair
    theirs.sendall(struct.pack("<I", frames.MAX_FRAME_BYTES + 1))

    with pytest.raises(frames.FrameError, match="over the limit"):
        frames.read(ours)


def test_an_over_long_message_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The sender refuses what the reader would.
    """
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 16)

    assert frames.encode({"n": "12345678"})
    with pytest.raises(frames.FrameError, match="over the limit of 16"):
        frames.encode({"n": "12345678901"})


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_frames_only_objects_are_frames(body: bytes) -> None:
    """
    A JSON value that is no object is refused.
    """
    with pytest.raises(frames.FrameError, match="not a JSON object"):
        receive(framed(body))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b"\xff\xfe{}", b'{"a": "\xed\xa0\x80"}', b"\x80\x04N."],
    ids=["empty", "open", "quotes", "utf-16", "surrogate", "pickle"],
)
def test_frames_what_is_not_json_is_refused(body: bytes) -> None:
    """
    Bytes that are not UTF-8 JSON are refused, a pickle among them.
    """
    with pytest.raises(frames.FrameError):
        receive(framed(body))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_finite_are_not_read(word: str) -> None:
    """
    Frames hold JSON, and JSON has finite numbers only.
    """
    with pytest.raises(frames.FrameError):
        receive(framed(f'{{"energy": {word}}}'.encode()))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_not_written(number: float) -> None:
    """
    An engine's NaN does not leave its process.
    """
    with pytest.raises(frames.FrameError):
        frames.encode({"energy": number})


def test_deep_json_is_refused_not_followed() -> None:
    """
    A hundred thousand brackets end in an error, not in a crash.
    """
    with pytest.raises(frames.FrameError):
        receive(framed(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"))


def test_frames_what_json_cannot_say_is_refused() -> None:
    """
    An object that is not JSON is refused when it is written.
    """
    with pytest.raises(frames.FrameError):
        frames.encode({"spec": object()})


def test_frames_are_what_the_docstring_says() -> None:
    """
    Four bytes of little-endian length, then UTF-8 JSON.
    """
    data = frames.encode({"name": "Åse"})

    assert int.from_bytes(data[:4], "little") == len(data) - 4
    assert {"name": "Åse"} == json.loads(data[4:].decode())
