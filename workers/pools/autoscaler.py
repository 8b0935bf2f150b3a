"""The autoscaler: one look at the pools of an owner, which requests and cancels allocations.

Nothing that matters for the next look is in the process: it may be killed at any point.  A request is three
steps: the allocation is recorded as intended, the batch system is asked under a name with its token, and the
number is recorded.  The next look finds by the name what became of a request that was cut off.
"""

from __future__ import annotations

import time
from collections import Counter
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.batch.system import BatchJob, BatchState, NoAnswer, RequestRefused
from workers.errors import LeaseLost
from workers.job import JobState
from workers.pools.decision import WISH_S, Standing, grouped, needs
from workers.pools.lease import held, new_holder
from workers.pools.reconciliation import DOUBTED_S, LookTime, foreign, listed, reconciled
from workers.pools.report import Look, Requested, allowed
from workers.pools.run_times import READ, RunTimes
from workers.pools.strikes import core_seconds, judged
from workers.store.pools import (
    NUMBER,
    OF_WORKER,
    Allocation,
    AllocationEnd,
    AllocationState,
    Pause,
)
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workers.batch.system import BatchJobs, BatchSystem
    from workers.pools.decision import Needs
    from workers.pools.report import Decision
    from workers.store.base import Store
    from workers.store.pools import AutoscalerLease, Pool, PoolDefinition, PoolStore

# The seconds between two looks, and between two questions to the batch system about its jobs.
LOOK_S, ASK_S = 10.0, 30.0
# The pauses after the first, second and each further refusal in a row, and the number that pauses a pool.
BACK_OFF_S = (60, 300, 900, 3_600)
MOST_REFUSALS = 10
# The reason of an allocation that nox has cancelled.
_UNWANTED = "unwanted by nox"
_RANDOM_BYTES, _DAY_S = 6, 86_400.0


class OwnPool(NamedTuple):
    """A pool as the user's file on this machine describes it: the only source of what is executed."""

    name: str
    definition: PoolDefinition
    digest: str  # of the file
    words: tuple[str, ...]  # of sbatch
    script: Callable[[str], str]  # writes the batch script of an allocation, whose token it takes
    log: Callable[[str], str]  # the path of the log of an allocation, whose token it takes


class Autoscaler:
    """Looks at demand, supply and allocations of one owner, and requests what is missing."""

    def __init__(
        self,
        store: Store,
        pools: PoolStore,
        system: BatchSystem,
        owner: str,
        read: Callable[[], Sequence[OwnPool]],
        rest: Callable[[float], None] | None = None,
    ) -> None:
        """Prepare to look.

        Args:
            store: the store of the jobs.
            pools: its pools.
            system: the batch system of this machine.
            owner: the owner of the pools; their workers run only jobs of this owner.
            read: returns the pools to look after, as their files are; others of the owner count only for
                where jobs belong.  It is called in each look, once that has its lease: what is set while a
                look waits is no change by hand.
            rest: sleeps while another autoscaler looks; see `held`.
        """
        self._store, self._pools, self._system, self._owner = store, pools, system, owner
        self._read, self._rest = read, rest
        self._holder = new_holder()

    def look(self) -> Look:
        """Look once, and do what is due; waits while another autoscaler of the owner looks.

        Raises:
            StoreBusy: another autoscaler did not end its look.
            StoreError: the store cannot be used; what was requested by then is recorded, or is found by the
                next look.
            NoxError: the pools cannot be read.
        """
        with held(self._pools, self._owner, self._holder, self._rest) as lease:
            try:
                return self._round(lease).run()
            except LeaseLost:
                return Look(lease.now_ms, silence="another autoscaler has taken over")

    def plan(self) -> Look:
        """Find out what a look would do, without changing or requesting anything.

        Raises:
            StoreError: the store cannot be read.
            NoxError: the pools cannot be read.
        """
        return self._round(None).run()

    def _round(self, lease: AutoscalerLease | None) -> _Round:
        first = self._begun(lease)
        # A pool that was set after its file was read, and before the store was, is the same in both by now.
        return self._begun(lease) if first.changed() else first

    def _begun(self, lease: AutoscalerLease | None) -> _Round:
        own = {one.name: one for one in self._read()}
        return _Round((self._store, self._pools, self._system), self._owner, own, lease)


