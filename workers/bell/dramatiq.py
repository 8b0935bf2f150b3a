"""The Redis bell: a Dramatiq worker in this process whose consumer waits in a blocking pop.

Dramatiq provides the threads and the broker interface; its other tasks (acknowledge, retry, delay, maintain)
are the store's.  A message only means that there may be jobs: nothing is lost with it, and it leaves nothing
in Redis.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import dramatiq
import dramatiq.worker
import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed

from workers.logs import Forward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workers.logs import Log

QUEUE = "jobs"
# Shorter than the socket's time limit; ticks ring every 2 s as long as jobs are ready.
LOOK_EVERY_S = 4.0
# The pause before a new connection; Dramatiq's own 3 s would take most of the 5 s that nox promises.
RECONNECT_EVERY_S = 1.0
_PERMIT_WAIT_S = 1.0
_STOP_PACE_S = 0.01


class DramatiqBell:
    """Listens with one Dramatiq worker of `slots` threads."""

    look_every_s = LOOK_EVERY_S

    def __init__(self, client: redis.Redis, key: str, log: Log) -> None:
        """Prepare to listen; `start` starts the threads.

        Args:
            client: a connection of the bell's own, with a socket time limit over `LOOK_EVERY_S`.
            key: the list to which bells are pushed.
            log: the log for errors of Dramatiq.
        """
        self.client = client
        self.key = key
        self.stopping = threading.Event()
        self.end_was_heard = threading.Event()
        self.permits = threading.Semaphore(0)
        self.first_looks = 0
        self.is_refused = False
        self.log = log
        self.has_room: Callable[[float], bool]
        self._broker = _BellBroker(self)
        self._worker: dramatiq.Worker | None = None
        _redirect_logs(log)

    def start(self, slots: int, drain: Callable[[], None], has_room: Callable[[float], bool]) -> None:
        """Start the Dramatiq worker."""
        self.has_room = has_room
        self.permits.release(slots)
        self.first_looks = slots

        def drain_unless_stopping() -> None:
            if not self.stopping.is_set():
                drain()

        dramatiq.actor(broker=self._broker, actor_name="drain", queue_name=QUEUE)(drain_unless_stopping)
        dramatiq.worker.CONSUMER_RESTART_DELAY_SECS = RECONNECT_EVERY_S
        self._worker = dramatiq.Worker(self._broker, worker_threads=slots)
        self._worker.queue_prefetch = slots
        self._worker.start()

    def pass_on(self) -> None:
        """Do nothing: a claim that leaves jobs ready rings by itself."""

    def stop(self, timeout_s: float) -> None:
        """Interrupt the blocking pop, wake every thread so that it ends, and wait for them."""
        self.stopping.set()
        end = time.monotonic() + timeout_s
        while self._worker is not None and not self.end_was_heard.wait(_STOP_PACE_S):
            self.client.connection_pool.disconnect()
            if time.monotonic() >= end:
                break
        if self._worker is not None:
            self._worker.stop(timeout=int(timeout_s * 1_000))
        self.client.close()


class _BellBroker(RedisBroker):
    """A Redis broker without middleware, maintenance and delay queue, whose messages are bells."""

    def __init__(self, bell: DramatiqBell) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=bell.client, middleware=[], maintenance_chance=0
        )
        self._bell = bell

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 0) -> Consumer:  # noqa: ARG002
        """Make a listener; Dramatiq does so again after a connection broke."""
        return _Listener(self._bell, self.get_actor("drain").message)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue and, unlike the parent class, no delay queue, whose thread would take bells."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class _Listener(Consumer):
    """Takes one of `slots` permits, then waits for a bell; a silence of `LOOK_EVERY_S` counts as one.

    Any element of the list is a bell: its content is never read.
    """

    def __init__(self, bell: DramatiqBell, message: Callable[[], dramatiq.Message[None]]) -> None:
        self._bell = bell
        self._message = message

    def __next__(self) -> MessageProxy | None:
        """Wait for a reason to claim.

        Raises:
            ConnectionClosed: Redis cannot be reached.
        """
        if self._bell.stopping.is_set():
            self._bell.end_was_heard.set()
            time.sleep(_STOP_PACE_S)
        elif not self._bell.permits.acquire(timeout=_PERMIT_WAIT_S):
            return None
        elif self._bell.first_looks:
            self._bell.first_looks -= 1
        elif not self._bell.has_room(_PERMIT_WAIT_S):
            self._bell.permits.release()
            return None
        else:
            self._wait()
        return MessageProxy(self._message())

    def _wait(self) -> None:
        try:
            self._bell.client.blpop([self._bell.key], timeout=self._bell.look_every_s)
        except Exception as error:  # noqa: BLE001 - no error may lose the permit
            if self._bell.stopping.is_set():
                return  # interrupted by `stop`: redis-py raises all kinds of errors then
            if not isinstance(error, redis.RedisError | OSError):
                what = f"unexpected while listening at {self._bell.key}: {error!r}; listening again"
                self._bell.log.warning(what)
            elif _is_refusal(error) and not self._bell.is_refused:
                self._bell.is_refused = True
                what = f"redis lets nobody listen at {self._bell.key}: {error}; looking instead"
                self._bell.log.warning(what)
            self._bell.permits.release()
            self._bell.first_looks = 1
            raise ConnectionClosed(error) from None

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002
        """Release the permit; the store knows the state of the jobs."""
        self._bell.permits.release()

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Do nothing: the next tick rings again for jobs that were not claimed."""

    def close(self) -> None:
        """Do nothing: the connection is the bell's."""


def _is_refusal(error: Exception) -> bool:
    """Whether Redis refuses all listeners; a replica accepts them once it is the primary again."""
    is_replica = isinstance(error, redis.exceptions.ReadOnlyError) or str(error).startswith("UNBLOCKED")
    return isinstance(error, redis.ResponseError) and not is_replica


def _redirect_logs(log: Log) -> None:
    """Log errors of Dramatiq in nox's form, except lost connections, which the lease thread reports."""
    logger = logging.getLogger("dramatiq")
    handler = Forward(log, logging.ERROR)
    handler.addFilter(lambda record: "connection error" not in record.getMessage())
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.ERROR)
