"""Our own RESP connection, byte by byte."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import wait_until
from workers.store.redis.resp import ReplyError, RespConnection, pack, reply_error

if TYPE_CHECKING:
    from collections.abc import Iterator


class Peer:
    """A connection to ourselves: what the server's side writes, the connection reads."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.connection = RespConnection("127.0.0.1", listener.getsockname()[1], connect_timeout_s=1.0)
            self.server, _ = listener.accept()
        self.connection.set_timeout(2.0)

    def says(self, *parts: bytes) -> None:
        """Send the parts, each in a packet of its own as far as the system lets it."""
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            self.server.sendall(part)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server's side that does as it is told."""
    made = Peer()
    yield made
    made.connection.close()
    made.server.close()


def test_a_command_is_packed_by_bytes() -> None:
    """
    Lengths count bytes, not characters; numbers are written out.
    """
    assert b"*3\r\n$3\r\nSET\r\n$3\r\n\xe2\x98\x83\r\n$2\r\n42\r\n" == pack(["SET", "\N{SNOWMAN}", 42])
    assert b"*1\r\n$3\r\n\x00\r\n\r\n" == pack([b"\x00\r\n"])


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"+OK\r\n", b"OK"),
        (b":-7\r\n", -7),
        (b"$0\r\n\r\n", b""),
        (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"*0\r\n", []),
        (b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n$-1\r\n+x\r\n", [1, [b"a", None], b"x"]),
    ],
)
def test_every_kind_of_reply_is_read(peer: Peer, sent: bytes, read: object) -> None:
    """
    Texts, numbers, nothing, and lists of lists.
    """
    peer.says(sent)

    assert read == peer.connection.read()


@given(value=st.binary(max_size=300), cut=st.integers(1, 40))
def test_a_reply_may_come_in_pieces(value: bytes, cut: int) -> None:
    """
    Wherever the network cuts, the same is read, and the next reply begins where this one ends.
    """
    peer = Peer()
    try:
        sent = b"$%d\r\n%b\r\n:1\r\n" % (len(value), value)
        peer.says(*(sent[at : at + cut] for at in range(0, len(sent), cut)))

        assert value == peer.connection.read()
        assert 1 == peer.connection.read()
    finally:
        peer.connection.close()
        peer.server.close()


def test_a_long_reply_is_read_whole(peer: Peer) -> None:
    """
    A value larger than what one read takes comes together.
    """
    value = bytes(range(256)) * 1_000
    peer.says(b"*2\r\n$%d\r\n" % len(value), value, b"\r\n+end\r\n")

    assert [value, b"end"] == peer.connection.read()


def test_an_error_is_raised_with_its_code(peer: Peer) -> None:
    """
    The code is what a program tells errors by; the connection goes on.
    """
    peer.says(b"-NOSCRIPT No matching script.\r\n+OK\r\n")

    with pytest.raises(ReplyError) as caught:
        peer.connection.read()
    assert ("NOSCRIPT", "No matching script.") == (caught.value.code, caught.value.words)
    assert b"OK" == peer.connection.read()


def test_an_error_in_a_list_spoils_only_itself(peer: Peer) -> None:
    """
    What follows the error in the list is still read.
    """
    peer.says(b"*2\r\n-ERR no\r\n:5\r\n")
    read = peer.connection.read()

    assert isinstance(read, list)
    assert ([ReplyError, int], 5) == ([type(element) for element in read], read[1])


def test_an_error_without_a_code_has_none() -> None:
    """
    Only a first word in capitals is a code.
    """
    assert ("", "something odd") == (reply_error("something odd").code, reply_error("something odd").words)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\r\n",
        b"$x\r\n",
        b":1.5\r\n",
        b"$99999999999\r\n",
        b"x" * 70_000,
    ],
)
def test_resp_what_is_no_redis_is_refused(peer: Peer, sent: bytes) -> None:
    """
    Another program on the port is an error of the connection, neither a wait nor a crash.
    """
    peer.says(sent)

    with pytest.raises(ConnectionAbortedError):
        peer.connection.read()


def test_a_connection_cut_in_a_reply_is_an_error(peer: Peer) -> None:
    """
    Half a value is none.
    """
    peer.says(b"$10\r\nhalf")
    peer.server.close()

    with pytest.raises(ConnectionResetError):
        peer.connection.read()


def test_a_silent_server_is_an_error(peer: Peer) -> None:
    """
    A read has its time.
    """
    peer.connection.set_timeout(0.05)

    with pytest.raises(TimeoutError):
        peer.connection.read()


def test_a_closed_connection_is_noticed_before_it_is_used(peer: Peer) -> None:
    """
    A connection is quiet until the other side says something unasked, or goes.
    """
    assert peer.connection.is_quiet()
    peer.server.close()
    wait_until(lambda: not peer.connection.is_quiet(), 30, "the end to arrive")
