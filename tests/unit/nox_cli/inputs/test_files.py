"""Files are opened once, and only regular ones of a bounded size."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from pathlib import Path

import pytest

from nox_cli.inputs.files import MAX_FILE_BYTES, Input, listed, read_file, read_stdin
from workers.errors import InputRefused


def test_reads_a_file_with_its_checksum(tmp_path: Path) -> None:
    """
    The content comes with the checksum of its bytes.
    """
    path = tmp_path / "a.xyz"
    path.write_bytes(b"3\n\n")

    found = read_file(str(path))

    assert b"3\n\n" == found.content
    assert hashlib.sha256(b"3\n\n").hexdigest() == found.sha256


def test_follows_links(tmp_path: Path) -> None:
    """
    A link to a regular file is that file.
    """
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")

    assert b"x" == read_file(str(tmp_path / "b")).content


def test_a_file_of_no_known_size_is_read_to_its_end() -> None:
    """
    A regular file that is reported to be empty, as those of the kernel, or that grows, is read as a whole.
    """
    assert Path("/proc/self/status").read_bytes()[:5] == read_file("/proc/self/status").content[:5]
    assert read_file("/proc/self/status").content.endswith(b"\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "no such file"),
        ("file/below", "not a directory"),
        ("folder", "a directory"),
        ("pipe", "not a regular file"),
        ("sparse", "larger than 16 MiB"),
        ("loop", "symbolic links"),
        ("x" * 300, "name too long"),
        ("a\0b", "not a path"),
    ],
)
def test_refuses_anything_else(tmp_path: Path, name: str, words: str) -> None:
    """
    A directory, a pipe, a loop of links, a file too large or none at all is refused at once, by name.
    """
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(5 * 1024**3)

    with pytest.raises(InputRefused, match=words) as caught:
        read_file(f"{tmp_path}/{name}")

    assert caught.value.what.startswith(f"{tmp_path}/{name[:3]}")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/dev/null"])
def test_refuses_devices(path: str) -> None:
    """
    A device is not read, and not opened either.
    """
    with pytest.raises(InputRefused, match="not a regular file"):
        read_file(path)


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    """
    The limit itself is allowed.
    """
    with (tmp_path / "a").open("wb") as file:
        file.truncate(MAX_FILE_BYTES)

    assert MAX_FILE_BYTES == len(read_file(str(tmp_path / "a")).content)


def test_stdin_has_the_same_limit() -> None:
    """
    More than 16 MiB on stdin is refused, and no more than that is read.
    """
    stream = io.TextIOWrapper(io.BytesIO(b"x" * (MAX_FILE_BYTES + 10)))

    with pytest.raises(InputRefused, match="larger than 16 MiB"):
        read_stdin(stream)


def test_stdin_may_be_bytes_or_text() -> None:
    """
    Stdin is read as bytes where it has them.
    """
    assert b"\xff" == read_stdin(io.TextIOWrapper(io.BytesIO(b"\xff"))).content
    assert b"x" == read_stdin(io.StringIO("x")).content


def test_a_closed_stdin_is_refused() -> None:
    """
    A stdin that cannot be read is an input that cannot be read.
    """
    stream = io.StringIO("x")
    stream.close()

    with pytest.raises(InputRefused, match="stdin cannot be read"):
        read_stdin(stream)


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (b"", []),
        (b"a.xyz\n\n b c.xyz\r\n", ["a.xyz", " b c.xyz"]),
        (b"a\nb.xyz\0c.xyz\0", ["a\nb.xyz", "c.xyz"]),
        (b"\xff.xyz", [os.fsdecode(b"\xff.xyz")]),
    ],
)
def test_lists_name_files(content: bytes, paths: list[str]) -> None:
    """
    A list has a path a line, or as `find -print0` writes them.
    """
    assert paths == list(listed(Input("list", content)))


def test_paths_that_are_no_text_can_be_shown() -> None:
    """
    A path whose bytes are not UTF-8 is shown with escapes.
    """
    assert "\\xff.xyz" == Input(os.fsdecode(b"\xff.xyz"), b"").shown


def test_gzipped_files_are_unpacked(tmp_path: Path) -> None:
    """
    What is gzipped, in one member or several, is read unpacked; the checksum is that of the file.
    """
    path = tmp_path / "a.xyz.gz"
    path.write_bytes(gzip.compress(b"3\n") + gzip.compress(b"\n"))
    found = read_file(str(path))

    assert (b"3\n\n", f"{tmp_path}/a.xyz") == (found.content, found.plain_path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
    assert b"x" == read_stdin(io.TextIOWrapper(io.BytesIO(gzip.compress(b"x")))).content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"x" * 99, mtime=0)[:-9], "the gzip is cut off"),
        (gzip.compress(b"x" * 99, mtime=0)[:-8] + b"\0" * 8, "the gzip is damaged"),
        (b"\x1f\x8brubbish", "the gzip is damaged"),
        (gzip.compress(b"\0" * (MAX_FILE_BYTES + 1)), "larger than 16 MiB once unpacked"),
    ],
)
def test_a_gzip_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    """
    A gzip that is cut off, damaged or far larger than it looks is refused, and not unpacked further.
    """
    path = tmp_path / "a.gz"
    path.write_bytes(content)

    with pytest.raises(InputRefused, match=words):
        read_file(str(path))
