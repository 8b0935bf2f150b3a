"""A TCP proxy before a server on this machine, whose wire can be held, cut or slowed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_PIECE_BYTES = 64 * 1024


class Proxy:
    """Passes bytes on, both ways, until it is told otherwise.

    While it holds, connections stay open, new ones are accepted, and nothing arrives on either side; what was
    sent meanwhile arrives when it lets go, as after a network partition.
    """

    def __init__(self, port: int) -> None:
        """Stand before the server on this port of the loopback address."""
        self.delay_s = 0.0  # of each piece, each way
        self._target = port
        self._passes = threading.Event()
        self._passes.set()
        self._guard = threading.Lock()
        self._sockets: set[socket.socket] = set()
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

    def let_go(self) -> None:
        """Let through what was held, and what comes."""
        self._passes.set()

    def cut(self) -> None:
        """Break every connection; new ones are accepted."""
        with self._guard:
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End every connection and listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._passes.set()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        """Connect a client through, once bytes may pass."""
        self._passes.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self._guard:
            self._sockets |= {client, server}
        self._start(self._pump, client, server)
        self._pump(server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Carry bytes one way until either side ends, then end both; whoever comes second closes them."""
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE_BYTES):
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._passes.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._guard:
            is_second = source not in self._sockets
            self._sockets -= {source, sink}
        if is_second:
            source.close()
            sink.close()

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        threading.Thread(target=target, args=arguments, daemon=True).start()
