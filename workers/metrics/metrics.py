"""The metrics of the store and of a worker, in the form of Prometheus.

Only this module and the exporter use prometheus-client, and they are loaded only where metrics are asked for.
Labels are few, whatever records hold: unknown kinds of calculations are `other`, and so are pools beyond the
first hundred names.  Pools of one name are added up, whose ever they are: no label is an owner.
"""

from __future__ import annotations

import threading
import time
from collections import Counter as Counts
from collections import defaultdict
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from workers import __version__
from workers.errors import StoreError
from workers.job import JobState
from workers.metrics.queries import RECENT, measure
from workers.names import CALCULATIONS
from workers.runtime.observer import Observer
from workers.store.pools import MAX_POOLS, AllocationState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector

    from workers.job import Job
    from workers.metrics.queries import Measured
    from workers.store.base import Store

# The store is queried at most once in this time.
FRESH_S = 1.0
_OTHER = "other"
_OF_POOLS = {
    "pending": "Allocations that are requested and have not started.",
    "running": "Allocations that run.",
    "demand_cores": "Cores that its ready jobs can use at once, by the last look.",
    "strikes": "Allocations in a row that were of no use.",
    "paused": "Pools that request nothing until they are resumed.",
    "core_seconds": "Core time of ended allocations.",
}
BUCKETS_S = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0)

disable_created_metrics()  # a further series for each counter, with its start time


def exposition(measured: Measured) -> str:
    """Write the metrics of a store in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(cast("Collector", _Fixed(tuple(_of_store(measured)))))
    return generate_latest(registry).decode()


class WorkerMetrics(Observer):
    """Counts the jobs of a worker from its start to its end, and queries its store when it is read."""

    def __init__(self, store: Store, worker: str, slots: int) -> None:
        """Start all counts at zero.

        Args:
            store: is queried when the metrics are read, at most once a second.
            worker: the id of the worker.
            slots: the number of its slots.
        """
        registry = self.registry = CollectorRegistry(auto_describe=False)
        info = Gauge("nox_worker_info", "The worker; always 1.", ["worker", "version"], registry=registry)
        info.labels(worker, __version__).set(1)
        Gauge("nox_worker_slots", "Jobs that this worker can run at once.", registry=registry).set(slots)
        self._busy = Gauge("nox_worker_slots_busy", "Jobs that it runs now.", registry=registry)

        def times(name: str, words: str) -> Histogram:
            return Histogram(name, words, ["calculation"], buckets=BUCKETS_S, registry=registry)

        self._waits = times("nox_worker_wait_seconds", "From submit to the start of first attempts.")
        self._runs = times("nox_worker_run_seconds", "How long attempts ran.")
        ends = ["calculation", "ended"]
        words = "Attempts that ended here, and how."
        self._attempts = Counter("nox_worker_attempts", words, ends, registry=registry)
        words = "Jobs that it took from lost workers."
        self._taken_back = Counter("nox_worker_taken_back", words, registry=registry)
        registry.register(cast("Collector", _Asking(store)))

    def count_busy(self, busy: Callable[[], int]) -> None:
        """Set the function that counts the slots that run a job."""
        self._busy.set_function(busy)

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Count an attempt.

        Args:
            job: its job.
            how: the end of the attempt, the value of a label.
            seconds: how long it ran.
        """
        calculation = _calculation(job)
        if job.attempt == 1 and job.started_ms is not None:
            self._waits.labels(calculation).observe((job.started_ms - job.created_ms) / 1_000)
        self._runs.labels(calculation).observe(seconds)
        self._attempts.labels(calculation, how).inc()

    def took_back(self, count: int) -> None:
        """Count requeued jobs."""
        self._taken_back.inc(count)


class _Fixed:
    """Metrics with fixed values."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class _Asking:
    """Metrics of a store, which is queried again if the known ones are old."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._known: tuple[Metric, ...] = ()
        self._until = float("-inf")  # monotonic

    def collect(self) -> Iterable[Metric]:
        with self._guard:
            if time.monotonic() >= self._until:
                try:
                    self._known = tuple(_of_store(measure(self._store)))
                except StoreError:
                    self._known = (_up(False),)
                self._until = time.monotonic() + FRESH_S
            return self._known


