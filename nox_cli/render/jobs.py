"""Names and descriptions of jobs, the same in every command."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.render.terminal.out import Painted
from nox_cli.results.columns import JOB_FIELDS
from workers.job import FIELDS, FREQUENCIES, JobState, Reason, gradients_of_frequencies
from workers.names import METHOD_TITLES, PRESSURE_PA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.results.documents import Document
    from nox_cli.results.json_objects import JobRecord
    from workers.engine.program_options import PassedOn
    from workers.job import Job
    from workers.store.values import Artifact

_STYLES = {
    JobState.RUNNING: "cyan",
    JobState.DONE: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "yellow",
}
# The kinds of calculation that end in frequencies.
CURVED = frozenset({"hess", "ohess", "bhess"})
CRYSTAL = "crystal at the gamma point"
_KINDS = {
    "sp": "single point",
    "grad": "gradient",
    "opt": "opt",
    "hess": "frequencies",
    "ohess": "opt",
    "bhess": "biased",
    "echo": "echo",
}
_FOLLOWED = {"ohess": "+ freq", "bhess": "freq"}
_REASONS = {
    Reason.USER: "by request",
    Reason.SCF: "scf not converged",
    Reason.DAMAGED: "record damaged",
    Reason.INTERNAL: "internal error",
}


def title(job: Job) -> str:
    """Name a job in a word or two: its number and name."""
    return f"{job.number} {job.name}" if job.name else str(job.number)


def atoms(job: Job) -> str:
    """Name what is computed: `C8H10N4O2 (24 atoms)`; empty for jobs without atoms."""
    if not job.atoms:
        return ""
    return f"{job.formula} ({counted(job.atoms, 'atom')})".strip()


def reason(job: Job) -> str:
    """Write the reason why a job failed or was cancelled in words; empty: there is none."""
    return reason_words(job.reason)


def reason_words(noted: Reason | None) -> str:
    """Write a reason in words."""
    if noted is None:
        return ""
    return _REASONS.get(noted, noted.replace("_", " "))


def painted(text: str, state: JobState) -> str | Painted:
    """Give a text the colour of a state."""
    return Painted(text, _STYLES[state]) if state in _STYLES else text


def method(name: str) -> str:
    """Write a method as papers do."""
    return METHOD_TITLES.get(name, name)


def is_crystal(spec: Document) -> bool:
    """Whether the structure of a specification has a cell."""
    return spec.part("structure").fields.get("lattice_angstrom") is not None


def calculation(spec: Document, *, is_crystal: bool) -> str:
    """Write a calculation: `opt tight · GFN2-xTB · gas phase`, `... · ALPB(thf) · 298.15 K, 1 atm`."""
    named = kind(spec.text("kind"), spec.text("opt_level"))
    if spec.text("kind") == "echo":
        return named
    passed = _interpreted(spec)
    medium = CRYSTAL if is_crystal else surroundings(spec.text("solvation"), spec.text("solvent"), passed)
    words = [named, method(spec.text("method")), medium]
    if spec.flag("spin_polarised"):
        words.append("spin-polarised")
    if frozen := len(spec.numbers("frozen_atoms")):
        words.append(f"{counted(frozen, 'atom')} frozen")
    words += passed_on(passed.rest if passed else (), spec.text("program_input"))
    temperature, pressure = spec.number("temperature_k"), spec.number("pressure_pa")
    if spec.text("kind") in CURVED and temperature and pressure:
        words.append(gas(temperature, pressure))
    return " · ".join(words)


def passed_on(options: Sequence[str], text: str) -> list[str]:
    """Write the other options that are passed to the xtb program: `with an input file`, `xtb --pop`."""
    words = [f"xtb {' '.join(options)}"] if options else []
    return [*words, "with an input file"] if text else words


def _interpreted(spec: Document) -> PassedOn | None:
    """Interpret the options that a specification passes to the xtb program; None: there are none."""
    options, text = spec.texts("program_options"), spec.text("program_input")
    if not (options or text):
        return None
    from workers.engine.program_options import interpreted

    return interpreted(options, text)


def surroundings(model: str, solvent: str, passed: PassedOn | None) -> str:
    """Write the medium of a molecule: `ALPB(thf)`, `with options of its own: --foo`, `gas phase`."""
    own = ""
    if passed is not None:
        model, solvent = model or passed.solvation, solvent or passed.solvent
        own = f"with options of its own: {' '.join(passed.own)}" if passed.own else ""
    named = f"{model.upper()}({solvent})" if model else ""
    return " ".join(filter(None, (named, own))) or "gas phase"


def kind(name: str, level: str) -> str:
    """Name a kind of calculation, with its level if it has one: `single point`, `opt tight + freq`."""
    return " ".join(filter(None, (_KINDS.get(name, name), level, _FOLLOWED.get(name))))


def gas(temperature_k: float, pressure_pa: float) -> str:
    """Write the conditions of thermochemistry: `298.15 K, 1 atm`."""
    return f"{temperature_k:g} K, {pressure(pressure_pa)}"


def pressure(pressure_pa: float) -> str:
    """Write a pressure: `1 atm`, else in Pa."""
    atmospheres = pressure_pa / PRESSURE_PA
    return f"{atmospheres:g} atm" if atmospheres.is_integer() else f"{pressure_pa:g} Pa"


def charge(spec: Document) -> str:
    """Write charge and spin with their origins: `charge +1, unpaired 0 (default)`."""
    value, unpaired = spec.whole("charge") or 0, spec.whole("unpaired") or 0
    origins = dict.fromkeys(filter(None, (spec.text("charge_origin"), spec.text("unpaired_origin"))))
    origin = f" ({', '.join(origins)})" if origins else ""
    return f"charge {signed(value)}, unpaired {unpaired}{origin}"


def signed(value: int) -> str:
    """Write a charge: `0`, `+1`, `-1`."""
    return f"{value:+d}" if value else "0"


def elapsed_s(job: Job, now_ms: int | None = None) -> float | None:
    """Count the seconds the newest attempt ran, or has run by `now_ms`; None: it has not started."""
    if job.started_ms is None or not (job.state is JobState.RUNNING or job.state.is_final):
        return None
    ended = job.ended_ms if job.state.is_final else (now_ms or times.now_ms())
    return max(0.0, ((ended or job.started_ms) - job.started_ms) / 1_000)


def fraction(job: Job) -> float | None:
    """Return the progress of a job, 0 to 1; None: it is not known."""
    if job.state is JobState.DONE:
        return 1.0
    if job.state.is_waiting:
        return 0.0
    return job.progress.fraction


def counted_steps(job: Job) -> str:
    """Count steps; gradients of frequencies are counted out of all there will be: `22`, `36/120`."""
    progress = job.progress
    if progress.step is None:
        return ""
    if progress.phase == FREQUENCIES:
        return f"{progress.step}/{gradients_of_frequencies(job.atoms)}"
    return str(progress.step)


def step(job: Job) -> str:
    """Describe the step of a running job: `opt step 22, -96.14208102 Eh`; `freq 36/120 gradients, ...`."""
    progress = job.progress
    words = [progress.phase or "running"]
    if progress.phase == FREQUENCIES:
        words.append(f"{counted_steps(job)} gradients")
    elif progress.step is not None:
        words.append(f"step {progress.step}")
    if progress.energy_hartree is not None:
        return f"{' '.join(words)}, {progress.energy_hartree:.8f} Eh"
    return " ".join(words)


def _waits(job: Job) -> str:
    """Describe what a waiting job waits for."""
    if job.state is JobState.SCHEDULED and job.due_ms is not None and job.retried:
        due = times.short(job.due_ms, times.now_ms())
        return f"retries at {due} (attempt {job.attempt + 1} of {job.attempt + 1 + job.retries_left})"
    if job.state is JobState.SCHEDULED and job.due_ms is not None:
        return f"starts at {times.short(job.due_ms, times.now_ms())}"
    if job.state is JobState.BLOCKED:
        return f"waits for {counted(job.unended, 'job')}"
    tries = f", attempt {job.attempt} did not end ({job.losses} lost)" if job.losses else ""
    return f"{job.state}{tries}"


def message(job: Job, failure: Document | None = None) -> str:
    """Describe in one line what a job is doing, or how it ended."""
    if job.state is JobState.RUNNING:
        ending = "; asked to stop" if job.cancel_requested else ""
        return f"{step(job)} on {job.host or 'a worker'}{ending}"
    if job.state.is_waiting:
        return _waits(job)
    text = failure.text("message") if failure else ""
    if job.state is JobState.DONE:
        seconds = elapsed_s(job)
        return "completed" if seconds is None else f"completed in {times.words(seconds)}"
    return text or ": ".join(filter(None, (str(job.state.public), reason(job))))


def public(job: Job, text: str | None = None) -> dict[str, Any]:
    """Return the public form of a job, which `nox status --json` shows."""
    return {
        "job_id": job.id,
        "state": job.state.public,
        "progress": fraction(job),
        "message": message(job) if text is None else text,
    }


def record(job: Job, energy_hartree: float | None = None) -> JobRecord:
    """Return the short record of a job.

    Args:
        job: the job.
        energy_hartree: the energy of an earlier attempt whose result is shown; None: of the newest step.
    """
    values = {field.shown_as: getattr(job, field.name) for field in FIELDS if field.shown_as} | {
        "state": job.state.public,
        "progress": fraction(job),
        "message": message(job),
        "batch": job.batch or None,
        "time_limit_s": job.time_limit_s or None,
        "host": job.host,
        "energy_hartree": job.progress.energy_hartree if energy_hartree is None else energy_hartree,
        "step": job.progress.step,
        "created_at": times.iso(job.created_ms),
        "started_at": times.iso(job.started_ms),
        "finished_at": times.iso(job.ended_ms),
        "wall_s": elapsed_s(job),
        "tags": dict(job.tags),
        "retry_on": sorted(job.retry_on),
        "retries_left": job.retries_left,
        "due_at": times.iso(job.due_ms),
        "result_attempt": job.attempt if job.state is JobState.DONE else job.good,
    }
    return cast("JobRecord", {name: values[name] for name in ("job_id", *JOB_FIELDS)})


def artifact(made: Artifact) -> dict[str, Any]:
    """Return one artifact of a job for JSON."""
    return {
        "name": made.name,
        "size_bytes": made.size,
        "sha256": made.sha256,
        "mime": made.mime,
        "host": made.host or None,
        "path": made.path or None,
        "kept": not made.dropped,
    }


MEANINGS: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.HELD: "does not start until nox release",
        JobState.SCHEDULED: "waits until its start time",
        JobState.BLOCKED: "waits for another job",
        JobState.QUEUED: "waits for a worker",
        JobState.RUNNING: "a worker is running it",
        JobState.DONE: "finished with a result",
        JobState.FAILED: "finished without a result; nox explain JOB shows why",
        JobState.CANCELLED: "was stopped, or cannot start any more",
    }
)
