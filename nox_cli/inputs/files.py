"""Reading input files: each is opened once, and only if it is a regular file of limited size."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from typing import TYPE_CHECKING, NamedTuple, TextIO

from workers.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_BYTES = 16 * 1024**2
STDIN = "-"
# Words that other programs take without dashes.
_CALCULATIONS = frozenset({"sp", "grad", "opt", "hess", "ohess", "bhess"})
_GZIP = b"\x1f\x8b"
# A gzip is read in growing chunks, so that the rest is not copied for each of many members.
_FIRST_CHUNK = 1_024
MAX_MEMBERS = 10_000
MAX_NAMES = 100_000
_ONE_MEMBER = "pack it anew: zcat FILE | gzip"
_GZIP_WINDOW = 31  # what zlib calls the format of a .gz file


class Input(NamedTuple):
    """The content of a file, and its path."""

    path: str  # as the user wrote it; `-` is stdin
    content: bytes
    packed: bytes = b""  # the bytes that the content was unpacked from; empty: it was not packed
    label: str = "stdin"  # what messages call content that is no file (path `-`)

    @property
    def sha256(self) -> str:
        """The checksum of the bytes as they were read."""
        return hashlib.sha256(self.packed or self.content).hexdigest()

    @property
    def plain_path(self) -> str:
        """The path without the `.gz` of a packed file; format and name are read from it."""
        return without_gz(self.path)

    @property
    def shown(self) -> str:
        """The path, for messages and for the record."""
        return self.label if self.path == STDIN else shown(self.path)


def shown(path: str) -> str:
    """Write a path as text, even one whose bytes are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def without_gz(path: str) -> str:
    """Take the `.gz` off a path."""
    return path[:-3] if path.lower().endswith(".gz") else path


def read_file(path: str) -> Input:
    """Read a regular file of at most `MAX_FILE_BYTES`, and unpack it if it is gzipped.

    Raises:
        InputRefused: it does not exist, is not a regular file, is too large, or cannot be read.
    """
    try:
        return unpacked(Input(path, read_regular(path, MAX_FILE_BYTES)))
    except FileNotFoundError:
        hint = f"did you mean --{path}?" if path in _CALCULATIONS else ""
        raise InputRefused(f"{shown(path)}: no such file", hint=hint) from None
    except PermissionError:
        reason = "it may not be read"
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
    except ValueError:
        reason = "not a path"
    raise InputRefused(f"{shown(path)}: {reason}")


def read_regular(path: str, limit: int) -> bytes:
    """Read a regular file.

    Raises:
        InputRefused: it is not a regular file, or larger than `limit` bytes.
        OSError: it does not exist, or cannot be read.
    """
    _refuse_unless_regular(path, os.stat(path).st_mode)
    # Without O_NONBLOCK this would hang if the path has become a FIFO meanwhile.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        _refuse_unless_regular(path, status.st_mode)
        # To ask for `limit` bytes of each file costs 40 µs, six times as much as all else here.
        content = os.read(descriptor, status.st_size + 1) if status.st_size <= limit else None
        if content and len(content) != status.st_size:  # it changes, or its size is not known beforehand
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content += file.read(limit + 1 - len(content))
    finally:
        os.close(descriptor)
    if content is None or len(content) > limit:
        raise InputRefused(f"{shown(path)}: larger than {_size(limit)}")
    return content


def _refuse_unless_regular(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    hint = (
        f"name the files in it: {shown(path).rstrip('/')}/*.xyz"
        if stat.S_ISDIR(mode)
        else "pipe it in: nox submit -"
    )
    raise InputRefused(f"{shown(path)}: {kind}", hint=hint)


def read_stdin(stream: TextIO) -> Input:
    """Read standard input to its end.

    Raises:
        InputRefused: it is larger than `MAX_FILE_BYTES`, or closed.
    """
    try:
        binary = getattr(stream, "buffer", None)
        content = (
            stream.read(MAX_FILE_BYTES + 1).encode() if binary is None else binary.read(MAX_FILE_BYTES + 1)
        )
    except (OSError, ValueError, AttributeError):
        raise InputRefused("stdin cannot be read") from None
    if len(content) > MAX_FILE_BYTES:
        raise InputRefused(f"stdin: larger than {_size(MAX_FILE_BYTES)}")
    return unpacked(Input(STDIN, content))


def unpacked(source: Input) -> Input:
    """Unpack a gzip, one member after the other; other content stays as it is.

    Raises:
        InputRefused: the gzip is damaged, cut off, or larger than `MAX_FILE_BYTES` when unpacked.
    """
    name, content = source.shown, source.content
    found, rest = bytearray(), memoryview(content)
    members = 0
    while rest[:2] == _GZIP:
        members += 1
        if members > MAX_MEMBERS:
            raise InputRefused(f"{name}: a gzip of more than {MAX_MEMBERS:,} members", hint=_ONE_MEMBER)
        member = zlib.decompressobj(_GZIP_WINDOW)
        size = _FIRST_CHUNK
        while not member.eof:
            if not rest:
                raise InputRefused(f"{name}: the gzip is cut off")
            try:
                found += member.decompress(rest[:size], MAX_FILE_BYTES + 1 - len(found))
            except zlib.error:
                raise InputRefused(f"{name}: the gzip is damaged") from None
            if len(found) > MAX_FILE_BYTES:
                raise InputRefused(f"{name}: larger than {_size(MAX_FILE_BYTES)} once unpacked")
            rest = rest[min(size, len(rest)) - len(member.unused_data) :]
            size *= 2
    return source._replace(content=bytes(found), packed=content) if content.startswith(_GZIP) else source


def listed(source: Input) -> Iterator[str]:
    """Read the names in a list of files: one per line, or separated by NUL, as `find -print0` writes.

    Raises:
        InputRefused: there are too many.
    """
    separator = b"\0" if b"\0" in source.content else b"\n"
    if source.content.count(separator) > MAX_NAMES:
        raise InputRefused(f"{source.shown}: more than {MAX_NAMES:,} names", hint="write several lists")
    for word in source.content.split(separator):
        path = word.rstrip(b"\r") if separator == b"\n" else word
        if path.strip():
            yield os.fsdecode(path)


def _size(limit: int) -> str:
    return f"{limit // 1024**2} MiB" if limit >= 1024**2 else f"{limit // 1024} KiB"
