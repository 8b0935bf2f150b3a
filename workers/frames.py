"""The frames between a worker, its keepers and their engine children.

A frame is a 4-byte little-endian length and that many bytes of UTF-8 JSON, one object.  Two socket pairs a
keeper:

jobs (worker <-> engine child)
    -> {"spec": JobSpec, "scratch": PATH or "", "cores": N}
    <- {"progress": {fraction, phase, step, energy_hartree, energy_change_hartree,
                     gradient_norm_hartree_per_bohr}}          any number of times
    <- {"result": Result, "warnings": [TEXT...]}               exactly once; or
    <- {"failure": Failure, "result": Result or null, "warnings": [TEXT...]}

control (worker <-> keeper)
    <- {"ready": PID}                    a child was forked and serves jobs
    <- {"died": WAIT_STATUS}             it died; every descendant is gone; a new one is being forked
    -> {"limits": {memory_bytes, file_bytes, cpu...}}          see `workers.keeper`
    -> {"signal": "TERM" or "KILL"}      to the child's whole process group; KILL leaves no descendant
    closing the control socket ends the keeper and everything below it.

Nothing else crosses: no pickle, no file descriptor, no environment.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

MAX_FRAME_BYTES = 64 * 1024**2
_HEAD = struct.Struct("<I")


class FrameError(Exception):
    """Raised when what arrives is not a frame: cut off, over-long, or not a JSON object."""


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is not a finite number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def encode(message: dict[str, Any]) -> bytes:
    """Write a frame.

    Raises:
        FrameError: the message is larger than `MAX_FRAME_BYTES` or not JSON with finite numbers.
    """
    try:
        body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"the message is not JSON: {error}") from None
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME_BYTES}")
    return _HEAD.pack(len(body)) + body


def read(sock: socket.socket) -> dict[str, Any] | None:
    """Read the next frame; None: the other side closed in good order.

    Raises:
        FrameError: the frame is cut off, over-long, or not a JSON object with finite numbers.
        OSError: the socket failed.
    """
    head = _read_exactly(sock, _HEAD.size)
    if not head:
        return None
    (size,) = _HEAD.unpack(head)
    if size > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {size} bytes is over the limit of {MAX_FRAME_BYTES}")
    body = _read_exactly(sock, size)
    if body is None or len(body) < size:
        raise FrameError("the frame was cut off")
    try:
        message = _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the frame is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError("the frame is not a JSON object")
    return message


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
