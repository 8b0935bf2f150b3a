"""Options of `nox alloc set`, and the file of a pool that they describe."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.alloc.batch_script import Commands, whole_minutes, worker_environment
from nox_cli.alloc.pool_file import LEAST_TIME_S, MAX_TIME_S, PoolFile, folder_of
from nox_cli.alloc.sbatch_words import check_words
from nox_cli.text import safe
from workers.errors import InputRefused, UsageError
from workers.sizes import MIB, size_words, time_words
from workers.store.pools import POOL_NAME, Budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.config.settings import Settings

NOT_SET = "no pool was changed"
_BUDGET = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*h\s*/\s*(day|week|month)", re.ASCII)
_DAYS = {"day": 1, "week": 7, "month": 30}
_LONGEST_LINE = 4_096
HOUR_S = 3_600
_IDLE_S = 120


class PoolOptions(NamedTuple):
    """The options of `nox alloc set`."""

    cores: int
    memory: int  # bytes
    time: float  # seconds
    max: int = 10
    pending: int = 2
    budget: Budget | None = None
    idle: float | None = None  # seconds; None: two minutes
    before: str = ""
    allow_loopback: bool = False


def budget_of(text: str) -> Budget:
    """Read a budget of core hours: `500h/day`, `2000h/week`, `10000h/month`.

    Raises:
        UsageError: it is none of these, or zero.
    """
    found = _BUDGET.fullmatch(text.strip().lower()[:_LONGEST_LINE])
    core_seconds = round(HOUR_S * float(found[1])) if found else 0
    if found is None or core_seconds < 1:
        raise UsageError(
            f'"{text}" is not a budget', hint="write core hours: 500h/day, 2000h/week, 9000h/month"
        )
    return Budget(core_seconds, _DAYS[found[2]])


def budget_words(budget: Budget | None) -> str:
    """Write a budget as `--budget` takes it; none: empty."""
    if budget is None:
        return ""
    period = next(name for name, days in _DAYS.items() if days >= budget.days)
    return f"{round(budget.core_seconds / HOUR_S, 3):.12g}h/{period}"


def check_name(name: str, did: str = "") -> None:
    """Check the name of a pool.

    Raises:
        UsageError: no pool can have that name.
    """
    if not POOL_NAME.fullmatch(name):
        raise UsageError(
            f'"{safe(name)[:80]}" cannot be the name of a pool',
            did=did,
            hint="1 to 32 letters, digits, dashes and underscores, no dash in front",
        )


def described(
    name: str,
    options: PoolOptions,
    words: Sequence[str],
    at: tuple[Settings, str, str],
    environ: Mapping[str, str],
) -> PoolFile:
    """Make the file of a pool.

    Args:
        name: the name of the pool.
        options: its options.
        words: the words of sbatch.
        at: the settings, and identity and address of the store.
        environ: the environment, on whose PATH srun is looked for.

    Raises:
        UsageError: the store is not one that nodes reach, or an option makes no sense.
        InputRefused: a pool of these options could not work, or a word of sbatch cannot be used.
    """
    settings, identity, where = at
    check_name(name, NOT_SET)
    environment = worker_environment(settings, NOT_SET, allow_loopback=options.allow_loopback)
    time_s = whole_minutes(options.time)
    idle_s = _IDLE_S if options.idle is None else options.idle
    _check_size(options, time_s, idle_s)
    _check_line(options.before)
    check_words(words, NOT_SET)
    folder = str(folder_of(settings.home, name))
    for text in (folder, *environment.values()):
        if not text.isprintable() or (text == folder and "\\" in text):  # which Slurm drops
            raise InputRefused(f"{safe(text)} cannot be part of a batch script", did=NOT_SET)
    commands = Commands.here(environ)
    budget = options.budget
    return PoolFile(
        pool=name,
        owner=settings.owner,
        store=identity,
        where=where,
        cores=options.cores,
        memory_bytes=options.memory // MIB * MIB,
        time_s=time_s,
        max=options.max,
        pending=options.pending,
        budget_core_seconds=budget.core_seconds if budget else None,
        budget_days=budget.days if budget else None,  # type: ignore[arg-type]
        idle_s=round(idle_s),
        engines=expected_engines(options.before),
        words=tuple(words),
        before=options.before,
        nox=commands.nox,
        srun=commands.srun,
        environment=environment,
        folder=folder,
    )


def expected_engines(before: str) -> tuple[str, ...]:
    """Return the engine keys of this installation, which nodes share; empty: `--before` may add others."""
    from workers.engine import registry

    return () if before else tuple(sorted(registry.keys()))


def differences(before: PoolFile, after: PoolFile) -> dict[str, tuple[str, str]]:
    """List what changed between two files of a pool, by option: the old and the new value, in words."""
    old, new = _values(before), _values(after)
    pairs = {name: (old.get(name, "none"), new.get(name, "none")) for name in old | new}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _values(file: PoolFile) -> dict[str, str]:
    """Write the values of a file, by option."""
    return {
        "--cores": str(file.cores),
        "--memory": size_words(file.memory_bytes),
        "--time": time_words(file.time_s),
        "--max": str(file.max),
        "--pending": str(file.pending),
        "--budget": budget_words(file.definition.budget) or "none",
        "--idle": time_words(file.idle_s),
        "--before": file.before or "none",
        "words of sbatch": shlex.join(file.words) or "none",
        "engines": " ".join(sorted(file.engines)) or "not known",
        "nox": shlex.join(file.nox),
        "srun": file.srun or "none",
        "logs": file.folder,
        **file.environment,
    }


def _check_size(options: PoolOptions, time_s: int, idle_s: float) -> None:
    """Check that a worker of an allocation could run a job.

    Raises:
        InputRefused: it could not.
    """
    if options.memory < MIB:
        raise InputRefused("--memory is less than 1M", did=NOT_SET)
    if not LEAST_TIME_S <= time_s <= MAX_TIME_S:
        why = ", which leaves no time for jobs" if time_s < LEAST_TIME_S else ""
        raise InputRefused(
            f"--time is {time_words(options.time)}{why}",
            did=NOT_SET,
            hint="write 30m, 4h or 1-00:00:00; a number alone is seconds; 3 minutes at least, a year at most",
        )
    if not 1 <= idle_s < time_s:
        raise InputRefused(
            f"--idle is {time_words(idle_s)}",
            did=NOT_SET,
            hint="1 second at least, and less than --time",
        )
    needed = options.cores * time_s
    if options.budget is not None and options.budget.core_seconds < needed:
        has, needs = options.budget.core_seconds / HOUR_S, needed / HOUR_S
        raise InputRefused(
            f"--budget is {has:g} core hours, and one allocation takes {needs:g}",
            did=NOT_SET,
            hint="raise it, or make --cores or --time smaller",
        )


def _check_line(before: str) -> None:
    """Check that the line of `--before` is one that a shell can read.

    Raises:
        InputRefused: it is not.
    """
    if not before:
        return
    if not before.isprintable() or len(before) > _LONGEST_LINE:
        raise InputRefused("--before has to be one line that can be printed", did=NOT_SET)
    try:
        found = subprocess.run(
            ["bash", "-n"],  # reads it, and runs nothing
            input=f"{{\n{before}\n}}\n",
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return  # the nodes will find out
    if found.returncode:
        words = found.stderr.strip().splitlines() or ["bash cannot read it"]
        raise InputRefused(f"--before is not a line of bash: {words[0]}", did=NOT_SET)
