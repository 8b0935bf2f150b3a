"""The driver of faults: it chooses by its seed what is done next, and to whom."""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import redis

from benchmarks.soak.history import HARMLESS, OF_REDIS, Fault, Kind, Reached
from benchmarks.soak.stage import now_ms
from tests.support.processes import end
from tests.support.proxy import Proxy
from workers.store.base import LEASE_S, RENEW_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from benchmarks.soak.stage import Seat, Stage

# The relative frequency of each kind.
WEIGHTS = {
    Kind.KILL: 6,
    Kind.FREEZE: 4,
    Kind.BLINK: 3,
    Kind.HOLD: 4,
    Kind.DRAIN: 4,
    Kind.HURRY: 2,
    Kind.TREE: 3,
    Kind.KEEPER: 3,
    Kind.CHILD: 4,
    Kind.RESTART: 3,
    Kind.CRASH: 3,
    Kind.SILENCE: 2,
    Kind.DISCONNECT: 2,
    Kind.CUT: 2,
    Kind.HALF_OPEN: 2,
    Kind.FORGET: 2,
    Kind.RUBBISH: 2,
}
PAUSE_S = (0.3, 2.0)
# How often a worker is waited for that runs a calculation, and for how long; else any will do.
AT_WORK, AIM_S = 0.8, 3.0
# Time enough for a worker to be asked to end, twice, with its store out of reach.
END_S = 40.0
_PACE_S = 0.05
_RUBBISH = (b"\x80\xff", "{}", '{"queue_name": "jobs", "actor_name": "os.system"}', "*", "")


