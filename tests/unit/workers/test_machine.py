"""What a machine offers, read from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers import machine
from workers.batch.grant import Limit

GIB = 1024**3
MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /home rw,relatime shared:5 - nfs4 server:/home rw
31 30 0:26 / /home/ann/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/with\\040space rw - fuse.sshfs host:/x rw
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of a machine with 8 GiB, this process in the cgroup /a/b."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: {8 * GIB // 1024} kB\nMemFree: 1 kB\n")
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/x\n0::/a/b\n")
    (tmp_path / "proc/self/mountinfo").write_text(MOUNTS)
    return tmp_path / "proc"


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    """A cgroup tree without limits."""
    (tmp_path / "cgroup/a/b").mkdir(parents=True)
    return tmp_path / "cgroup"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory of programs, with sbatch."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "sbatch").touch(mode=0o755)
    return directory


def test_cores_are_those_of_the_affinity_mask(proc: Path, cgroup: Path) -> None:
    """
    Without quota and Slurm, the affinity mask counts.
    """
    assert len(os.sched_getaffinity(0)) == machine.core_limit({}, proc=proc, cgroup=cgroup).amount


@pytest.mark.parametrize("group", ["a/b", "a", "."])
def test_a_quota_of_any_group_above_cuts_the_cores(proc: Path, cgroup: Path, group: str) -> None:
    """
    A quota holds for every group below it, and leaves one core at least.
    """
    (cgroup / group / "cpu.max").write_text("50000 100000\n")

    assert 1 == machine.core_limit({}, proc=proc, cgroup=cgroup).amount


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize("group", ["job_7/step_0", "job_7", "."])
def test_a_quota_of_the_first_cgroups_cuts_too(proc: Path, cgroup: Path, mount: str, group: str) -> None:
    """
    Version 1 keeps quota and period in two files below its controller, also where only the own group shows.
    """
    (proc / "self/cgroup").write_text("5:cpu,cpuacct:/job_7/step_0\n1:name=systemd:/x\n")
    (cgroup / mount / group).mkdir(parents=True)
    (cgroup / mount / group / "cpu.cfs_quota_us").write_text("150000\n")
    (cgroup / mount / group / "cpu.cfs_period_us").write_text("100000\n")

    assert 1 == machine.core_limit({}, proc=proc, cgroup=cgroup).amount


def test_machine_no_quota_of_the_first_cgroups_is_no_cut(proc: Path, cgroup: Path) -> None:
    """
    Version 1 writes -1 where there is none.
    """
    (proc / "self/cgroup").write_text("5:cpu,cpuacct:/\n")
    (cgroup / "cpu,cpuacct").mkdir()
    (cgroup / "cpu,cpuacct/cpu.cfs_quota_us").write_text("-1\n")
    (cgroup / "cpu,cpuacct/cpu.cfs_period_us").write_text("100000\n")

    assert len(os.sched_getaffinity(0)) == machine.core_limit({}, proc=proc, cgroup=cgroup).amount


def test_a_limit_of_the_first_cgroups_cuts_the_memory(proc: Path, cgroup: Path) -> None:
    """
    Version 1 keeps it in a file of another name, and writes a number beyond any memory where there is none.
    """
    (cgroup / "memory/x").mkdir(parents=True)
    (cgroup / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (cgroup / "memory/x/memory.limit_in_bytes").write_text(f"{2 * GIB}\n")

    assert 2 * GIB == machine.memory_limit({}, proc=proc, cgroup=cgroup).amount


def test_machine_no_quota_is_no_cut(proc: Path, cgroup: Path) -> None:
    """
    `max` is not a number of cores.
    """
    (cgroup / "a/b/cpu.max").write_text("max 100000\n")

    assert len(os.sched_getaffinity(0)) == machine.core_limit({}, proc=proc, cgroup=cgroup).amount


def test_the_smallest_limit_counts_and_is_named(proc: Path, cgroup: Path) -> None:
    """
    Of affinity mask, control group and what a batch job was granted.
    """
    (cgroup / "a/memory.max").write_text(f"{3 * GIB}\n")
    slurm = {"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "1"}

    cores = machine.core_limit(slurm | {"SLURM_CPUS_ON_NODE": "4096"}, proc=proc, cgroup=cgroup)
    less = machine.memory_limit(slurm | {"SLURM_MEM_PER_NODE": "600"}, proc=proc, cgroup=cgroup)
    more = machine.memory_limit(slurm | {"SLURM_MEM_PER_NODE": "4096"}, proc=proc, cgroup=cgroup)

    assert Limit(len(os.sched_getaffinity(0)), "affinity") == cores
    assert Limit(600 * 1024**2, "SLURM_MEM_PER_NODE") == less
    assert Limit(3 * GIB, "cgroup") == more


def test_a_grant_of_cores_is_named(proc: Path, cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A batch job of one core uses one core of a machine of many.
    """
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    slurm = {"SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "1"}

    assert Limit(1, "SLURM_CPUS_ON_NODE") == machine.core_limit(slurm, proc=proc, cgroup=cgroup)


def test_memory_is_the_machines(proc: Path, cgroup: Path) -> None:
    """
    Without a limit, all of the machine's memory may be used.
    """
    assert 8 * GIB == machine.memory_limit({}, proc=proc, cgroup=cgroup).amount


def test_a_cgroup_limit_cuts_the_memory(proc: Path, cgroup: Path) -> None:
    """
    The smallest limit above the process holds.
    """
    (cgroup / "a/memory.max").write_text(f"{3 * GIB}\n")
    (cgroup / "a/b/memory.max").write_text("max\n")

    assert 3 * GIB == machine.memory_limit({}, proc=proc, cgroup=cgroup).amount


def test_memory_is_known_without_proc(tmp_path: Path) -> None:
    """
    Where there is no /proc, the C library knows.
    """
    assert machine.memory_limit({}, proc=tmp_path, cgroup=tmp_path).amount > 0


def test_a_batch_system_without_an_allocation_is_a_login_node(programs: Path) -> None:
    """
    A program that submits jobs on PATH, and no job around: a login node.
    """
    assert machine.is_login_node({"PATH": str(programs)})


@pytest.mark.parametrize(
    "job",
    [
        {"SLURM_JOB_ID": "17", "SLURMD_NODENAME": "node3"},
        {"PBS_JOBID": "17"},
        {"LSB_JOBID": "17"},
        {"SGE_TASK_ID": "undefined"},
    ],
)
def test_inside_an_allocation_is_no_login_node(programs: Path, job: dict[str, str]) -> None:
    """
    Inside a job, work may be done.
    """
    assert not machine.is_login_node({"PATH": str(programs), **job})


def test_the_shell_of_salloc_is_on_the_login_node(programs: Path, tmp_path: Path) -> None:
    """
    It knows the job, but is on none of its nodes, whose daemon would have given their name.
    """
    salloc = {"SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "node3"}

    assert machine.is_login_node({"PATH": str(programs), **salloc})
    assert machine.is_login_node({"PATH": str(tmp_path), **salloc})
    assert "" == machine.allocation(salloc)


def test_a_workstation_is_no_login_node(tmp_path: Path) -> None:
    """
    Without a batch system, work may be done.
    """
    assert not machine.is_login_node({"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/.local/state/nox", "nfs4"),
        ("/home", "nfs4"),
        ("/home/ann/local/nox", None),
        ("/homes/ann", None),
        ("/mnt/with space/x", "fuse.sshfs"),
        ("/var/tmp", None),
    ],
)
def test_the_nearest_mount_tells_the_file_system(proc: Path, path: str, kind: str | None) -> None:
    """
    A path lies on the mount with the longest name that holds it, also if it does not exist yet.
    """
    assert kind == machine.network_file_system(Path(path), proc=proc)


def test_machine_without_mountinfo_a_file_system_counts_as_local(tmp_path: Path) -> None:
    """
    Where there is no /proc nothing is refused.
    """
    assert machine.network_file_system(tmp_path, proc=tmp_path) is None


def test_the_host_is_named() -> None:
    """
    The host's name is the system's.
    """
    assert os.uname().nodename == machine.host()


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "4711", "SLURMD_NODENAME": "node3"}, "SLURM_JOB_ID 4711"),
        ({"PBS_JOBID": "1.x"}, "PBS_JOBID 1.x"),
    ],
)
def test_an_allocation_is_named(environ: dict[str, str], name: str) -> None:
    """
    The batch job this process runs in is told by its variable.
    """
    assert name == machine.allocation(environ)


