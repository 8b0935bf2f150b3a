"""`nox alloc`: pools of workers that start themselves in allocations of Slurm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nox_cli.alloc.batch_script import remote_url
from nox_cli.alloc.definition import NOT_SET, PoolOptions, budget_of
from nox_cli.alloc.management import PoolChange, PoolSet, pause_pool, remove_pool, resume_pool, set_pool
from nox_cli.alloc.overview import PoolList, PoolPage, list_pools, show_pool
from nox_cli.alloc.pool_file import MAX_CORES, MAX_MOST
from nox_cli.alloc.run import LookReport, Looks, LoopEnded, look_once, need, plan
from nox_cli.alloc.user_pools import UserPools
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, takes
from nox_cli.commandline.context import session
from nox_cli.config.settings import environment
from nox_cli.exits import ExitCode
from nox_cli.interrupts import Interrupts, heard
from nox_cli.session import Terminated
from nox_cli.times import seconds_of
from nox_cli.values import memory_bytes
from workers.batch.slurm import find_batch_system
from workers.errors import UsageError
from workers.store.opening import open_redis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.session import Session
    from workers.logs import Log

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Start workers in allocations of Slurm, as many as the ready jobs need.",
)
PoolName = Annotated[str, typer.Argument(metavar="POOL", help="Name of the pool.", show_default=False)]
PoolNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[POOL]...", help="Pools (default: all of this machine).", show_default=False),
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WORD]...",
        help="Options for sbatch, after --: partition, account, QOS, ...",
        show_default=False,
    ),
]
OPTIONS: Mapping[str, Any] = {
    "cores": groups.resources(min=1, max=MAX_CORES, help="Cores of an allocation, on one node."),
    "memory": groups.resources(parser=memory_bytes, metavar="SIZE", help="Memory of an allocation."),
    "time": groups.resources(
        parser=seconds_of, metavar="DURATION", help="Time limit of an allocation: 4h, 30m, 1-00:00:00."
    ),
    "max": groups.limits(min=1, max=MAX_MOST, help="Most allocations that are pending or running."),
    "pending": groups.limits(min=1, max=MAX_MOST, help="Most allocations that are pending."),
    "budget": groups.limits(
        parser=budget_of,
        metavar="HOURS",
        help="Core hours in a day, week or month: 500h/day, 2000h/week, 9000h/month.",
    ),
    "idle": groups.limits(
        parser=seconds_of, metavar="DURATION", help="A worker ends after DURATION without a job (default 2m)."
    ),
    "before": groups.resources(
        metavar="COMMAND", help="A line for the shell before the worker: 'module load xtb'."
    ),
    "allow_loopback": groups.store(
        "--allow-loopback", help="Accept a Redis that only this host reaches: every node is this host."
    ),
}


@app.command("set")
@takes(PoolOptions, declared=OPTIONS)
def set_command(
    ctx: typer.Context, pool: PoolName, options: PoolOptions, words: Words = None, json: Json = False
) -> PoolSet:
    """Define a pool, or define it anew: options that are left out have their defaults."""
    environ = environment()
    mine = _user_pools(session(ctx, json=json), NOT_SET)
    return set_pool(mine, (pool, options), words or (), environ, find_batch_system(environ))


@app.command("run")
def run_command(
    ctx: typer.Context,
    pools: PoolNames = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look once and end, for cron; silent if nothing was done.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what a look would do; change and request nothing.")
    ] = False,
    json: Json = False,
) -> LookReport | LoopEnded:
    """Request allocations while jobs wait that no worker will start soon, until stopped."""
    if json and not (once or dry_run):
        raise UsageError("--json is for --once and --dry-run", did="nothing was done")
    call = session(ctx, json=json)
    system, mine = need(find_batch_system(environment())), _user_pools(call)
    if dry_run:
        return plan(mine, system, pools or ())
    if once:
        return look_once(mine, system, pools or ())
    log = _log(call)
    interrupts = Interrupts()

    def rest(seconds: float) -> None:
        interrupts.let_go()
        time.sleep(seconds)
        interrupts.hold()

    return _loop(Looks(mine, system, pools or (), log, rest), interrupts, log)


@app.command("list")
def list_command(ctx: typer.Context, json: Json = False) -> PoolList:
    """List the pools: state, allocations, demand, core hours."""
    return list_pools(_user_pools(session(ctx, json=json)))


@app.command("show")
def show_command(ctx: typer.Context, pool: PoolName, json: Json = False) -> PoolPage:
    """Show a pool: its allocations of the last days, its batch script, why it is paused."""
    return show_pool(_user_pools(session(ctx, json=json)), pool)


@app.command("pause")
def pause_command(ctx: typer.Context, pool: PoolName, json: Json = False) -> PoolChange:
    """Request no more allocations for a pool; those that are there continue."""
    return pause_pool(_user_pools(session(ctx, json=json)), pool)


@app.command("resume")
def resume_command(ctx: typer.Context, pool: PoolName, json: Json = False) -> PoolChange:
    """Let a pool that is paused request again, by its file as it is now."""
    return resume_pool(_user_pools(session(ctx, json=json)), pool)


@app.command("remove")
def remove_command(ctx: typer.Context, pool: PoolName, json: Json = False) -> PoolChange:
    """Remove a pool: cancel its pending allocations, let the running ones end by themselves."""
    return remove_pool(_user_pools(session(ctx, json=json)), pool, find_batch_system(environment()))


def _user_pools(call: Session, did: str = "nothing was done") -> UserPools:
    """Open the Redis of the settings.

    Raises:
        UsageError: the settings name the local store.
        StoreError: it cannot be used.
    """
    remote_url(call.settings, did)
    return UserPools(call.open(open_redis), call.settings)


def _log(call: Session) -> Log:
    from workers.logs import Log, LogForm

    stderr = call.streams.stderr
    return Log(stderr, LogForm.PLAIN if stderr.isatty() else LogForm.TEXT)


def _loop(looks: Looks, interrupts: Interrupts, log: Log) -> LoopEnded:
    """Look until a signal comes, which ends the loop between two looks."""
    try:
        while True:
            interrupts.hold()
            try:
                pause_s = looks.step()
            finally:
                interrupts.let_go()
            time.sleep(pause_s)
    except KeyboardInterrupt as error:
        heard()
        log.info("ended: allocations and their workers continue; nox alloc run continues to request them")
        return LoopEnded(ExitCode.DONE if isinstance(error, Terminated) else ExitCode.INTERRUPTED)
