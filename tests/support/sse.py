"""A client of server-sent events that comes back with the last id, as a browser does."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT_S = 60.0
READ_S = 30.0  # longer than between two signs of life: then the connection is lost
PAUSE_S = 0.05


class Sent(NamedTuple):
    """One event as a browser would dispatch it, or a comment."""

    event: str
    data: str
    id: str
    comment: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The JSON in it."""
        found: dict[str, Any] = json.loads(self.data)
        return found


def parsed(lines: Iterator[str], last: str = "") -> Iterator[Sent]:
    """Read a stream of events as https://html.spec.whatwg.org/multipage/server-sent-events.html has it."""
    event, data, comments = "", list[str](), list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            last = value
        elif name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif line.startswith(":"):
            comments.append(value)
        elif not line:
            yield Sent(event or "message", "\n".join(data), last, "\n".join(comments))
            event, data, comments = "", [], []


class Following:
    """Reads a stream in a thread of its own, and reconnects to wherever the server is then."""

    def __init__(self, url: Callable[[], str], token: str, **headers: str) -> None:
        """Begin; `url` is called for each connection."""
        self.sent: list[Sent] = []  # with data
        self.comments: list[str] = []
        self.last = ""
        self.connections = 0  # that were answered
        self.status = 0  # of the last answer
        self.has_ended = False
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", **headers}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def cursors(self) -> list[str]:
        """The cursors of the changes so far."""
        return [one.document["cursor"] for one in self.sent if one.event == "message"]

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds."""
        wait_until(condition, LIMIT_S, lambda: f"{what}; there is {self.sent[-5:]}, status {self.status}")

    def got(self, count: int) -> None:
        """Wait until that many events have come."""
        self.wait(lambda: len(self.sent) >= count, f"{count} events")

    def begun(self) -> None:
        """Wait until the server has named the first cursor."""
        self.wait(lambda: self.last, "the first cursor")

    def close(self) -> None:
        """Do not come back; the thread ends with the connection."""
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.is_set():
            with suppress(httpx2.TransportError):
                self._read()
            if self.has_ended:
                return
            time.sleep(PAUSE_S)

    def _read(self) -> None:
        headers = {**self._headers, **({"Last-Event-ID": self.last} if self.last else {})}
        with httpx2.stream("GET", self._url(), headers=headers, timeout=READ_S) as answer:
            self.status = answer.status_code
            if answer.status_code != httpx2.codes.OK:
                return
            self.connections += 1
            for one in parsed(answer.iter_lines(), self.last):
                self.last = one.id
                if one.comment:
                    self.comments.append(one.comment)
                if one.data:
                    self.sent.append(one)
                self.has_ended |= one.event == "end"
                if self._is_over.is_set():
                    return
