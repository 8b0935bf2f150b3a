"""The frames between a worker, its keepers and their engine children.

A frame is a 4-byte little-endian length and that many bytes of UTF-8 JSON, one object with finite numbers.
That of a job has a line end behind its object, and then the job's specification as the store has it.
Two socket pairs a keeper:

jobs (worker <-> engine child)
    -> {"job": NUMBER, "child": PID, "scratch": PATH or "", "memory_bytes": N, "file_bytes": N} JobSpec
                                         several may be sent ahead; they run in this order.  Another child
                                         drops what was meant for one that died meanwhile
    -> {"withdraw": [NUMBER...]}         drop these jobs, if they have not begun
    <- {"job": NUMBER, "progress": [fraction, phase, step, energy_hartree, energy_change_hartree,
                     gradient_norm_hartree_per_bohr]}          any number of times
    <- {"job": NUMBER, "result": Result or null, "failure": Failure or null, "warnings": [TEXT...],
        "has_children": BOOL, "is_out_of_room": BOOL, "killed_by": SIGNAL or 0, "seconds": S}   exactly once

control (worker <-> keeper)
    <- {"ready": PID}                    a child was forked and serves jobs
    <- {"died": WAIT_STATUS, "peak_memory_bytes": N}   it died; every descendant is gone; a new one follows
    -> {"signal": "TERM" or "KILL", "child": PID}    to the child's whole process group; KILL leaves no
                                         descendant; not obeyed if that is no longer the child
    closing the control socket ends the keeper and everything below it.

A child that died may have left half a frame on either side of the jobs socket: the worker empties its side
after "died", the new child its own before "ready", and no job is sent in between.

What a job prints goes through a pipe; before each job the child writes a mark into it
(`workers.keeper.output`).

Nothing else crosses: no pickle, no file descriptor, no environment.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, NoReturn

from workers.spec import NotFinite

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

MAX_FRAME_BYTES = 64 * 1024**2
_HEAD = struct.Struct("<I")


class FrameError(ValueError):
    """Raised when what arrives is not a frame: cut off, over-long, or not a JSON object."""


class NotFiniteFrame(FrameError, NotFinite):
    """Raised when a frame holds a number that is not finite."""


def _refuse(word: str) -> NoReturn:
    raise NotFiniteFrame(f"{word} is not a finite number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def encode(message: dict[str, Any]) -> bytes:
    """Write a frame.

    Raises:
        NotFiniteFrame: a number in it is not finite.
        FrameError: the message is larger than `MAX_FRAME_BYTES` or not JSON.
    """
    try:
        body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise NotFiniteFrame(str(error)) from None
    except (TypeError, RecursionError) as error:
        raise FrameError(str(error)) from None
    return _framed(body)


def encode_around(message: dict[str, Any], name: str, json_text: bytes) -> bytes:
    """Write a frame of a message and of one member more, whose JSON is there already and known to be sound.

    Raises:
        NotFiniteFrame, FrameError: as `encode`.
    """
    head = encode(message)[_HEAD.size : -1]
    return _framed(b'%b,"%b":%b}' % (head, name.encode(), json_text))


def encode_with(message: dict[str, Any], text: bytes) -> bytes:
    """Write a frame of a message and of a text behind it, which the other side reads with `parts`.

    Raises:
        NotFiniteFrame, FrameError: as `encode`.
    """
    return _framed(b"%b\n%b" % (encode(message)[_HEAD.size :], text))


def parts(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Read the body of a frame: its message, and the text behind that, if there is one.

    Raises:
        NotFiniteFrame, FrameError: as `decode`.
    """
    message, _, text = body.partition(b"\n")
    return decode(message), text


def _framed(body: bytes) -> bytes:
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME_BYTES}")
    return _HEAD.pack(len(body)) + body


def decode(body: bytes) -> dict[str, Any]:
    """Read the body of a frame.

    Raises:
        NotFiniteFrame: a number in it is not finite.
        FrameError: it is not a JSON object.
    """
    try:
        message = _DECODER.decode(body.decode())
    except NotFiniteFrame:
        raise
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the frame is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError("the frame is not a JSON object")
    return message


def read(sock: socket.socket) -> dict[str, Any] | None:
    """Read the next frame; None: the other side closed in good order.

    Raises:
        FrameError: the frame is cut off, over-long, or not a JSON object.
        OSError: the socket failed.
    """
    head = _read_exactly(sock, _HEAD.size)
    if not head:
        return None
    size = _size(head)
    body = _read_exactly(sock, size)
    if len(body) < size:
        raise FrameError("the frame was cut off")
    return decode(body)


class Decoder:
    """Makes frames of bytes as they arrive, for a side that must not wait in the middle of one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no part of a frame is waiting for its rest."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Add what arrived and give the frames that are whole.

        Raises:
            FrameError: a frame is over-long, or not a JSON object.
        """
        return map(decode, self.bodies(data))

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Add what arrived and give the bodies of the frames that are whole, for who reads them otherwise.

        Raises:
            FrameError: a frame is over-long.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            end = _HEAD.size + _size(self._buffer[: _HEAD.size])
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield body


def _size(head: bytes | bytearray) -> int:
    """Read a frame's length.

    Raises:
        FrameError: it is over the limit.
    """
    (size,) = _HEAD.unpack(head)
    if size > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {size} bytes is over the limit of {MAX_FRAME_BYTES}")
    return int(size)


def _read_exactly(sock: socket.socket, size: int) -> bytes:
    """Read `size` bytes; nothing at all if the other side closed before the first.

    Raises:
        FrameError: the other side closed in between.
    """
    parts: list[bytes] = []
    missing = size
    while missing:
        part = sock.recv(min(missing, 1024**2))
        if not part:
            if missing == size:
                return b""
            raise FrameError("the frame was cut off")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