def _of_store(measured: Measured) -> Iterator[Metric]:
    yield _up(True)
    yield _gauge(
        "nox_store_latency_seconds", "How long the store took to count the jobs.", measured.latency_s
    )
    jobs = GaugeMetricFamily("nox_jobs", "Jobs in each state.", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], measured.counts.get(state, 0))
    yield jobs
    beats = [worker.beat for worker in measured.workers]
    yield _gauge("nox_workers", "Workers that live.", len(beats))
    yield _gauge("nox_slots", "Jobs that they can run at once.", sum(beat.slots for beat in beats))
    yield _gauge("nox_slots_busy", "Jobs that they run now.", sum(beat.busy for beat in beats))
    yield from _of_recent(measured.recent)
    yield from _of_pools(measured)


def _of_recent(jobs: Sequence[Job]) -> Iterator[Metric]:
    """Measure the newest ended jobs: a moving window, whose numbers are gauges and not counters."""
    words = f"of the newest {RECENT:,} ended jobs"
    waits = _histogram("nox_recent_wait_seconds", f"From submit to the newest start, {words}.")
    runs = _histogram("nox_recent_run_seconds", f"From the newest start to the end, {words}.")
    attempts = _by_calculation("nox_recent_attempts", f"Attempts {words}.")
    losses = _by_calculation("nox_recent_losses", f"Attempts whose worker was lost, {words}.")
    for calculation in sorted({_calculation(job) for job in jobs}):
        mine = [job for job in jobs if _calculation(job) == calculation]
        begun = [(job, job.started_ms) for job in mine if job.started_ms is not None]
        _add(waits, calculation, [(start - job.created_ms) / 1_000 for job, start in begun])
        _add(runs, calculation, [((job.ended_ms or start) - start) / 1_000 for job, start in begun])
        attempts.add_metric([calculation], sum(job.attempt for job in mine))
        losses.add_metric([calculation], sum(job.losses for job in mine))
    yield from (waits, runs, attempts, losses)


def _of_pools(measured: Measured) -> Iterator[Metric]:
    """Add up pools by name; nothing where there are none."""
    sums = defaultdict[str, Counts[str]](Counts)
    for pool in measured.pools:
        label = pool.name if pool.name in sums or len(sums) < MAX_POOLS else _OTHER
        sums[label].update(
            demand_cores=pool.demand_cores,
            strikes=pool.strikes,
            paused=pool.paused is not None,
            core_seconds=sum(pool.spent.values()),
        )
    for one in measured.allocations:
        label = one.pool if one.pool in sums else _OTHER
        sums[label].update(["running" if one.state is AllocationState.RUNNING else "pending"])
    for name, words in _OF_POOLS.items() if sums else ():
        kind = CounterMetricFamily if name == "core_seconds" else GaugeMetricFamily
        family = kind(f"nox_pool_{name}", words, labels=["pool"])
        for label, counts in sums.items():
            family.add_metric([label], counts[name])
        yield family


def _up(is_up: bool) -> Metric:
    return _gauge("nox_store_up", "Whether the store answers.", float(is_up))


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def _by_calculation(name: str, words: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=["calculation"])


def _histogram(name: str, words: str) -> GaugeHistogramMetricFamily:
    return GaugeHistogramMetricFamily(name, words, labels=["calculation"])


def _add(family: GaugeHistogramMetricFamily, calculation: str, seconds: Sequence[float]) -> None:
    buckets = [(f"{limit:g}", float(sum(one <= limit for one in seconds))) for limit in BUCKETS_S]
    family.add_metric([calculation], [*buckets, ("+Inf", float(len(seconds)))], gsum_value=sum(seconds))


def _calculation(job: Job) -> str:
    return job.kind if job.kind in CALCULATIONS else _OTHER
