"""What a batch system has granted, as its environment says; Slurm's as a real one (24.11) set it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from workers.batch import grant
from workers.batch.grant import Limit
from workers.sizes import GIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

BATCH = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "node3", "SLURM_NODEID": "0"}
STEP = BATCH | {"SLURM_STEP_ID": "0"}


def least(limits: list[Limit]) -> Limit | None:
    """The limit that counts."""
    return min(limits, key=lambda limit: limit.amount, default=None)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"SLURM_CPUS_PER_TASK": "1", "NCPUS": "1", "NSLOTS": "1"}, None),
        # sbatch -c1
        (BATCH | {"SLURM_CPUS_ON_NODE": "1", "SLURM_CPUS_PER_TASK": "1"}, Limit(1, "SLURM_CPUS_ON_NODE")),
        # sbatch -n4 -c2: the script may use all of it
        (BATCH | {"SLURM_CPUS_ON_NODE": "8", "SLURM_CPUS_PER_TASK": "2"}, Limit(8, "SLURM_CPUS_ON_NODE")),
        # salloc -n2 -c1 with use_interactive_step
        (
            BATCH | {"SLURM_STEP_ID": "4294967290", "SLURM_CPUS_ON_NODE": "2", "SLURM_CPUS_PER_TASK": "1"},
            Limit(2, "SLURM_CPUS_ON_NODE"),
        ),
        (
            BATCH | {"SLURM_JOB_CPUS_PER_NODE": "4(x2),3", "SLURM_NODEID": "2"},
            Limit(3, "SLURM_JOB_CPUS_PER_NODE"),
        ),
        (BATCH | {"SLURM_CPUS_PER_TASK": "3"}, Limit(3, "SLURM_CPUS_PER_TASK")),
        (
            BATCH | {"SLURM_CPUS_PER_TASK": "3", "SLURM_TASKS_PER_NODE": "2(x9)"},
            Limit(6, "SLURM_CPUS_PER_TASK"),
        ),
        # srun -n2 in sbatch -n2
        (
            STEP | {"SLURM_CPUS_ON_NODE": "2", "SLURM_STEP_TASKS_PER_NODE": "2"},
            Limit(1, "SLURM_CPUS_ON_NODE, shared by 2 tasks"),
        ),
        # srun -N2 -n3 of 8 cores each
        (
            STEP | {"SLURM_CPUS_ON_NODE": "8", "SLURM_STEP_TASKS_PER_NODE": "2,1", "SLURM_NODEID": "1"},
            Limit(8, "SLURM_CPUS_ON_NODE"),
        ),
        # srun -n2 -c3 in an allocation of 8 cores
        (
            STEP | {"SLURM_CPUS_ON_NODE": "8", "SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_CPUS_PER_TASK": "3"},
            Limit(3, "SLURM_CPUS_PER_TASK"),
        ),
        # more tasks than cores (--overcommit)
        (
            STEP | {"SLURM_CPUS_ON_NODE": "1", "SLURM_STEP_TASKS_PER_NODE": "4"},
            Limit(1, "SLURM_CPUS_ON_NODE, shared by 4 tasks"),
        ),
    ],
)
def test_slurm_grants_cores(environ: dict[str, str], expected: Limit | None) -> None:
    """
    A batch script has those of its node, a task of a step its share of the step's.
    """
    assert expected == least(grant.cores(environ))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"SLURM_MEM_PER_NODE": "600"}, None),
        (BATCH | {"SLURM_MEM_PER_NODE": "600"}, Limit(600 * MIB, "SLURM_MEM_PER_NODE")),
        (BATCH | {"SLURM_MEM_PER_NODE": "4G"}, Limit(4 * GIB, "SLURM_MEM_PER_NODE")),
        (BATCH | {"SLURM_MEM_PER_NODE": "2048k"}, Limit(2 * MIB, "SLURM_MEM_PER_NODE")),
        (BATCH | {"SLURM_MEM_PER_NODE": "0"}, None),
        (
            BATCH | {"SLURM_MEM_PER_CPU": "300", "SLURM_CPUS_ON_NODE": "2"},
            Limit(600 * MIB, "SLURM_MEM_PER_CPU"),
        ),
        (BATCH | {"SLURM_MEM_PER_CPU": "0", "SLURM_CPUS_ON_NODE": "2"}, None),
        (
            STEP | {"SLURM_MEM_PER_NODE": "1000", "SLURM_STEP_TASKS_PER_NODE": "2"},
            Limit(500 * MIB, "SLURM_MEM_PER_NODE, shared by 2 tasks"),
        ),
        (
            STEP | {"SLURM_MEM_PER_CPU": "500", "SLURM_CPUS_ON_NODE": "2", "SLURM_STEP_TASKS_PER_NODE": "2"},
            Limit(500 * MIB, "SLURM_MEM_PER_CPU"),
        ),
    ],
)
def test_slurm_grants_memory(environ: dict[str, str], expected: Limit | None) -> None:
    """
    For a node or for each core, in MiB unless a unit says otherwise; 0 is all there is.
    """
    assert expected == least(grant.memory(environ))


@pytest.mark.parametrize("value", ["", "-1", "1.5", "two", "1 1", "٣", "9" * 400, "1(x", "\x00", "0x10"])
def test_a_value_that_cannot_be_read_is_passed_over(value: str) -> None:
    """
    No value of any of these variables stops nox.
    """
    names = ("CPUS_ON_NODE", "CPUS_PER_TASK", "JOB_CPUS_PER_NODE", "MEM_PER_NODE", "MEM_PER_CPU", "NODEID")
    slurm = {f"SLURM_{name}": value for name in (*names, "STEP_ID", "STEP_TASKS_PER_NODE")}
    others = dict.fromkeys(("NCPUS", "PBS_NUM_PPN", "PBS_NODEFILE", "LSB_MCPU_HOSTS", "NSLOTS"), value)
    inside = {"SLURM_JOB_ID": "7", "PBS_JOBID": "7", "LSB_JOBID": "7", "SGE_TASK_ID": "7"}

    assert [] == grant.cores(inside | slurm | others)
    assert [] == grant.memory(inside | slurm | others)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"NCPUS": "3", "OMP_NUM_THREADS": "1", "PBS_NUM_PPN": "9"}, Limit(3, "NCPUS")),
        ({"PBS_NUM_PPN": "4", "OMP_NUM_THREADS": "1"}, Limit(4, "PBS_NUM_PPN")),
        ({"OMP_NUM_THREADS": "2"}, Limit(2, "OMP_NUM_THREADS")),
        ({}, None),
    ],
)
def test_pbs_grants_cores(environ: dict[str, str], expected: Limit | None) -> None:
    """
    PBS says how many a chunk has, Torque how many a node.
    """
    assert expected == least(grant.cores(environ | {"PBS_JOBID": "12.server"}))


def test_torque_writes_a_line_for_each_core(tmp_path: Path) -> None:
    """
    Those of this host count, with or without its domain.
    """
    here = socket.gethostname().partition(".")[0]
    (tmp_path / "nodes").write_text(f"{here}\nother\n{here}.example.org\n")
    environ = {"PBS_JOBID": "12.server", "PBS_NODEFILE": str(tmp_path / "nodes"), "PBS_NUM_PPN": "1"}

    assert [Limit(2, "PBS_NODEFILE")] == grant.cores(environ)


def test_lsf_and_sge_grant_slots() -> None:
    """
    LSF host by host, or all together; SGE all together.
    """
    here = socket.gethostname()

    lsf = {"LSB_JOBID": "5", "LSB_DJOB_NUMPROC": "12"}
    assert [Limit(12, "LSB_DJOB_NUMPROC")] == grant.cores(lsf)
    assert [Limit(4, "LSB_MCPU_HOSTS")] == grant.cores(lsf | {"LSB_MCPU_HOSTS": f"other 8 {here} 4"})
    assert [Limit(6, "NSLOTS")] == grant.cores({"SGE_TASK_ID": "undefined", "NSLOTS": "6"})
