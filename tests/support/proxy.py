"""A TCP proxy before a server on this machine; its wire can be held, cut, slowed, or made to lose replies."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

_PIECE_BYTES = 64 * 1024
_PACE_S = 0.01  # of a look whether something is still detained


@dataclass(eq=False, slots=True)
class _Line:
    """One connection through the proxy."""

    client: socket.socket
    server: socket.socket
    is_silent: bool = False  # nothing passes any more, not even its end
    loses_reply: bool = False  # what the server says next is lost
    ended: int = 0  # pumps that came to their end


class Proxy:
    """Passes bytes on, both ways, until it is told otherwise.

    While it holds, connections stay open, new ones are accepted, and nothing arrives on either side; what was
    sent meanwhile arrives when it lets go, as after a network partition.
    """

    def __init__(self, port: int, *, records: bool = False) -> None:
        """Stand before the server on this port of the loopback address.

        Args:
            port: the server's.
            records: keep all that passes, either way, in `record`.
        """
        self.delay_s = 0.0  # of each piece, each way
        self.lost = 0  # how many replies were lost so far
        self.record = bytearray()
        self._records = records
        self._target = port
        self._passes = threading.Event()
        self._passes.set()
        self._refuses = False
        self._detained = b""
        self._marked = b""
        self._every = self._count = 0
        self._cuts = True
        self._guard = threading.Lock()
        self._lines: set[_Line] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        """Where a Redis answers through this proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def hold(self) -> None:
        """Let nothing through."""
        self._passes.clear()

    def refuse(self) -> None:
        """Break every connection, and each new one at once."""
        self._refuses = True
        self.cut()

    def detain(self, marked: bytes) -> None:
        """Hold only what clients send that contains `marked`: what they say meanwhile arrives before it."""
        self._detained = marked

    def let_go(self) -> None:
        """Let through what was held, and what comes."""
        self._refuses = False
        self._detained = b""
        self._passes.set()

    def cut(self) -> None:
        """Break every connection; new ones are accepted."""
        for line in self._open_lines():
            if not line.is_silent:
                _end(line)

    def go_silent(self) -> None:
        """Let nothing more through on the connections there are, nor their ends; new ones serve."""
        for line in self._open_lines():
            line.is_silent = True

    def lose_replies(self, to: bytes, *, every: int = 1, by_cutting: bool = True) -> None:
        """Lose the reply to each n-th command that contains `to`, after the server has answered it.

        Only for connections on which one command waits for its reply before the next.

        Args:
            to: what such a command contains.
            every: n; 0: lose none any more.
            by_cutting: break the connection then; else it goes silent.
        """
        self._marked, self._every, self._count, self._cuts = to, every, 0, by_cutting

    def close(self) -> None:
        """End every connection and listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._refuses = True
        self._passes.set()
        for line in self._open_lines():
            _end(line)
            line.client.close()
            line.server.close()

    def _open_lines(self) -> set[_Line]:
        with self._guard:
            return set(self._lines)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        """Connect a client through, once bytes may pass."""
        self._passes.wait()
        try:
            if self._refuses:
                raise ConnectionRefusedError
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _Line(client, server)
        with self._guard:
            self._lines.add(line)
        self._start(self._pump, line, client, server)
        self._pump(line, server, client)

    def _pump(self, line: _Line, source: socket.socket, sink: socket.socket) -> None:
        """Carry bytes one way until either side ends, then end both; whoever comes second closes them."""
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE_BYTES):
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._passes.wait()
                if self._records:
                    self.record += data
                if source is line.client:
                    self._look_at(line, data)
                    while self._detained and self._detained in data:
                        time.sleep(_PACE_S)
                elif line.loses_reply:
                    self._lose(line)
                if not line.is_silent:
                    sink.sendall(data)
        self._passes.wait()
        if line.is_silent:
            return
        _end(line)
        with self._guard:
            line.ended += 1
            if line.ended == 2:
                self._lines.discard(line)
                source.close()
                sink.close()

    def _look_at(self, line: _Line, command: bytes) -> None:
        """Note a command on its way, and whether its reply is to be lost."""
        with self._guard:
            if self._every and self._marked in command:
                self._count += 1
                line.loses_reply = self._count % self._every == 0

    def _lose(self, line: _Line) -> None:
        """Lose a reply.

        Raises:
            ConnectionAbortedError: by breaking the connection.
        """
        with self._guard:
            self.lost += 1
            line.loses_reply = False
        if self._cuts:
            raise ConnectionAbortedError
        line.is_silent = True

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        threading.Thread(target=target, args=arguments, daemon=True).start()


def _end(line: _Line) -> None:
    for end in (line.client, line.server):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
