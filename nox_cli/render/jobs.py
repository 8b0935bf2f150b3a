"""Names of jobs and descriptions of calculations, the same in every command."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import by_state as counts_by_state
from nox_cli.counts import counted
from nox_cli.render.terminal.out import Painted
from nox_cli.results.job_record import reason_words
from workers.job import JobState
from workers.names import METHOD_TITLES, PRESSURE_PA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.results.documents import Document
    from nox_cli.watch.batch_progress import BatchProgress, TimeLeft
    from workers.engine.program_options import PassedOn
    from workers.job import Job

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


def atoms(job: Job) -> str:
    """Name what is computed: `C8H10N4O2 (24 atoms)`; empty for jobs without atoms."""
    if not job.atoms:
        return ""
    return f"{job.formula} ({counted(job.atoms, 'atom')})".strip()


def painted(text: str, state: JobState) -> str | Painted:
    """Give a text the colour of a state."""
    return Painted(text, _STYLES[state]) if state in _STYLES else text


def method(name: str) -> str:
    """Write a method as papers do."""
    return METHOD_TITLES.get(name, name)


def left(estimate: TimeLeft, *, is_short: bool = False) -> str:
    """Write an estimate: `about 1 min 24 s left (up to 2 min)`, or `1:24 to 2:00 left`.

    It takes longer than the latter in one case of ten.
    """
    if is_short:
        clocks = dict.fromkeys((times.clock(estimate.likely_s), times.clock(estimate.late_s)))
        return f"{' to '.join(clocks)} left"
    likely, late = times.words(estimate.likely_s), times.words(estimate.late_s)
    return f"about {likely} left" + (f" (up to {late})" if late != likely else "")


def pace(progress: BatchProgress) -> str:
    """Write the rate of jobs and the time that is left; empty: neither is known."""
    words = [] if progress.rate_per_s is None else [rate(progress.rate_per_s)]
    words += [] if progress.left is None else [left(progress.left)]
    return ", ".join(words)


def reasons(progress: BatchProgress) -> list[str]:
    """Count failures by reason: `14 not converged`, `6 timeout`."""
    return [f"{group.count:,} {reason_words(group.reason)}" for group in progress.failures]


def by_state(counts: Mapping[JobState, int], total: int | None = None) -> list[list[str | Painted]]:
    """Write the count of each state in its colour; arguments as of `nox_cli.counts.by_state`.

    Those that wait are the last, and the held ones among them are counted again.
    """
    lines: list[list[str | Painted]] = [
        [painted(words, state)] for words, state in counts_by_state(counts, total)
    ]
    return [*lines[:-1], [*lines[-1], held(counts)]] if held(counts) else lines


def held(counts: Mapping[JobState, int]) -> str:
    """Count the held jobs, behind those that wait: ` (1 held)`; empty: there are none."""
    count = counts.get(JobState.HELD, 0)
    return f" ({count:,} held)" if count else ""


def rate(per_s: float) -> str:
    """Write the rate at which jobs end: `21.3/s`, `4.5/min`, `12/h`."""
    for name, size_s in (("s", 1), ("min", 60)):
        if per_s * size_s >= 1:
            return f"{per_s * size_s:.1f}/{name}"
    return f"{per_s * 3_600:.2g}/h"


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
