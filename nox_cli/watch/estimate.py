"""An estimate of the time until a batch has ended, from the times that similar jobs took.

The estimate is a simulation of 80 courses.

- The time of a job is modelled by a power of its number of atoms.  The power is fitted by least squares to
  the logarithms of the times that jobs of the same calculation and engine took, with the prior 1.5 ± 1.
- The deviations from that fit are drawn from those of ended jobs, so a job in twenty that takes ten times as
  long is expected again.  Running jobs count as ones that take longer than they have run so far (Kaplan and
  Meier, 1958): without them the first jobs to end, which are the quick ones, would represent all.
- A time longer than all known ones is drawn rarely, and from an exponential tail as long as that of the
  longest twentieth.  A running job that has taken longer than all others is expected to take the longer, the
  longer it has taken.
- Each course draws the parameters of the fit within their standard errors, the mean with at least 3 %.  The
  estimate is wide while few jobs have ended.
- Waiting jobs go to the slots that become free first.  Of more than 256, the others fill the slots evenly.

The estimate is the median and the 90th percentile of the courses.  It assumes that as many jobs run at once
as lately, and that no job is submitted, released or cancelled.  In simulated histories of 20 to 500 jobs on
1 to 64 slots, made otherwise than those of `tests/unit/nox_cli/watch/`, the median was passed in 51 % of
809 cases and the 90th percentile in 13 %.  It was passed more often where 2 % of the jobs took ten times as
long (25 %), on 64 slots (34 %), and where slots joined or left later (34 %).
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from itertools import pairwise
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.watch.batch_progress import TimeLeft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from random import Random

# Jobs of one kind on one engine: their times depend on their numbers of atoms.
Work = tuple[str, str]

# An estimate needs this many ended jobs of each kind of work that is left.
LEAST_ENDED = 5
# Sizes beyond those that have ended, by more than this factor, are not estimated.
_BEYOND = 1.25
_EXPONENT, _EXPONENT_ERROR = 1.5, 1.0
# The least standard deviation of the logarithm of a time, and the least error of the mean.  The error is also
# that of the idle time between jobs and of the machine's speed: they change, and a few seconds show little.
_LEAST_SPREAD, _LEAST_ERROR = 0.01, 0.03
# A job that has ended: the logarithms of its number of atoms and of its milliseconds.
JobTime = tuple[float, float]
# An estimate of gradients needs this number of counts, over this many seconds; the newest are kept.
LEAST_COUNTS, LEAST_SEEN_S, _SEEN_COUNTS, _BLOCKS = 4, 2.0, 240, 8
_LATE_DEVIATIONS = 1.28
_COURSES = 80
_LIKELY, _LATE = 0.5, 0.9
# The most slots and waiting jobs that are simulated one by one.
_MOST_SLOTS, _MOST_JOBS = 128, 256
_LONGEST = 0.7
# The expected number of jobs among those that have ended whose times were longer than all known ones.
_UNSEEN = 0.6


class Unended(NamedTuple):
    """A job that runs."""

    work: Work
    size: float  # the logarithm of its number of atoms
    age_ms: float
    is_new: bool = True  # it started in the time whose ended jobs are known


class Rest(NamedTuple):
    """Jobs of a batch that have not ended."""

    running: Sequence[Unended]
    waiting: Mapping[tuple[Work, float], float]  # the number of jobs of each size
    at_once: float  # the number of jobs that run at once, on average


def size_of(atoms: int) -> float:
    """Return the logarithm of a number of atoms."""
    return math.log(max(1, atoms))


def estimate(times: Mapping[Work, Sequence[JobTime]], rest: Rest) -> TimeLeft | None:
    """Estimate how long the rest of a batch takes; None: too little is known.

    Args:
        times: the times of ended jobs of each kind of work.
        rest: the jobs that are left.
    """
    if rest.at_once <= 0 or not (rest.running or rest.waiting):
        return None
    sizes: defaultdict[Work, set[float]] = defaultdict(set)
    for work, size in [(one.work, one.size) for one in rest.running] + list(rest.waiting):
        sizes[work].add(size)
    fits = {}
    for work, wanted in sizes.items():
        known = times.get(work, ())
        if len(known) < LEAST_ENDED:
            return None
        fit = _Fit(known, (one for one in rest.running if one.work == work and one.is_new))
        if not (fit.covers(min(wanted)) and fit.covers(max(wanted))):
            return None
        fits[work] = fit
    return _simulated(fits, _scaled(rest))


class GradientPace:
    """The pace at which the gradients of frequencies are computed, from the counts that a viewer has seen.

    Gradients of one molecule take about equally long, but other jobs may slow the machine down.  The counts
    are divided into up to eight blocks.  The estimate is the mean time of a gradient in all of them, and its
    90th percentile is that of a block: the mean plus 1.28 standard deviations of the blocks.
    """

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque(maxlen=_SEEN_COUNTS)

    def see(self, at_s: float, count: int) -> None:
        """Take the number of gradients that were computed by a time; the same one again changes nothing."""
        if self._counts and count < self._counts[-1][1]:
            self._counts.clear()  # another attempt
        if not self._counts or count > self._counts[-1][1]:
            self._counts.append((at_s, count))

    def left(self, at_s: float, total: int) -> TimeLeft | None:
        """Estimate the time until all gradients are computed; None: too few were seen, or for too short."""
        counts = list(self._counts)
        if len(counts) < LEAST_COUNTS or counts[-1][0] - counts[0][0] < LEAST_SEEN_S:
            return None
        each_s = (counts[-1][0] - counts[0][0]) / (counts[-1][1] - counts[0][1])
        blocks = min(_BLOCKS, len(counts) - 1)
        edges = [counts[index * (len(counts) - 1) // blocks] for index in range(blocks + 1)]
        means = [(later - before) / (b - a) for (before, a), (later, b) in pairwise(edges)]
        deviation = math.sqrt(sum((mean - each_s) ** 2 for mean in means) / (blocks - 1))
        rest, passed_s = total - counts[-1][1], at_s - counts[-1][0]
        late_s = (each_s + _LATE_DEVIATIONS * deviation) * rest - passed_s
        return TimeLeft(max(0.0, each_s * rest - passed_s), max(0.0, late_s))


class _Fit:
    """The times of one kind of work: `log(ms) = mean + exponent (size - mean size) + residual`."""

    def __init__(self, points: Sequence[JobTime], running: Iterable[Unended]) -> None:
        self.count = len(points)
        self.sizes = sorted(size for size, _ in points)
        self.mean_size = sum(self.sizes) / self.count
        self.mean = sum(time for _, time in points) / self.count
        squares = sum((size - self.mean_size) ** 2 for size in self.sizes)
        products = sum((size - self.mean_size) * (time - self.mean) for size, time in points)
        variance = self._variance(points, products / squares if squares else _EXPONENT)
        precision = squares / variance + 1 / _EXPONENT_ERROR**2
        self.exponent = (products / variance + _EXPONENT / _EXPONENT_ERROR**2) / precision
        self.exponent_error = 1 / math.sqrt(precision)
        self.spread = math.sqrt(self._variance(points, self.exponent))
        self.residuals = sorted(time - self._expected(size, self.exponent) for size, time in points)
        longest = self.residuals[-max(2, self.count // 20) :]
        self.excess = max(
            self.spread / math.sqrt(2 * math.log(self.count)), sum(longest) / len(longest) - longest[0]
        )
        ages = (math.log(max(1.0, one.age_ms)) - self._expected(one.size, self.exponent) for one in running)
        self.shares = _shares(self.residuals, sorted(ages))

    def covers(self, size: float) -> bool:
        """Whether jobs about as large have ended."""
        margin = math.log(_BEYOND)
        return self.sizes[0] - margin <= size <= self.sizes[-1] + margin

    def _expected(self, size: float, exponent: float) -> float:
        return self.mean + exponent * (size - self.mean_size)

    def _variance(self, points: Sequence[JobTime], exponent: float) -> float:
        squares = sum((time - self._expected(size, exponent)) ** 2 for size, time in points)
        return max(squares / (self.count - 1), _LEAST_SPREAD**2)


def _shares(ended: Sequence[float], running: Sequence[float]) -> list[float]:
    """Return the share of jobs that take up to each time, if some still run (Kaplan and Meier, 1958).

    Args:
        ended: the times of ended jobs, ascending.
        running: the times that others have run so far, ascending.
    """
    longer, shares = 1.0, []
    for index, time in enumerate(ended):
        at_risk = len(ended) - index + len(running) - bisect_left(running, time)
        longer *= 1 - 1 / at_risk
        shares.append(1 - longer)
    return shares


class _Drawn:
    """One draw of the parameters of a fit, within their errors."""

    def __init__(self, fit: _Fit, random: Random) -> None:
        freedom = fit.count - 1
        self._fit = fit
        self._random = random
        self._scale = math.sqrt(freedom / (2 * random.gammavariate(freedom / 2, 1.0)))
        error = math.hypot(self._scale * fit.spread / math.sqrt(fit.count), _LEAST_ERROR)
        self._mean = fit.mean + error * random.gauss(0.0, 1.0)
        self._exponent = fit.exponent + fit.exponent_error * random.gauss(0.0, 1.0)
        # The share of jobs that take no longer than the longest one did.
        self._known = fit.shares[-1] * (1.0 - random.random()) ** (_UNSEEN / fit.count)

    def time_ms(self, size: float) -> float:
        """Draw the time of a job."""
        return math.exp(self._level(size) + self._scale * self._residual())

    def rest_ms(self, size: float, age_ms: float) -> float:
        """Draw the time that a job takes yet which has run for `age_ms`."""
        age_ms = max(1.0, age_ms)
        level = self._level(size)
        time_ms = math.exp(level + self._scale * self._residual((math.log(age_ms) - level) / self._scale))
        return max(0.0, time_ms - age_ms)

    def _residual(self, above: float = -math.inf) -> float:
        """Draw a residual that is larger than `above`."""
        shares, residuals = self._fit.shares, self._fit.residuals
        least = bisect_right(residuals, above)
        below = shares[least - 1] / shares[-1] * self._known if least else 0.0
        share = below + (1.0 - below) * self._random.random()
        if share < self._known:
            return residuals[bisect_right(shares, share / self._known * shares[-1], hi=len(shares) - 1)]
        beyond = max(0.0, above - residuals[-1])
        excess = max(self._fit.excess, min(beyond, _LONGEST))
        return residuals[-1] + beyond + excess * self._random.expovariate(1.0)

    def sum_ms(self, sizes: Iterable[tuple[float, float]]) -> float:
        """Draw the sum of the times of very many jobs: sizes, and the number of jobs of each."""
        mean, variance = self._moments()
        total = squares = 0.0
        for size, count in sizes:
            level_ms = math.exp(self._level(size))
            total += count * mean * level_ms
            squares += count * variance * level_ms**2
        return max(0.0, total + math.sqrt(squares) * self._random.gauss(0.0, 1.0))

    def _moments(self) -> tuple[float, float]:
        """Return mean and variance of the factors by which times differ from the expected ones."""
        fit = self._fit
        factors = [math.exp(self._scale * residual) for residual in fit.residuals]
        weights = [share - before for before, share in pairwise((0.0, *fit.shares))]
        excess = min(self._scale * fit.excess, _LONGEST)
        factors.append(factors[-1] / (1.0 - excess))
        weights = [weight * self._known / fit.shares[-1] for weight in weights] + [1.0 - self._known]
        mean = sum(map(mul, factors, weights))
        variance = max(0.0, sum(map(mul, map(mul, factors, factors), weights)) - mean**2)
        # A few long jobs make up much of the mean: its error is larger than that of the mean logarithm.
        error = math.sqrt(max(0.0, variance / mean**2 - fit.spread**2) / fit.count)
        return mean * math.exp(error * self._random.gauss(0.0, 1.0)), variance

    def _level(self, size: float) -> float:
        return self._mean + self._exponent * (size - self._fit.mean_size)


def _scaled(rest: Rest) -> Rest:
    """Represent very many slots by fewer with the same share of the jobs."""
    slots = max(len(rest.running), math.ceil(rest.at_once))
    if slots <= _MOST_SLOTS:
        return rest
    share = _MOST_SLOTS / slots
    kept = max(1, int(len(rest.running) * share))
    running = sorted(rest.running, key=lambda one: one.age_ms)
    return Rest(
        [running[index * len(running) // kept] for index in range(kept)],
        {size: count * share for size, count in rest.waiting.items()},
        rest.at_once * share,
    )


def _simulated(fits: Mapping[Work, _Fit], rest: Rest) -> TimeLeft:
    """Simulate courses; with equal input they are equal, so that all viewers see the same."""
    from random import Random

    random = Random(0)  # noqa: S311  no secret
    waiting = sum(rest.waiting.values())
    one_by_one = min(1.0, _MOST_JOBS / waiting) if waiting else 0.0
    last = _last(rest, random, round(waiting * one_by_one))
    bulk: defaultdict[Work, list[tuple[float, float]]] = defaultdict(list)
    if one_by_one < 1.0:
        for (work, size), count in rest.waiting.items():
            bulk[work].append((size, count * (1 - one_by_one)))
    slots = max(len(rest.running), math.ceil(rest.at_once)) if waiting else len(rest.running)
    idle = max(1.0, slots / rest.at_once)  # between two jobs a slot is idle for a share of the time
    ends = []
    for _ in range(_COURSES):
        drawn = {work: _Drawn(fit, random) for work, fit in fits.items()}
        free = [drawn[one.work].rest_ms(one.size, one.age_ms) for one in rest.running]
        free += [0.0] * (slots - len(free))
        if bulk:
            free = _filled(free, idle * sum(drawn[work].sum_ms(sizes) for work, sizes in bulk.items()))
        heapq.heapify(free)
        for work, size in last:
            heapq.heapreplace(free, free[0] + idle * drawn[work].time_ms(size))
        ends.append(max(free) / 1_000)
    ends.sort()
    return TimeLeft(ends[int(_LIKELY * _COURSES)], ends[int(_LATE * _COURSES)])


def _last(rest: Rest, random: Random, count: int) -> list[tuple[Work, float]]:
    """Choose the jobs that are simulated one by one, in the order they start."""
    jobs, weights = list(rest.waiting), list(rest.waiting.values())
    if count == round(sum(weights)):
        found = [job for job, weight in zip(jobs, weights, strict=True) for _ in range(round(weight))]
        random.shuffle(found)
        return found
    return random.choices(jobs, weights, k=count)


def _filled(free: list[float], amount: float) -> list[float]:
    """Give an amount of work to the slots that become free first, as water fills a vessel."""
    level = sorted(free)
    for count, (here, there) in enumerate(pairwise([*level, math.inf]), 1):
        if amount <= count * (there - here):
            top = here + amount / count
            return [max(one, top) for one in free]
        amount -= count * (there - here)
    return free
