"""The machine of this process: usable cores and memory, login nodes, file systems, limits."""

from __future__ import annotations

import os
import resource
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Address, IPv6Address

    from workers.batch.grant import Limit

# Names of this machine that are the same on every one, in the files of Debian, Red Hat and others.
_OWN_NAMES = {
    "localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback",
}  # fmt: skip
PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
# The memory that jobs share where its amount is unknown.
UNKNOWN_MEMORY_BYTES = 4 * 1024**3
LOGIN_NODE = "this is a login node"
# The source of a limit that only the machine sets.
MACHINE = "machine"
# With less, engines crash on large molecules.
STACK_ENOUGH_BYTES = 64 * 1024**2

_SUBMITTERS = ("sbatch", "qsub", "bsub")
# The variable with the id of the job -> a variable that is set on its nodes only.
_ALLOCATIONS = {
    "SLURM_JOB_ID": "SLURMD_NODENAME",
    "PBS_JOBID": "PBS_JOBID",
    "LSB_JOBID": "LSB_JOBID",
    "SGE_TASK_ID": "SGE_TASK_ID",
}
# File systems that several machines share; locks on them are unreliable.
# fmt: off
_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "ceph-fuse", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4",
    "orangefs", "panfs", "smb3", "smbfs", "sshfs", "wekafs",
})
# fmt: on


def host() -> str:
    """Return the name of this machine, as in worker ids and artifact records."""
    return os.uname().nodename


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, can be reached from this machine only."""
    address = _address(host)
    return _plain(host) in _OWN_NAMES if address is None else address.is_loopback


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Read an address as the system does, `127.1` too; None: it is a name."""
    from ipaddress import IPv6Address, ip_address
    from socket import inet_aton, inet_ntoa

    name = _plain(host)
    with suppress(OSError, ValueError):
        name = inet_ntoa(inet_aton(name))
    try:
        address = ip_address(name)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def usable_cores(environ: Mapping[str, str]) -> int:
    """Return the number of cores that this process may use."""
    return core_limit(environ).amount


def usable_memory_bytes(environ: Mapping[str, str]) -> int:
    """Return the memory that this process may use, in bytes."""
    return memory_limit(environ).amount


def core_limit(environ: Mapping[str, str], *, proc: Path = PROC, cgroup: Path = CGROUP) -> Limit:
    """Find the lowest limit of cores: affinity mask, cgroup quota, or the grant of a batch job."""
    from workers.batch import grant
    from workers.batch.grant import Limit

    limits = grant.cores(environ)
    for quota, period in _quotas(proc, cgroup):
        if quota.isdigit() and period.isdigit() and int(period):
            limits.append(Limit(int(quota) // int(period), "cgroup"))
    least = min([*limits, Limit(_affinity(), "affinity")], key=lambda limit: limit.amount)
    return Limit(max(1, least.amount), least.source)


def memory_limit(environ: Mapping[str, str], *, proc: Path = PROC, cgroup: Path = CGROUP) -> Limit:
    """Find the lowest limit of memory, in bytes: the machine, a cgroup, or the grant of a batch job."""
    from workers.batch.grant import Limit

    limits = [*_granted_memory(environ), Limit(_total_memory_bytes(proc), MACHINE)]
    for name, groups in (
        ("memory.max", _groups(proc, cgroup)),
        ("memory.limit_in_bytes", _groups(proc, cgroup, "memory")),
    ):
        for group in groups:
            limit = _read(group / name).strip()
            if limit.isdigit():
                limits.append(Limit(int(limit), "cgroup"))
    return min(limits, key=lambda limit: limit.amount)


def is_login_node(environ: Mapping[str, str]) -> bool:
    """Whether batch jobs are submitted on this machine, and this process is not part of one."""
    path = environ.get("PATH", os.defpath)
    return not allocation(environ) and (
        bool(environ.get("SLURM_JOB_ID")) or any(shutil.which(name, path=path) for name in _SUBMITTERS)
    )


def allocation(environ: Mapping[str, str]) -> str:
    """Return the batch job that this process runs in, as `SLURM_JOB_ID 4711`; empty: in none.

    The shell that `salloc` opens on the login node has the job's id too, but is not on one of its nodes.  The
    other systems start even an interactive shell on a node of its job.
    """
    return next(
        (
            f"{name} {environ[name]}"
            for name, proof in _ALLOCATIONS.items()
            if environ.get(name) and environ.get(proof)
        ),
        "",
    )


def network_file_system(path: Path, *, proc: Path = PROC) -> str | None:
    """Return the kind of network file system that holds a path, or would; None: it is a local one."""
    kind = file_system(path, proc=proc)
    return kind if kind.removeprefix("fuse.") in _NETWORK else None


def file_system(path: Path, *, proc: Path = PROC) -> str:
    """Return the kind of file system that holds a path, or would; empty: unknown."""
    return _mounted(os.path.realpath(path), proc)


def free_bytes(path: Path) -> int:
    """Return the free space of the file system of a path, in bytes; 0: it has no free inodes."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize if found.f_favail or not found.f_files else 0


def stack_limit_bytes() -> int | None:
    """Return the hard limit of the stack, in bytes; None: there is none."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def allow_open_files(wanted: int) -> int:
    """Raise the limit of open files to a number, if permitted; return how many of these are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)


def nearest_existing(path: Path) -> Path:
    """Return a path if it exists, else the nearest directory above it that does."""
    return next(part for part in (path, *path.parents) if part.exists())


def _granted_memory(environ: Mapping[str, str]) -> list[Limit]:
    if environ.get("PBS_JOBID"):
        from workers.batch.environment import pbs_memory

        return pbs_memory(environ)
    from workers.batch import grant

    return grant.memory(environ)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _total_memory_bytes(proc: Path) -> int:
    for line in _read(proc / "meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return UNKNOWN_MEMORY_BYTES


def _quotas(proc: Path, cgroup: Path) -> Iterator[tuple[str, str]]:
    """Read the CPU time and the period that each cgroup of this process sets; `max`, `-1`: no limit."""
    for group in _groups(proc, cgroup):
        quota, _, period = _read(group / "cpu.max").strip().partition(" ")
        yield quota, period
    for group in _groups(proc, cgroup, "cpu"):
        yield _read(group / "cpu.cfs_quota_us").strip(), _read(group / "cpu.cfs_period_us").strip()


def _groups(proc: Path, cgroup: Path, controller: str = "") -> Iterator[Path]:
    """List the cgroup of this process and all above it: of version 2, or of a controller of version 1.

    In a container only its own group and those below are mounted; the others of the path do not exist.
    """
    for line in _read(proc / "self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, own = rest.partition(":")
        if controller not in controllers.split(","):
            continue
        for top in {cgroup / controllers, cgroup / controller}:
            group = top / own.lstrip("/")
            while group.is_relative_to(top):
                yield group
                group = group.parent


def _mounted(path: str, proc: Path) -> str:
    """Look up the mount of a path: the last one of the longest mount points."""
    best, kind = "", ""
    for line in _read(proc / "self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        mount = left.split(" ")[4].encode().decode("unicode_escape")
        holds = path == mount or path.startswith(mount.rstrip("/") + "/")
        if holds and len(mount) >= len(best):
            best, kind = mount, right.split(" ")[0]
    return kind


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
