"""`nox worker` runs jobs on this machine; `nox worker list` lists the workers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from nox_cli.alloc.batch_script import WorkerScriptPrinted, worker_script
from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, takes
from nox_cli.commandline.context import session
from nox_cli.run.worker import WorkerOptions, Working, run_worker
from nox_cli.times import seconds_of
from nox_cli.values import memory_bytes
from nox_cli.watch.workforce import Workforce, read_workforce
from workers.job import MAX_BUNDLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.results.json_objects import Page
    from nox_cli.watch.json_objects import WorkerRecord

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Run jobs here until stopped: with Redis those of every machine, else those of the local store.",
)
OPTIONS: Mapping[str, Any] = {
    "slots": groups.resources(
        min=1, max=1024, help="Number of jobs to run at once (default: the usable cores)."
    ),
    "cores": groups.resources(
        min=1, max=4096, help="Cores for all jobs together (default: the usable cores)."
    ),
    "memory": groups.resources(
        parser=memory_bytes, metavar="SIZE", help="Memory for all jobs together (default: all)."
    ),
    "bundle": groups.resources(
        min=1,
        max=MAX_BUNDLED,
        help="Most jobs of milliseconds that a slot takes together (1: each by itself).",
    ),
    "idle_timeout": groups.end(
        parser=seconds_of, metavar="DURATION", help="Stop after DURATION without a job."
    ),
    "burst": groups.end("--burst", help="Stop when no job is left that could run here."),
    "max_jobs": groups.end(min=1, help="Stop after NUMBER jobs."),
    "time_limit": groups.end(
        metavar="DURATION", help="Stop within DURATION; auto: before the allocation ends (Slurm, PBS)."
    ),
    "drain_before": groups.end(
        parser=seconds_of,
        metavar="DURATION",
        help="Start no new job this long before --time-limit (default: a tenth of it, at most 60 s).",
    ),
    "drain_timeout": groups.end(
        parser=seconds_of,
        metavar="DURATION",
        help="Time that running jobs get to finish (default 30 s; in an allocation 5 s).",
    ),
    "connect_timeout": groups.store(
        parser=seconds_of, metavar="DURATION", help="Keep trying to reach the store for DURATION (default 0)."
    ),
    "require_auth": groups.store("--require-auth", help="Refuse a Redis that asks for no password."),
    "for_": groups.selection(
        "--for", metavar="USERS", help="Whose jobs to run: your own (me) or those of all users."
    ),
    "name": groups.output(help="Name of this worker."),
    "metrics": groups.output(
        metavar="ADDRESS",
        help="Serve Prometheus metrics at [HOST:]PORT (HOST: loopback), or write them to a file, "
        "whose name has a / or ends in .prom.",
    ),
    "log_format": groups.output(
        help="Write a log (default: text; on a terminal, a line for each job that ends)."
    ),
    "export": groups.output(
        metavar="DIR", help="Write the results of this worker's jobs to DIR when it stops."
    ),
    "lock_fd": typer.Option(hidden=True, min=3),
    "ends_with_stdin": typer.Option("--ends-with-stdin", hidden=True),
}


class Seen(NamedTuple):
    """The workers that are alive, and the pools that may start more."""

    workforce: Workforce

    def document(self) -> Page[WorkerRecord]:
        """Return every worker, as `nox status --json` shows them too."""
        from nox_cli.watch.outlook import worker_page

        return worker_page(self.workforce.living)


@app.callback()
@takes(WorkerOptions, declared=OPTIONS)
def command(
    ctx: typer.Context,
    options: WorkerOptions,
    print_sbatch: Annotated[
        bool,
        groups.output("--print-sbatch", help="Print a batch script for such a worker: ... | sbatch."),
    ] = False,
) -> Working | WorkerScriptPrinted | None:
    """Run jobs here until stopped."""
    if ctx.invoked_subcommand is not None:
        return None
    from nox_cli.config.settings import environment

    if print_sbatch:
        defaults = WorkerOptions._field_defaults
        return worker_script(options._asdict(), defaults, session(ctx).settings, environment())
    from workers.logs import Log, LogForm
    from workers.store.opening import open_store

    call = session(ctx)
    is_own = options.log_format is None and not options.ends_with_stdin  # not that of `nox serve`
    is_shown = is_own and call.streams.stderr.isatty()
    log = Log(call.streams.stderr, LogForm.PLAIN if is_shown else LogForm(options.log_format or LogForm.TEXT))
    run = partial(run_worker, options, call.settings, lambda: call.open(open_store), environment(), log)
    return Working(run, log, is_shown=is_shown, is_colored=call.settings.colored(is_terminal=is_shown))


@app.command("list")
def list_command(ctx: typer.Context, json: Json = False) -> Seen:
    """Show the workers that are running, and where."""
    call = session(ctx, json=json)
    return Seen(read_workforce(call.store, call.settings.home, call.settings.owner))
