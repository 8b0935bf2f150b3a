"""Options of the commands that make jobs or change them: `submit`, `run` and `set`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, Quiet
from nox_cli.config.settings import Fallback
from nox_cli.hints import use_redis
from nox_cli.inputs.comment import MAX_CHARGE
from nox_cli.submission.handover import NOT_SUBMITTED
from nox_cli.submission.options import BOUNDS
from nox_cli.times import seconds_of
from nox_cli.values import atom_numbers, memory_bytes, pressure_pa, retried_reasons
from workers.errors import StoreRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.config.settings import Settings

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE]...",
        help="Structures: xyz, mol, sdf, pdb, coord, gen, POSCAR, smi, JSON, .gz; -: standard input.",
        show_default=False,
    ),
]


def _number(name: str) -> dict[str, Any]:
    """Declare a whole number within the bounds of its option."""
    least, most = BOUNDS[name]
    return {"min": least, "max": most, "metavar": "NUMBER"}


_PRIORITY: Mapping[str, Any] = _number("priority") | {"help": "Jobs with a higher priority run first."}
_CORES: Mapping[str, Any] = _number("cores") | {"help": "Cores per job."}

# How `submit` and `run` declare `nox_cli.submission.options.SubmitOptions`.
SUBMIT: Mapping[str, Any] = {
    "sp": groups.calculation("--sp", help="Single-point energy (the default)."),
    "grad": groups.calculation("--grad", help="Energy and gradient."),
    "opt": groups.calculation(
        "--opt",
        "-o",
        metavar="[LEVEL]",
        help="Optimise; LEVEL: crude, sloppy, loose, normal (default), tight, vtight or extreme.",
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
        min=1e-3, max=1e5, metavar="KELVIN", help="Temperature for thermochemistry in K (default 298.15)."
    ),
    "pressure": groups.calculation(
        "--pressure",
        parser=pressure_pa,
        metavar="PRESSURE",
        help="Pressure for thermochemistry, such as 1bar (default 1atm).",
    ),
    "symmetry_number": groups.calculation(
        min=1, max=1_000, metavar="NUMBER", help="Rotational symmetry number (default: detected)."
    ),
    "gfn": groups.method(
        min=0, max=2, metavar="NUMBER", help="2: GFN2-xTB (default), 1: GFN1-xTB, 0: GFN0-xTB."
    ),
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
        metavar="UNPAIRED",
        help="Number of unpaired electrons; auto: 0 or 1, by the number of electrons.",
    ),
    "mult": groups.charge(
        min=1,
        max=1_001,
        metavar="MULTIPLICITY",
        help="Spin multiplicity: the number of unpaired electrons plus one.",
    ),
    "acc": groups.method(
        min=1e-4,
        max=1e3,
        metavar="ACCURACY",
        help="Numerical accuracy as in xtb; smaller is stricter (default 1).",
    ),
    "etemp": groups.method(
        min=1e-3, max=1e5, metavar="KELVIN", help="Electronic temperature in K (default 300)."
    ),
    "iterations": groups.method(
        min=1, max=10_000, metavar="NUMBER", help="Maximum number of SCC iterations (default 250)."
    ),
    "cycles": groups.calculation(
        min=1,
        max=100_000,
        metavar="NUMBER",
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
    "priority": groups.jobs(**_PRIORITY),
    "cores": groups.resources(**_CORES),
    "memory": groups.resources(
        parser=memory_bytes, metavar="SIZE", help="Memory per job, such as 512M or 4G (default 2G)."
    ),
    "time": groups.resources(
        parser=seconds_of, metavar="DURATION", help="Time limit per job: 90 (seconds), 30m or 1:00:00."
    ),
    "retries": groups.failures(**_number("retries"), help="Retry a failed job up to NUMBER times."),
    "retry_on": groups.failures(
        parser=retried_reasons,
        metavar="REASON,...",
        help="Failures to retry: crashed (default), timeout, memory, not_converged, scf, worker_lost.",
    ),
    "max_fails": groups.failures(
        **_number("max_fails"),
        help="Once NUMBER jobs of the batch have failed, cancel those that wait; 0: never.",
    ),
    "files_from": groups.structures(
        metavar="FILE", help="Read file names from FILE, one per line; -: standard input."
    ),
    "smiles": groups.structures(
        "--smiles", metavar="SMILES", help="A structure as SMILES, which RDKit makes 3D; may be repeated."
    ),
    "split": groups.structures("--split", help="Make one job for each structure in a file."),
    "skip_bad": groups.structures("--skip-bad", help="Leave out inputs that are refused; take the others."),
    "allow_empty": groups.structures("--allow-empty", help="Exit 0 when there is no input."),
}

# How `submit` declares the options that delay jobs.
START: Mapping[str, Any] = {
    "begin": groups.start(
        metavar="TIME", help="Start no earlier than TIME: 06:00, 'tomorrow 06:00', 2026-03-01T14:00."
    ),
    "delay": groups.start(
        parser=seconds_of,
        metavar="DURATION",
        help="Start no earlier than DURATION from now: 90, 30m, 2h.",
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

# How `submit` declares the options of uniqueness.
UNIQUE: Mapping[str, Any] = {
    "unique": groups.duplicates(
        metavar="[=KEY]", help="Submit only if no job has the same calculation, or this KEY."
    ),
    "if_exists": groups.duplicates(
        metavar="ACTION", help="What --unique does if the job exists: skip (the default) prints its id."
    ),
}

# How `set` declares its new values.
SET: Mapping[str, Any] = {
    "priority": groups.changes(**_PRIORITY),
    "cores": groups.changes(**_CORES),
    "memory": groups.changes(parser=memory_bytes, metavar="SIZE", help="Memory per job, such as 512M or 4G."),
    "time": groups.changes(parser=seconds_of, metavar="DURATION", help="Time limit per job; 0: none."),
    "name": groups.changes("--name", metavar="NAME", help="Name of the jobs."),
    "tag": groups.changes(
        metavar="KEY=VALUE", help="Add a label to those that the jobs have; may be repeated."
    ),
}


class After(NamedTuple):
    """The options that choose what happens once the inputs are checked."""

    dry_run: Annotated[
        bool, groups.afterwards("--dry-run", help="Check the input and show the jobs; submit nothing.")
    ] = False
    wait: Annotated[
        bool,
        groups.afterwards(
            "--wait", help="Wait until the jobs have finished; the exit code reports the outcome."
        ),
    ] = False
    watch: Annotated[
        bool, groups.afterwards("--watch", help="Watch the jobs run; in a pipe, the same as --wait.")
    ] = False
    timeout: Annotated[
        float | None,
        groups.afterwards(
            parser=seconds_of, metavar="DURATION", help="With --wait: stop waiting after DURATION."
        ),
    ] = None
    no_start: Annotated[
        bool, groups.afterwards("--no-start", help="Do not start a worker on this machine.")
    ] = False
    quiet: Quiet = False
    json: Json = False


class StoreWanted(StrEnum):
    """The kinds of stores, for `--require-store`."""

    REDIS = "redis"
    LOCAL = "local"


class Required(NamedTuple):
    """The demands on the store of a submit."""

    require_store: Annotated[
        StoreWanted | None,
        groups.store(help="Fail unless the jobs go to this kind of store; cron may lack REDIS_URL."),
    ] = None
    fallback: Annotated[
        Fallback | None,
        groups.store(
            metavar="CHOICE",
            help="If Redis does not answer: none (fail), local (run here) or hold (keep for nox push).",
        ),
    ] = None
    require_durable: Annotated[
        bool,
        groups.store("--require-durable", help="Return only once a power cut cannot lose the jobs, or fail."),
    ] = False


def refuse_other_store(required: Required, settings: Settings) -> None:
    """Check that jobs go to the kind of store that is required.

    Raises:
        StoreRefused: they would not.
    """
    is_local = settings.store.redis_url is None
    if required.require_store is StoreWanted.REDIS and is_local:
        chosen = settings.chosen_local
        raise StoreRefused(
            f"--require-store redis, and {chosen or 'REDIS_URL is not set'}"
            + (" chooses the local store" if chosen else ""),
            did=NOT_SUBMITTED,
            hint=use_redis(chosen),
        )
    if required.require_store is StoreWanted.LOCAL and not is_local:
        raise StoreRefused(
            f"--require-store local, and {settings.origins['redis_url']} names a Redis",
            did=NOT_SUBMITTED,
            hint="add --local",
        )


def chosen_fallback(required: Required, settings: Settings) -> Fallback:
    """Choose what to do if Redis cannot be reached.

    Raises:
        UsageError: another store is both allowed and refused.
    """
    wanted = required.fallback or Fallback.NONE
    if required.require_store is not StoreWanted.REDIS:
        return required.fallback or Fallback(settings.fallback)
    if wanted is not Fallback.NONE:
        raise UsageError(
            f"--require-store redis and --fallback {wanted} contradict each other", did=NOT_SUBMITTED
        )
    return wanted
