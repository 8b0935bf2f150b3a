"""Checks of this machine: resources, clock, login node, artifacts, leftovers of workers, completion."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.config.home import home_directory
from nox_cli.counts import counted
from nox_cli.hints import compute_elsewhere
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from nox_cli.watch.workforce import whole_memory
from workers import machine
from workers.findings import Finding, ok, problem, warning
from workers.job import MEMORY_STEP_BYTES
from workers.keeper.orphans import orphans
from workers.runtime.scratch import bases, left_behind
from workers.sizes import MIB, size_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.batch.grant import Limit

# 2025-01-01: a clock that shows an earlier time is wrong.
FIRST_DAY_S = 1_735_689_600
# The time for counting files.
_COUNT_S = 4.0
_NEARLY_NONE_BYTES = 64 * MIB
_SETUP = {
    "bash": 'in ~/.bashrc: eval "$(nox completion bash)"',
    "zsh": 'in ~/.zshrc: eval "$(nox completion zsh)"',
    "fish": "nox completion fish > ~/.config/fish/completions/nox.fish",
}
_FILES = {
    "bash": (
        ".bashrc",
        ".bash_profile",
        ".bash_completion",
        ".local/share/bash-completion/completions/nox",
        ".local/share/bash-completion/completions/nox.bash",
        "/etc/bash_completion.d/nox",
        "/usr/share/bash-completion/completions/nox",
    ),
    "zsh": (
        ".zshrc",
        ".zfunc/_nox",
        "/usr/local/share/zsh/site-functions/_nox",
        "/usr/share/zsh/site-functions/_nox",
    ),
    "fish": (
        ".config/fish/config.fish",
        ".config/fish/completions/nox.fish",
        "/usr/share/fish/vendor_completions.d/nox.fish",
    ),
}


def check_machine(environ: Mapping[str, str]) -> list[Finding]:
    """Check cores, memory, stack and clock."""
    return [_cores(environ), _memory(environ), _stack(), _clock()]


def check_place(environ: Mapping[str, str], *, is_local: bool) -> list[Finding]:
    """Report whether this is a login node or inside an allocation."""
    if name := machine.allocation(environ):
        return [ok("place", f"inside the allocation of {name}")]
    if not machine.is_login_node(environ):
        return [ok("place", "no batch system here")]
    found = "a login node: nox submit starts no worker here"
    if not is_local:
        return [ok("place", found)]
    return [warning("place", found, compute_elsewhere(is_shared=False))]


def check_reach(environ: Mapping[str, str], redis_url: str) -> list[Finding]:
    """Warn of a Redis on loopback in a cluster: no other node can reach it."""
    from workers.store.redis.address import RedisUrl

    address = RedisUrl(redis_url).address()
    is_in_cluster = bool(machine.allocation(environ)) or machine.is_login_node(environ)
    if not (is_in_cluster and address.is_loopback):
        return []
    found = f"redis at {address.place} can be reached from this host only, not from other nodes"
    return [warning("place", found, "name its host in REDIS_URL: redis://HOST:PORT/DB (docs/redis.md)")]


def check_artifacts(root: Path) -> list[Finding]:
    """Check that large files of jobs can be stored, and add up their sizes.

    Raises:
        OSError: the directory cannot be looked at.
    """
    folder = machine.nearest_existing(root)
    hint = "set NOX_ARTIFACTS to a directory of your own"
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return [problem("artifacts", f"{folder} cannot be written: no worker starts", hint)]
    free = machine.free_bytes(folder)
    if free < _NEARLY_NONE_BYTES:
        return [problem("artifacts", f"{size_words(free)} free in {folder}", "free some space")]
    if folder != root:
        return [ok("artifacts", f"{root} is not there yet; the first worker makes it")]
    return [ok("artifacts", f"{root}: {_size(root)} in it, {size_words(free)} free")]


def check_leftovers(home: Path) -> list[Finding]:
    """Report scratch folders and engine processes that dead workers left."""
    found = []
    if folders := [
        folder for base in bases(home / "scratch") for folder in left_behind(base, machine.host())
    ]:
        left = f"{counted(len(folders), 'scratch folder')} of dead workers: {folders[0]}"
        found.append(warning("leftovers", left, "nothing: the next worker that starts here removes them"))
    if processes := orphans():
        pids = " ".join(map(str, processes))
        found.append(
            warning(
                "orphans",
                f"engine processes whose worker is gone: {pids}",
                f"they ought to have ended: kill {pids}",
            )
        )
    return found or [ok("leftovers", "nothing of dead workers is left here")]


def check_completion(environ: Mapping[str, str]) -> list[Finding]:
    """Check whether completion is set up for the user's shell."""
    shell = Path(environ.get("SHELL", "")).name
    if shell not in _FILES:
        return [ok("completion", "there is one for bash, zsh and fish", _SETUP["bash"])]
    home = home_directory(environ)
    if any(_completes(home / name) for name in _FILES[shell]):
        return [ok("completion", f"set up for {shell}")]
    return [ok("completion", f"not set up for {shell}", _SETUP[shell])]


def _cores(environ: Mapping[str, str]) -> Finding:
    cores = machine.core_limit(environ)
    return ok("cores", f"{cores.amount} usable ({cores.source}): so many slots has a worker here")


def _memory(environ: Mapping[str, str]) -> Finding:
    limit = machine.memory_limit(environ)
    usable = f"{size_words(limit.amount)} usable ({limit.source})"
    if limit.amount >= DEFAULT_MEMORY_BYTES:
        return ok("memory", f"{usable}{_unlimited(environ, limit)}")
    default = size_words(DEFAULT_MEMORY_BYTES)
    found = f"{usable}, and a job asks for {default} if nothing is said"
    less = (
        f"submit with --memory {whole_memory(limit.amount)}, or " if limit.amount >= MEMORY_STEP_BYTES else ""
    )
    return warning("memory", found, f"{less}allow this session more")


def _unlimited(environ: Mapping[str, str], limit: Limit) -> str:
    """Add a note if a batch system may have granted less memory than nox can find out."""
    name = machine.allocation(environ).partition(" ")[0]
    if limit.source != machine.MACHINE or name in {"", "SLURM_JOB_ID"}:
        return ""
    return "; the batch system does not say what this job may use: nox worker --memory"


def _stack() -> Finding:
    limit = machine.stack_limit_bytes()
    if limit is None or limit >= machine.STACK_ENOUGH_BYTES:
        return ok("stack", "as large as engines want" if limit is None else f"up to {size_words(limit)}")
    found = f"limited to {size_words(limit)}, too little for large molecules: engines will crash"
    return warning("stack", found, "raise the hard limit where workers start: ulimit -Hs unlimited")


def _clock() -> Finding:
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() >= FIRST_DAY_S:
        return ok("clock", shown)
    return problem(
        "clock", f"this machine's shows {shown}, before nox was made", "set it: timedatectl set-ntp true"
    )


def _completes(path: Path) -> bool:
    """Whether a file is a completion script of nox, or sets one up."""
    try:
        return path.is_file() and ("nox" in path.name or "nox completion" in path.read_text(errors="replace"))
    except OSError:
        return False


def _size(root: Path) -> str:
    """Add up the sizes of the files below a directory, for a few seconds at most."""
    until = time.monotonic() + _COUNT_S
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
        if time.monotonic() > until:
            return f"more than {size_words(total)}"
    return size_words(total)