def test_a_file_system_is_named_also_where_nothing_is_yet(proc: Path) -> None:
    """
    The mount decides, for local kinds too; where nothing is known nothing is said.
    """
    assert "xfs" == machine.file_system(Path("/home/ann/local/not/there"), proc=proc)
    assert "" == machine.file_system(Path("/x"), proc=Path("/nowhere"))


def test_machine_what_is_free_is_what_may_be_written(tmp_path: Path) -> None:
    """
    The room for those who are not root counts.
    """
    found = os.statvfs(tmp_path)

    assert machine.free_bytes(tmp_path) <= found.f_bfree * found.f_frsize
    assert 0 < machine.free_bytes(tmp_path)


def test_the_nearest_existing_part_of_a_path(tmp_path: Path) -> None:
    """
    It is the path itself, or the directory in which the rest would be made.
    """
    assert tmp_path == machine.nearest_existing(tmp_path)
    assert tmp_path == machine.nearest_existing(tmp_path / "a/b/c")


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "localhost.", "localhost4", "ip6-localhost", "127.0.0.1", "127.0.1.1", "127.1",
     "2130706433", "0x7f.1", "::1", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_loopback_in_every_spelling(name: str) -> None:
    """
    The system takes them all for this machine.
    """
    assert machine.is_loopback(name)


@pytest.mark.parametrize(
    "name", ["login1", "10.0.0.1", "localhost.example.org", "::ffff:10.0.0.1", "0.0.0.0", "127", ""]
)
def test_no_loopback_is_what_other_machines_may_reach(name: str) -> None:
    """
    A name that only looks like this machine's, and the address of all interfaces.
    """
    assert not machine.is_loopback(name)
