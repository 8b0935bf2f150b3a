"""Options of the commands that make jobs or change them: `submit`, `run` and `set`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nox_cli.commandline import groups
from nox_cli.inputs.comment import MAX_CHARGE
from nox_cli.times import seconds_of
from nox_cli.values import atom_numbers, memory_bytes, pressure_pa, retried_reasons
from workers.job import MAX_RETRIES, PRIORITY_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

# How `submit` and `run` declare `nox_cli.submission.options.SubmitOptions`.
SUBMIT: Mapping[str, Any] = {
    "sp": groups.calculation("--sp", help="Single-point energy (the default)."),
    "grad": groups.calculation("--grad", help="Energy and gradient."),
    "opt": groups.calculation(
        "--opt",
        "-o",
        metavar="[LEVEL]",
        help="Optimise the geometry; LEVEL: crude to extreme (default: normal).",
    ),
    "hess": groups.calculation("--hess", help="Frequencies of the structure as it is."),
    "ohess": groups.calculation(
        "--ohess", metavar="[LEVEL]", help="Optimise, then calculate frequencies (default level: tight)."
    ),
    "bhess": groups.calculation(
        "--bhess",
        metavar="[LEVEL]",
        help="Frequencies near the structure, which a bias potential holds in place.",
    ),
    "temp": groups.calculation(
        min=1e-3, max=1e5, metavar="K", help="Temperature for thermochemistry in K (default 298.15)."
    ),
    "pressure": groups.calculation(
        parser=pressure_pa, metavar="P", help="Pressure for thermochemistry, such as 1bar (default 1atm)."
    ),
    "symmetry_number": groups.calculation(
        min=1, max=1_000, metavar="N", help="Rotational symmetry number (default: detected)."
    ),
    "gfn": groups.method(min=0, max=2, metavar="N", help="2: GFN2-xTB (default), 1: GFN1-xTB, 0: GFN0-xTB."),
    "gfnff": groups.method("--gfnff", help="Use GFN-FF, a force field."),
    "ipea1": groups.method("--ipea1", help="Use IPEA1-xTB, for ionisation energies."),
    "alpb": groups.method(metavar="SOLVENT", help="Implicit solvent, ALPB model."),
    "gbsa": groups.method(metavar="SOLVENT", help="Implicit solvent, GBSA model."),
    "spinpol": groups.method("--spinpol", help="Spin-polarised orbitals."),
    "engine": groups.method(help="Engine that calculates; auto chooses xtb, tblite or the xtb program."),
    "chrg": groups.charge(
        "--chrg",
        "-c",
        min=-MAX_CHARGE,
        max=MAX_CHARGE,
        metavar="CHARGE",
        help="Charge of every structure.",
    ),
    "uhf": groups.charge(
        "--uhf",
        "-u",
        metavar="N|auto",
        help="Number of unpaired electrons; auto: 0 or 1, by the number of electrons.",
    ),
    "mult": groups.charge(
        min=1,
        max=1_001,
        metavar="M",
        help="Spin multiplicity: the number of unpaired electrons plus one.",
    ),
    "acc": groups.method(
        min=1e-4,
        max=1e3,
        metavar="X",
        help="Numerical accuracy as in xtb; smaller is stricter (default 1).",
    ),
    "etemp": groups.method(min=1e-3, max=1e5, metavar="K", help="Electronic temperature in K (default 300)."),
    "iterations": groups.method(
        min=1, max=10_000, metavar="N", help="Maximum number of SCC iterations (default 250)."
    ),
    "cycles": groups.calculation(
        min=1,
        max=100_000,
        metavar="N",
        help="Maximum number of optimisation steps (default: depends on size).",
    ),
    "freeze": groups.calculation(
        parser=atom_numbers,
        metavar="ATOMS",
        help="Atoms that --opt keeps fixed, counted from 1, such as 1-4,7.",
    ),
    "input": groups.method(
        "--input", metavar="FILE", help="Input file for the xtb program; its options go after --."
    ),
    "force": groups.structures("--force", help="Accept atoms that are too close to each other."),
    "passed_on": typer.Option("--passed-on", hidden=True),
    "kind": groups.jobs(help="Make a job that calculates nothing and returns --payload."),
    "payload": groups.jobs(metavar="JSON", help="The JSON value that an echo job returns."),
    "name": groups.jobs("--name", metavar="NAME", help="Name of the jobs (default: the name of the file)."),
    "tag": groups.jobs(metavar="KEY=VALUE", help="Label the jobs; may be repeated."),
    "batch": groups.jobs(metavar="NAME", help="Name of the batch that the jobs form."),
    "priority": groups.jobs(
        min=PRIORITY_RANGE[0],
        max=PRIORITY_RANGE[1],
        metavar="N",
        help="Jobs with a higher priority run first.",
    ),
    "cores": groups.resources(min=1, max=1_024, metavar="N", help="Cores per job."),
    "memory": groups.resources(
        parser=memory_bytes, metavar="SIZE", help="Memory per job, such as 512M or 4G (default 2G)."
    ),
    "time": groups.resources(
        parser=seconds_of, metavar="DURATION", help="Time limit per job: 90 (seconds), 30m or 1:00:00."
    ),
    "retries": groups.failures(min=0, max=MAX_RETRIES, metavar="N", help="Retry a failed job up to N times."),
    "retry_on": groups.failures(
        parser=retried_reasons,
        metavar="REASON,...",
        help="Failures to retry: crashed (default), timeout, memory, not_converged, scf, worker_lost.",
    ),
    "max_fails": groups.failures(
        min=0,
        max=1_000_000,
        metavar="N",
        help="Once N jobs of the batch have failed, cancel those that wait; 0: never.",
    ),
    "files_from": groups.structures(
        metavar="FILE|-", help="Read file names from FILE, one per line; -: standard input."
    ),
    "smiles": groups.structures(
        "--smiles", metavar="SMILES", help="A structure as SMILES, which RDKit makes 3D; may be repeated."
    ),
    "split": groups.structures("--split", help="Make one job for each structure in a file."),
    "skip_bad": groups.structures("--skip-bad", help="Leave out inputs that are refused; take the others."),
    "allow_empty": groups.structures("--allow-empty", help="Exit 0 when there is no input."),
}

# The options of `submit` alone: dependencies, uniqueness, and the store.
START: Mapping[str, Any] = {
    "begin": groups.start(
        metavar="TIME", help="Start no earlier than TIME: 06:00, 'tomorrow 06:00', 2026-03-01T14:00."
    ),
    "delay": groups.start(
        parser=seconds_of, metavar="DURATION", help="Start no earlier than DURATION from now: 90, 30m, 2h."
    ),
    "hold": groups.start("--hold", help="Do not start the jobs until nox release."),
    "from_": groups.start(
        "--from",
        metavar="SEL",
        help="Make a job for each of these jobs: it starts from the final geometry of that job.",
    ),
    "after": groups.start(
        "--after",
        metavar="SEL",
        help="Start once these jobs have completed; cancel if one does not; may be repeated.",
    ),
    "after_any": groups.start(
        "--after-any", metavar="SEL", help="Start once these jobs have finished, completed or not."
    ),
    "after_fail": groups.start(
        "--after-fail", metavar="SEL", help="Start once these jobs have failed; cancel if one does not."
    ),
}
UNIQUE: Mapping[str, Any] = {
    "unique": groups.duplicates(
        metavar="[=KEY]", help="Submit only if no job has the same calculation, or this KEY."
    ),
    "if_exists": groups.duplicates(
        help="What --unique does if the job exists: skip (the default) prints its id."
    ),
}
REQUIRED: Mapping[str, Any] = {
    "require_store": groups.store(
        help="Fail unless the jobs go to this kind of store; cron may lack REDIS_URL."
    ),
    "fallback": groups.store(
        help="If Redis does not answer: none (fail), local (run here) or hold (keep for nox push)."
    ),
    "require_durable": groups.store(
        "--require-durable", help="Return only once a power cut cannot lose the jobs, or fail."
    ),
}