class _Round:
    """One look: what it has read, and what it does about it."""

    def __init__(
        self,
        sources: tuple[Store, PoolStore, BatchSystem],
        owner: str,
        own: Mapping[str, OwnPool],
        lease: AutoscalerLease | None,
    ) -> None:
        """Read the store; `lease` None: nothing is written or requested."""
        self._store, self._pools, self._system = sources
        self._owner, self._own, self._lease = owner, own, lease
        self._demand = self._pools.demand(owner)
        self._began = time.monotonic()
        # The limits of a file hold, whatever the store has.
        self._found = {
            pool.name: pool._replace(definition=own[pool.name].definition) if pool.name in own else pool
            for pool in self._pools.pools(owner)
        }
        self._known = {one.token: one for one in self._pools.allocations(owner)}
        done = Query(states=frozenset({JobState.DONE}), sort=SortKey.ENDED, limit=READ)
        self._times = RunTimes(self._store.page(done).items)
        self._jobs: BatchJobs | None = None
        self._silence = ""
        self._requested: list[Requested] = []
        self._cancelled: list[Allocation] = []
        self._ended: list[Allocation] = []
        self._paused: list[str] = []

    def run(self) -> Look:
        """Look once."""
        for name in self.changed():
            self._pause(name, Pause.CHANGED, "its file is not the one that nox alloc set wrote")
        if self._is_due():
            self._ask()
        needed, decisions = self._decide()
        is_acting = any(one.request or one.cancel for one in decisions)
        # Only an answer shows that batch jobs have ended of which the store has no record.
        is_blocked = self._is_long_ago() and any(one.wanted and one.pool.foreign for one in decisions)
        if (is_acting or is_blocked) and self._jobs is None and not self._silence:
            self._ask()
            needed, decisions = self._decide()
        if not self._silence and self._lease is not None:
            for one in decisions:
                self._cancel(one)
            for one in decisions:
                self._request(one)
        for one in decisions:
            self._note(one, needed)
        is_wishing = any(one.pool.wished_ms is None and one.wanted for one in decisions)
        return Look(
            now_ms=self._now_ms(),
            shapes=needed.shapes,
            decisions=tuple(decisions),
            requested=tuple(self._requested),
            cancelled=tuple(self._cancelled),
            ended=tuple(self._ended),
            paused=tuple(self._found[name] for name in self._paused),
            silence=self._silence,
            again_s=WISH_S if is_wishing else LOOK_S,
        )

    def changed(self) -> list[str]:
        """List the pools, none of them paused, whose file is not the one that the store knows."""
        found = ((own, self._found[own.name]) for own in self._mine())
        return [own.name for own, pool in found if pool.digest != own.digest and pool.paused is None]

    def _mine(self) -> list[OwnPool]:
        """List the pools of this machine that the store has."""
        return [own for name, own in self._own.items() if name in self._found]

    def _ago_ms(self, seconds: float) -> int:
        return self._now_ms() - round(1_000 * seconds)

    def _now_ms(self) -> int:
        return self._demand.now_ms + round(1_000 * (time.monotonic() - self._began))

    def _live(self) -> list[Allocation]:
        return [one for one in self._known.values() if one.is_live]

    def _living(self) -> set[str]:
        return {beat.worker for beat in self._demand.workers}

    # -- the batch system ------------------------------------------------------------------------

    def _is_due(self) -> bool:
        """Whether the batch system is to be asked.

        It is, about allocations without a living worker or a number, or whose cores have yet to count
        against a budget, and about a new pool, which may have been removed, or lost, with allocations.
        """
        living = self._living()
        names = {own.name for own in self._mine()}
        limited = {own.name for own in self._mine() if own.definition.budget is not None}
        mine = [one for one in self._live() if one.pool in names]
        unseen = any(
            one.worker not in living or not one.number or (one.pool in limited and not one.allocated_cores)
            for one in mine
        )
        return (unseen and self._is_long_ago()) or None in self._answers_ms()

    def _answers_ms(self) -> list[int | None]:
        return [self._found[own.name].answered_ms for own in self._mine()]

    def _is_long_ago(self) -> bool:
        """Whether the batch system was last asked before so long that it may be asked again."""
        answered_ms = max((found_ms or 0 for found_ms in self._answers_ms()), default=0)
        return self._now_ms() - answered_ms >= 1_000 * (ASK_S - LOOK_S / 2)

    def _ask(self) -> None:
        """Ask the batch system for its jobs, and take what follows; without an answer nothing changes."""
        names = {own.name for own in self._mine()}
        budgets = [own.definition.budget for own in self._mine()]
        past_s = max([DOUBTED_S, *(_DAY_S * budget.days for budget in budgets if budget)])
        past = self._pools.allocations(self._owner, ended=True, since_ms=self._ago_ms(past_s))
        dropped = (one for one in past if one.ended_as is AllocationEnd.DROPPED)
        doubted = [one for one in dropped if (one.ended_ms or 0) >= self._ago_ms(DOUBTED_S)]
        self._known = {one.token: one for one in doubted} | self._known
        try:
            self._jobs = self._system.look([one.name for one in self._known.values() if one.pool in names])
        except NoAnswer as error:
            self._silence = str(error)
            return
        unknown = {
            token: (job, pool)
            for pool, token, job in listed(self._jobs, self._pools.mark)
            if pool in names and not self._is_known(token, pool)
        }
        ended = self._pools.named(self._owner, sorted(unknown)) if unknown else []
        self._known.update((one.token, one) for one in ended)
        mine = [one for one in self._known.values() if one.pool in names]
        moment = LookTime(self._now_ms(), self._living())
        unwanted = {one.token for one in mine if one.reason == _UNWANTED}
        changed = list(reconciled(mine, self._jobs, moment, unwanted))
        others = foreign(self._jobs, self._pools.mark)
        for name in sorted(names):
            # What other programs did to the sum is put right by the records, as far as they are kept.
            spent = core_seconds(one for one in past if one.pool == name) | Counter(self._found[name].spent)
            self._write(name, {"spent": spent, "foreign": others[name]})
            self._take(name, [one for one in changed if one.pool == name], moment.now_ms)
        for token, (job, name) in unknown.items():
            if not self._is_known(token, name):
                self._adopt(job, self._found[name], token)
        self._cancel_doubles()

    def _is_known(self, token: str, pool: str) -> bool:
        """Whether there is a record of an allocation, and of that pool."""
        return token in self._known and self._known[token].pool == pool

    def _cancel_doubles(self) -> None:
        """Cancel pending batch jobs of a request that the batch system took twice, all but one of each."""
        names = {one.name for one in self._live()}
        doubles = self._jobs.doubles if self._jobs is not None and self._lease is not None else ()
        pending = [job for job in doubles if job.state is BatchState.PENDING and job.name in names]
        if pending:
            try:
                self._system.cancel_pending(pending)
            except NoAnswer as error:
                self._silence = str(error)

    def _take(self, name: str, changed: Sequence[Allocation], now_ms: int) -> None:
        """Record what the batch system reports of the allocations of a pool, and judge their ends."""
        ended = sorted((one for one in changed if not one.is_live), key=lambda one: one.ended_ms or 0)
        changes = judged(self._found[name], ended, self._own[name].log, now_ms)
        if changes.get("paused"):
            self._paused.append(name)
        self._ended += ended
        differences = [(one.token, _difference(self._known[one.token], one)) for one in changed]
        self._write(name, changes | {"answered_ms": now_ms}, differences)

    def _adopt(self, job: BatchJob, pool: Pool, token: str) -> None:
        """Record a batch job of which there is no record."""
        is_running = job.state is BatchState.RUNNING
        new = self._new(pool, token)._replace(
            state=AllocationState.RUNNING if is_running else AllocationState.PENDING,
            number=job.number,
            reason="" if is_running else job.reason,
            started_ms=job.starts_ms if is_running else None,
        )
        self._write(pool.name, {}, [(token, new._asdict())])

    # -- decisions -------------------------------------------------------------------------------

    def _decide(self) -> tuple[Needs, list[Decision]]:
        live = self._live()
        found = needs(self._demand, self._owner, list(self._found.values()), live, self._times)
        by_pool = grouped(live)
        decisions = [
            Standing(self._found[own.name], by_pool.get(own.name, ()), self._now_ms()).decide(
                found.needed[own.name], found.jobs[own.name], found.useless
            )
            for own in self._mine()
        ]
        return found, decisions

    def _note(self, decision: Decision, needed: Needs) -> None:
        """Record what the next look has to know."""
        name, now_ms = decision.pool.name, self._now_ms()
        wish = allowed(decision.wanted, decision.limits)
        is_requested = any(one.pool == name for one in self._requested)
        wished_ms = now_ms if is_requested or decision.pool.wished_ms is None else decision.pool.wished_ms
        self._write(
            name,
            {
                "wish": wish,
                "wished_ms": wished_ms if wish else None,
                "surplus_ms": (decision.pool.surplus_ms or now_ms) if decision.surplus else None,
                "looked_ms": now_ms,
                "demand_jobs": needed.jobs[name],
                "demand_cores": needed.cores[name],
            },
        )

    # -- actions ---------------------------------------------------------------------------------

    def _cancel(self, decision: Decision) -> None:
        """Cancel pending allocations that no job needs; the next answer reports what became of them."""
        mine = (one for one in decision.cancel if one.token.startswith(self._pools.mark))
        listed = [one for one in mine if NUMBER.fullmatch(one.number)]
        if not listed:
            return
        self._write(decision.pool.name, {}, [(one.token, {"reason": _UNWANTED}) for one in listed])
        jobs = [BatchJob(one.number, one.name, BatchState.PENDING) for one in listed]
        try:
            self._system.cancel_pending(jobs)
        except NoAnswer as error:
            self._silence = str(error)
        else:
            self._cancelled += listed

    def _request(self, decision: Decision) -> None:
        """Request allocations, one after the other, until one is not accepted."""
        for _ in range(decision.request):
            if self._silence or not self._request_one(self._found[decision.pool.name]):
                return

    def _request_one(self, pool: Pool) -> bool:
        """Request an allocation in three steps; return whether it was accepted."""
        own, token = self._own[pool.name], f"{self._pools.mark}{token_hex(_RANDOM_BYTES)}"
        script = own.script(token)
        new = self._new(pool, token)
        self._write(pool.name, {}, [(token, new._asdict())])
        try:
            number = self._system.submit(script, own.words, new.name)
        except RequestRefused as refused:
            self._refused(pool, new, refused)
            return False
        except NoAnswer as error:
            self._silence = str(error)
            self._requested.append(Requested(pool.name, token, "", self._silence))
            return False
        accepted = {"number": number, "state": AllocationState.PENDING}
        self._write(pool.name, {"refusals": 0, "refusal": ""}, [(token, accepted)])
        self._requested.append(Requested(pool.name, token, number))
        return True

    def _refused(self, pool: Pool, new: Allocation, refused: RequestRefused) -> None:
        now_ms, refusals = self._now_ms(), pool.refusals + 1
        pause_s = BACK_OFF_S[min(refusals, len(BACK_OFF_S)) - 1]
        ended = {"state": AllocationState.ENDED, "ended_as": AllocationEnd.REFUSED, "ended_ms": now_ms}
        changes = {"refusals": refusals, "refusal": refused.words, "next_ms": now_ms + 1_000 * pause_s}
        self._write(pool.name, changes, [(new.token, ended)])
        self._requested.append(Requested(pool.name, new.token, "", refused.words))
        if refusals >= MOST_REFUSALS and not refused.is_limit:
            self._pause(
                pool.name, Pause.REFUSED, f"{refusals} requests in a row were refused: {refused.words}"
            )

    def _new(self, pool: Pool, token: str) -> Allocation:
        own = self._own[pool.name]
        return Allocation(
            token=token,
            owner=self._owner,
            pool=pool.name,
            state=AllocationState.INTENDED,
            cores=own.definition.cores,
            memory_bytes=own.definition.memory_bytes,
            time_s=own.definition.time_s,
            intended_ms=self._now_ms(),
            log=own.log(token),
        )

    def _pause(self, name: str, cause: Pause, why: str) -> None:
        self._write(name, {"paused": cause, "why": why})
        self._paused.append(name)

    def _write(
        self,
        name: str,
        changes: Mapping[str, object],
        allocations: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        """Change a pool and its allocations, in the store and here; the dry run: only here."""
        changes = {key: value for key, value in changes.items() if getattr(self._found[name], key) != value}
        if self._lease is not None and (changes or allocations):
            self._pools.record(self._lease, name, changes, [*map(_without_worker, allocations)])
        self._found[name] = self._found[name]._replace(**changes)  # type: ignore[arg-type]
        for token, fields in allocations:
            known = self._known.get(token)
            self._known[token] = known._replace(**fields) if known else Allocation(**fields)


def _difference(before: Allocation, after: Allocation) -> dict[str, object]:
    """Return the fields that have changed."""
    return {name: value for name, value in after._asdict().items() if getattr(before, name) != value}


def _without_worker(one: tuple[str, Mapping[str, object]]) -> tuple[str, Mapping[str, object]]:
    """Leave out the fields that only the worker writes."""
    token, fields = one
    return token, {name: value for name, value in fields.items() if name not in OF_WORKER}
