"""The Python API: submits jobs, waits for them, and reads results, without a shell.

    import nox_cli.api as nox

    batch = nox.submit("conformers/*.xyz", opt=True)
    batch.wait()
    table = batch.results(boltzmann=True).to_pandas()

The functions of this module use the store that the environment names, as each call finds it; a `Client` has
a store of its own.  What the command line refuses is an exception here: `NoxError`, with `code`, `message`
and `hint`.  Nothing is printed, and no signal handler is installed.  Warnings are `NoxWarning`.
"""

from nox_cli.api.batch import Batch, Counts
from nox_cli.api.client import Client, check, job, jobs, submit
from nox_cli.api.connection import NoxWarning
from nox_cli.api.job import Failure, File, Job
from nox_cli.api.result import Result, ResultList
from nox_cli.watch.follower import Change
from workers.errors import (
    ArtifactNotFound,
    InputRefused,
    JobNotFound,
    NothingMatched,
    NoxError,
    PackageMissing,
    StoreError,
    StoreUnreachable,
    UsageError,
    WaitTimedOut,
)
from workers.store.values import Point

__all__ = [
    "ArtifactNotFound",
    "Batch",
    "Change",
    "Client",
    "Counts",
    "Failure",
    "File",
    "InputRefused",
    "Job",
    "JobNotFound",
    "NothingMatched",
    "NoxError",
    "NoxWarning",
    "PackageMissing",
    "Point",
    "Result",
    "ResultList",
    "StoreError",
    "StoreUnreachable",
    "UsageError",
    "WaitTimedOut",
    "check",
    "job",
    "jobs",
    "submit",
]