class Driver:
    """Makes one fault after the other, and ends those that last while others begin."""

    def __init__(self, stage: Stage, rng: Random, *, harmless: bool = False) -> None:
        kinds = HARMLESS if harmless else frozenset(Kind)
        if stage.redis is None:
            kinds -= OF_REDIS
        self.faults: list[Fault] = []
        self.reached: list[Reached] = []
        self.unexpected: list[str] = []
        self._stage = stage
        self._rng = rng
        self._kinds = sorted(kinds)
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._busy: set[object] = set()  # whatever something is being done to
        self._done: Counter[Kind] = Counter()
        self._on_worker: dict[Kind, Callable[[Seat], None]] = {
            Kind.KILL: self._kill,
            Kind.FREEZE: self._freeze,
            Kind.BLINK: self._blink,
            Kind.HOLD: self._hold,
            Kind.DRAIN: self._drain,
            Kind.HURRY: self._hurry,
            Kind.TREE: self._drain_tree,
            Kind.KEEPER: self._kill_keeper,
            Kind.CHILD: self._kill_child,
        }
        self._on_server: dict[Kind, Callable[[], None]] = {
            Kind.RESTART: self._restart,
            Kind.CRASH: self._crash,
            Kind.SILENCE: self._silence,
            Kind.DISCONNECT: self._disconnect,
            Kind.FORGET: self._forget,
            Kind.RUBBISH: self._lay_rubbish,
            Kind.CUT: lambda: self._on_the_way(Kind.CUT, Proxy.cut),
            Kind.HALF_OPEN: lambda: self._on_the_way(Kind.HALF_OPEN, Proxy.go_silent),
        }

    def run(self, seconds: float) -> None:
        """Do faults for so long, then put everything right."""
        until = time.monotonic() + seconds
        due, kind, takes_any_at = self._plan()
        while time.monotonic() < until:
            self.tend()
            now = time.monotonic()
            if now >= due and self._do(kind, takes_any=now >= takes_any_at):
                due, kind, takes_any_at = self._plan()
            time.sleep(_PACE_S)
        self._heal()

    def _plan(self) -> tuple[float, Kind, float]:
        """Plan the next fault: its time, its kind, and the time from which it may hit a process."""
        due = time.monotonic() + self._rng.uniform(*PAUSE_S)
        return due, self._choose(), due + (AIM_S if self._rng.random() < AT_WORK else 0.0)

    def _choose(self) -> Kind:
        """Choose the next kind: early on one that was not done yet, so that short soaks do them all."""
        fresh = [kind for kind in self._kinds if not self._done[kind]]
        kinds = fresh or self._kinds
        return self._rng.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]

    def _do(self, kind: Kind, *, takes_any: bool) -> bool:
        """Do something, if there is whom to do it to."""
        if kind in self._on_server:
            if self._stage.redis in self._busy:
                return takes_any  # something else, then
            self._on_server[kind]()
        else:
            seats = [seat for seat in self._stage.seats if seat.worker and id(seat) not in self._busy]
            if not takes_any:
                at_work = self._at_work()
                seats = [seat for seat in seats if seat.pid in at_work]
            if not seats:
                return False
            self._on_worker[kind](self._rng.choice(seats))
        self._done[kind] += 1
        return True

    def _at_work(self) -> set[int]:
        """Find the workers that run a calculation now, if Redis is not away."""
        return set() if self._stage.redis in self._busy else self._stage.at_work()

    def tend(self) -> None:
        """End what is due, and see that every seat has a worker."""
        while self._pending and self._pending[0][0] <= time.monotonic():
            heapq.heappop(self._pending)[2]()
        for seat in self._stage.seats:
            if id(seat) in self._busy:
                continue
            if seat.worker is not None and seat.worker.process.poll() is not None:
                self.note_end(seat)
            if seat.worker is None:
                self._stage.seat(seat)

    def _heal(self) -> None:
        while self._pending:
            heapq.heappop(self._pending)[2]()
            time.sleep(_PACE_S)
        self.tend()

    def ask_to_end(self, seat: Seat) -> None:
        """Send a worker the signal to end in good order."""
        assert seat.worker is not None
        seat.is_ending = True
        seat.worker.process.terminate()

    def note_end(self, seat: Seat) -> None:
        """Empty the seat of a worker that ends, and note whether it was asked to."""
        worker, asked = seat.worker, seat.is_ending
        assert worker is not None
        self._stage.leave(seat)
        code = worker.process.returncode
        if not asked or code not in {0, 128 + signal.SIGTERM, -signal.SIGTERM}:
            self.unexpected.append(f"worker {worker.pid} ended by itself, code {code}:\n{worker.log[-2000:]}")

    def _later(self, delay_s: float, undo: Callable[[], None]) -> None:
        heapq.heappush(self._pending, (time.monotonic() + delay_s, next(self._order), undo))

    def _during(self, kind: Kind, what: object, pid: int, seconds: float, undo: Callable[[], None]) -> None:
        """Let something last: it is undone later, and nothing else is done to it until then."""
        start_ms = now_ms()
        self._busy.add(what)

        def put_right() -> None:
            undo()
            self._busy.discard(what)
            end_ms = now_ms()
            # On a busy machine it may last longer than it was to.
            is_long = kind is Kind.BLINK and end_ms - start_ms > 1_000 * (LEASE_S - RENEW_EVERY_S)
            self.faults.append(Fault(Kind.FREEZE if is_long else kind, start_ms, end_ms, pid))

        self._later(seconds, put_right)

    def _at_once(self, kind: Kind, pid: int, do: Callable[[], object]) -> None:
        start_ms = now_ms()
        do()
        self.faults.append(Fault(kind, start_ms, now_ms(), pid))

    # -- workers -----------------------------------------------------------------------------------

    def _kill(self, seat: Seat) -> None:
        worker = seat.worker
        assert worker is not None
        self._at_once(Kind.KILL, worker.pid, worker.process.kill)
        self._stage.leave(seat)

    def _freeze(self, seat: Seat) -> None:
        self._stop(Kind.FREEZE, seat, LEASE_S + self._rng.uniform(0.5, 4))

    def _blink(self, seat: Seat) -> None:
        self._stop(Kind.BLINK, seat, self._rng.uniform(0.1, LEASE_S - RENEW_EVERY_S - 1))

    def _stop(self, kind: Kind, seat: Seat, seconds: float) -> None:
        worker = seat.worker
        assert worker is not None
        self._during(kind, id(seat), worker.pid, seconds, worker.thaw)
        worker.freeze()

    def _hold(self, seat: Seat) -> None:
        assert seat.wire is not None
        self._during(Kind.HOLD, id(seat), seat.pid, LEASE_S + self._rng.uniform(-4, 5), seat.wire.let_go)
        seat.wire.hold()

    def _drain(self, seat: Seat, kind: Kind = Kind.DRAIN, below: Iterable[int] = ()) -> None:
        """Ask a worker to end; it may take its time, and what it does until then is owed to this.

        Args:
            seat: the worker's.
            kind: what that is called.
            below: processes that are sent the same signal before.
        """
        worker = seat.worker
        assert worker is not None
        self._busy.add(id(seat))
        start_ms, limit = now_ms(), time.monotonic() + END_S
        before = {} if self._stage.redis in self._busy else self._stage.reached(worker.pid)
        for pid in below:
            end(pid, signal.SIGTERM)
        self.ask_to_end(seat)

        def look() -> None:
            if worker.process.poll() is None and time.monotonic() < limit:
                self._later(0.05, look)
                return
            if worker.process.poll() is None:
                self.unexpected.append(
                    f"worker {worker.pid} did not end within {END_S} s:\n{worker.log[-2000:]}"
                )
                worker.kill()
            self.faults.append(Fault(kind, start_ms, now_ms(), worker.pid))
            if self._stage.redis not in self._busy:
                self.reached += self._stage.reached_since(before)
            self.note_end(seat)
            self._busy.discard(id(seat))

        self._later(0.0, look)

    def _hurry(self, seat: Seat) -> None:
        worker = seat.worker
        assert worker is not None
        self._drain(seat, Kind.HURRY)
        self._later(
            self._rng.uniform(0.0, 1.0),
            lambda: end(worker.pid, signal.SIGTERM) if worker.process.poll() is None else None,
        )

    def _drain_tree(self, seat: Seat) -> None:
        """Signal a worker and some or all below it, these first; the rest follows."""
        below = [pid for keeper, engines in self._stage.keepers(seat).items() for pid in (keeper, *engines)]
        self._rng.shuffle(below)
        first = self._rng.randint(0, len(below))
        self._drain(seat, Kind.TREE, below[:first])
        for pid in below[first:]:
            end(pid, signal.SIGTERM)

    def _kill_keeper(self, seat: Seat) -> None:
        self._kill_below(Kind.KEEPER, seat, self._stage.keepers(seat))

    def _kill_child(self, seat: Seat) -> None:
        engines = [pid for below in self._stage.keepers(seat).values() for pid in below]
        self._kill_below(Kind.CHILD, seat, engines)

    def _kill_below(self, kind: Kind, seat: Seat, pids: Iterable[int]) -> None:
        found = sorted(pids)
        if found:
            pid = self._rng.choice(found)
            self._at_once(kind, seat.pid, lambda: end(pid))

    # -- redis -------------------------------------------------------------------------------------

    def _restart(self) -> None:
        server = self._stage.redis
        assert server is not None
        self._during(Kind.RESTART, server, 0, self._rng.uniform(0, 8), server.start)
        server.stop()

    def _crash(self) -> None:
        server = self._stage.redis
        assert server is not None
        self._during(Kind.CRASH, server, 0, self._rng.uniform(0, 8), server.start)
        server.kill()

    def _silence(self) -> None:
        server = self._stage.redis
        assert server is not None
        self._during(Kind.SILENCE, server, 0, self._rng.uniform(0.5, 8), server.thaw)
        server.freeze()

    def _command(self, kind: Kind, *commands: tuple[str | bytes, ...]) -> None:
        server = self._stage.redis
        assert server is not None
        with suppress(redis.ConnectionError), server.client() as client:
            self._at_once(kind, 0, lambda: [client.execute_command(*words) for words in commands])

    def _disconnect(self) -> None:
        self._command(Kind.DISCONNECT, ("CLIENT", "KILL", "SKIPME", "yes"))

    def _forget(self) -> None:
        self._command(Kind.FORGET, *[("SCRIPT", "FLUSH")] * 3)

    def _lay_rubbish(self) -> None:
        self._command(Kind.RUBBISH, ("RPUSH", "nox:bell", *self._rng.choices(_RUBBISH, k=10)))

    def _on_the_way(self, kind: Kind, do: Callable[[Proxy], None]) -> None:
        wires = [seat.wire for seat in self._stage.seats if seat.wire is not None]

        def do_all() -> None:
            for wire in wires:
                do(wire)

        self._at_once(kind, 0, do_all)
