"""The grant of a batch system to the job that this process runs in: cores and memory of this machine.

The batch system writes it into the job's environment.  Where it does not confine jobs with control groups,
this is the only source of what a job may use.  A value that cannot be read is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import uname
from pathlib import Path
from typing import TYPE_CHECKING

from workers.sizes import GIB, KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Step ids from here on are Slurm's own: the batch script, and the shell that `salloc` opens on a node.
_OWN_STEPS = 0xFFFF_FFF0
_PER_NODE = re.compile(r"(\d{1,7})(?:\(x(\d{1,7})\))?", re.ASCII)
_COUNT = re.compile(r"\d{1,10}", re.ASCII)
_SIZE = re.compile(r"(\d{1,15})([KMGT]?)B?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": 1024 * GIB}


@dataclass(frozen=True, slots=True)
class Limit:
    """The amount that may be used, and the source of the limit."""

    amount: int
    source: str


def cores(environ: Mapping[str, str]) -> list[Limit]:
    """List the limits on the cores of this process; none: no batch system sets one."""
    return [
        *_slurm_cores(environ),
        *_pbs_cores(environ),
        *_lsf_cores(environ),
        *_sge_cores(environ),
    ]


def memory(environ: Mapping[str, str]) -> list[Limit]:
    """List the limits on the memory of this process, in bytes; none: no batch system sets one.

    Only Slurm writes them into the environment; PBS has to be asked (`workers.batch.environment`).
    """
    if not _is_in_slurm(environ):
        return []
    limits = []
    per_node = size_bytes(environ.get("SLURM_MEM_PER_NODE", ""), "M")
    if per_node:
        tasks = _tasks_here(environ)
        limits.append(Limit(per_node // tasks, _shared("SLURM_MEM_PER_NODE", tasks)))
    per_core = size_bytes(environ.get("SLURM_MEM_PER_CPU", ""), "M")
    granted = cores(environ)
    if per_core and granted:
        count = min(limit.amount for limit in granted)
        limits.append(Limit(per_core * count, "SLURM_MEM_PER_CPU"))
    return limits


def size_bytes(text: str, unit: str = "") -> int:
    """Read an amount of memory: `600`, `4G`, `614400kb`; 0: no limit, or no amount.

    Args:
        text: a number and its unit.
        unit: that of a number without one; none: bytes.
    """
    found = _SIZE.fullmatch(text.strip())
    return 0 if found is None else int(found[1]) * _UNITS[(found[2] or unit).upper()]


def hosts(environ: Mapping[str, str]) -> list[str]:
    """Read the file in which PBS lists the hosts of a job, one line for each process or core."""
    try:
        return Path(environ.get("PBS_NODEFILE", "")).read_text(encoding="utf-8", errors="replace").split()
    except (OSError, ValueError):
        return []


def _is_in_slurm(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("SLURM_JOB_ID") or environ.get("SLURM_STEP_ID"))


def _is_task(environ: Mapping[str, str]) -> bool:
    """Whether `srun` started this process as one of the tasks of a step."""
    step = _count(environ.get("SLURM_STEP_ID", ""))
    return step is not None and step < _OWN_STEPS


def _tasks_here(environ: Mapping[str, str]) -> int:
    """Count the tasks of a step that share this node; 1 for a batch script, which has the node to itself."""
    if not _is_task(environ):
        return 1
    return _here(environ, "SLURM_STEP_TASKS_PER_NODE") or 1


def _slurm_cores(environ: Mapping[str, str]) -> Iterator[Limit]:
    if not _is_in_slurm(environ):
        return
    per_task = _count(environ.get("SLURM_CPUS_PER_TASK", ""))
    name = "SLURM_CPUS_ON_NODE"
    on_node = _count(environ.get(name, ""))
    if on_node is None and not _is_task(environ):
        name = "SLURM_JOB_CPUS_PER_NODE"
        on_node = _here(environ, name)
    if on_node:
        tasks = _tasks_here(environ)
        yield Limit(max(1, on_node // tasks), _shared(name, tasks))
    if per_task and (_is_task(environ) or not on_node):
        tasks = 1 if _is_task(environ) else _here(environ, "SLURM_TASKS_PER_NODE") or 1
        yield Limit(per_task * tasks, "SLURM_CPUS_PER_TASK")


def _pbs_cores(environ: Mapping[str, str]) -> Iterator[Limit]:
    """PBS counts the cores of a chunk, Torque those of a node, or writes a line for each into a file."""
    if not environ.get("PBS_JOBID"):
        return
    lines = sum(map(_is_this_host, hosts(environ)))
    for name, count in (
        ("NCPUS", _count(environ.get("NCPUS", ""))),
        ("PBS_NODEFILE", lines),
        ("PBS_NUM_PPN", _count(environ.get("PBS_NUM_PPN", ""))),
        ("OMP_NUM_THREADS", _count(environ.get("OMP_NUM_THREADS", ""))),
    ):
        if count:
            yield Limit(count, name)
            return


def _lsf_cores(environ: Mapping[str, str]) -> Iterator[Limit]:
    """LSF names each host with its slots: `node1 4 node2 4`."""
    if not environ.get("LSB_JOBID"):
        return
    words = environ.get("LSB_MCPU_HOSTS", "").split()
    pairs = zip(words[::2], words[1::2], strict=False)
    here = next((_count(slots) for host, slots in pairs if _is_this_host(host)), None)
    if here:
        yield Limit(here, "LSB_MCPU_HOSTS")
    elif count := _count(environ.get("LSB_DJOB_NUMPROC", "")):
        yield Limit(count, "LSB_DJOB_NUMPROC")


def _sge_cores(environ: Mapping[str, str]) -> Iterator[Limit]:
    if environ.get("SGE_TASK_ID") and (count := _count(environ.get("NSLOTS", ""))):
        yield Limit(count, "NSLOTS")


def _here(environ: Mapping[str, str], name: str) -> int | None:
    """Read this node's part of a list like `4(x2),3`: twice 4, then 3."""
    node = _count(environ.get("SLURM_NODEID", "")) or 0
    for part in environ.get(name, "").split(","):
        found = _PER_NODE.fullmatch(part.strip())
        if found is None:
            return None
        node -= int(found[2] or 1)
        if node < 0:
            return int(found[1])
    return None


def _is_this_host(name: str) -> bool:
    return name.partition(".")[0] == uname().nodename.partition(".")[0]


def _shared(name: str, tasks: int) -> str:
    return name if tasks == 1 else f"{name}, shared by {tasks} tasks"


def _count(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text.strip()) else None
