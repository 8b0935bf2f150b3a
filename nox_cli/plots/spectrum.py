"""Infrared spectra of jobs with frequencies: a line for each mode, broadened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import counted, job_title
from nox_cli.plots.figure import Axis, Figure, Panel, Style, conditions, from_zero, joined
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nox_cli.plots.json_objects import SpectrumRecord
    from nox_cli.results.rows import Row

WIDTH_CM1 = 20.0
MIN_WIDTH_CM1, MAX_WIDTH_CM1 = 1.0, 500.0
# Spectra are usually shown up to here.
_USUAL_CM1 = 4000.0
_ROUNDED_CM1 = 500.0
# This many points for each width of a line: the highest is within 0.3 % of the peak.
_POINTS_PER_WIDTH = 20
_MARGIN = 3.0  # widths, above the highest mode
_STRONGEST = 4
# Weaker lines (km/mol) are noise of the differences: modes of H2 have 1e-11 and the like.
_WEAKEST = 0.01


class Spectrum(NamedTuple):
    """The modes of one job, by rising frequency."""

    row: Row
    frequencies_cm1: tuple[float, ...]  # imaginary ones are negative
    intensities_km_per_mol: tuple[float, ...]  # shape as the frequencies
    imaginary_cutoff_cm1: float  # modes from here to 0 count as real

    @property
    def modes(self) -> list[tuple[float, float]]:
        """Wavenumber (cm-1) and intensity (km/mol) of each mode that can absorb: those above 0."""
        pairs = zip(self.frequencies_cm1, self.intensities_km_per_mol, strict=True)
        return [pair for pair in pairs if pair[0] > 0.0]

    @property
    def end_cm1(self) -> float:
        """The wavenumber up to which the spectrum is shown, for the highest mode alone."""
        return max((wavenumber for wavenumber, _ in self.modes), default=0.0)

    def document(self, width_cm1: float) -> SpectrumRecord:
        """Return modes and curve, whose values have six digits; width 0: modes alone."""
        curve = points(self, width_cm1, end_of([self], width_cm1)) if width_cm1 else []
        figure = draw([self], width_cm1)
        return {
            "job_id": self.row.job.id,
            "number": self.row.job.number,
            "title": figure.title,
            "notes": list(figure.notes),
            "width_cm1": width_cm1,
            "step_cm1": curve[1][0] if curve else 0.0,
            "curve_km_per_mol": [float(f"{value:.6g}") for _, value in curve],
            "modes": [
                {
                    "frequency_cm1": at,
                    "ir_intensity_km_per_mol": intensity,
                    "imaginary": at < min(0.0, self.imaginary_cutoff_cm1),
                }
                for at, intensity in zip(self.frequencies_cm1, self.intensities_km_per_mol, strict=True)
            ],
        }


def read_spectrum(row: Row) -> Spectrum:
    """Read the modes of a result.

    Raises:
        NothingMatched: the job has no frequencies, or they are damaged.
    """
    job, found = row.job, row.outcome.result.part("vibrations")
    frequencies = found.numbers("frequencies_cm1")
    intensities = found.numbers("ir_intensities_km_per_mol")
    if not frequencies and job.atoms == 1:
        raise NothingMatched(
            f"job {job.number} is a single atom, which does not vibrate", hint="nox results shows its energy"
        )
    if not frequencies:
        why = "has no frequencies" if job.state.is_final else "has no frequencies yet"
        raise NothingMatched(f"job {job.number} {why}", hint="nox submit FILE --ohess computes them")
    if len(intensities) != len(frequencies):
        raise NothingMatched(
            f"the intensities of job {job.number} are damaged: there is no spectrum to show",
            hint=f"nox retry {job.number} --done computes it again",
        )
    return Spectrum(row, frequencies, intensities, found.number("imaginary_cutoff_cm1") or 0.0)


def broadened(
    modes: Sequence[tuple[float, float]], width_cm1: float, end_cm1: float
) -> tuple[list[float], list[float]]:
    """Broaden lines to a spectrum from 0 to `end_cm1`.

    Each mode adds a Lorentz profile, f(v) = I (w/2)^2 / ((v - v0)^2 + (w/2)^2): the line shape that HITRAN
    defines (hitran.org/docs/definitions-and-units), scaled so that the peak of a line that stands alone is
    its intensity I.

    Args:
        modes: wavenumber v0 (cm-1) and integrated intensity I (km/mol) of each mode.
        width_cm1: the full width w of a line at half its height.
        end_cm1: the largest wavenumber.

    Returns:
        Wavenumbers (cm-1), and the sum of all lines (km/mol) at each.
    """
    import numpy as np

    step = min(1.0, width_cm1 / _POINTS_PER_WIDTH)
    wavenumbers = np.arange(round(end_cm1 / step) + 1) * step
    half, total = width_cm1 / 2.0, np.zeros_like(wavenumbers)
    for center, intensity in modes:
        total += intensity * half**2 / ((wavenumbers - center) ** 2 + half**2)
    return wavenumbers.tolist(), total.tolist()


def draw(spectra: Sequence[Spectrum], width_cm1: float) -> Figure:
    """Draw spectra below each other, wavenumbers falling to the right.

    Args:
        spectra: the modes of each job.
        width_cm1: the width of a line at half its height; 0: sticks.
    """
    shape = f"Lorentzian {width_cm1:g} cm-1 (FWHM)" if width_cm1 else "sticks"
    end = end_of(spectra, width_cm1)
    x = Axis("cm-1", 0.0, end, descends=True)
    single = len(spectra) == 1
    panels = tuple(_panel(one, width_cm1, end, "intensity" if single else _named(one)) for one in spectra)
    common = f"IR, {shape}, not scaled"
    if not single:
        return Figure(common, panels, x=x, notes=tuple(_imaginary(spectra)))
    notes = (*_strongest(spectra[0]), *_imaginary(spectra))
    return Figure(f"{_named(spectra[0])} · {common}", panels, x=x, notes=notes)


def end_of(spectra: Sequence[Spectrum], width_cm1: float) -> float:
    """Return the largest wavenumber (cm-1) that is shown: 4000, or more if there is a mode above."""
    end = max(one.end_cm1 for one in spectra) + _MARGIN * width_cm1
    return max(_USUAL_CM1, -(-end // _ROUNDED_CM1) * _ROUNDED_CM1)


def points(spectrum: Spectrum, width_cm1: float, end_cm1: float) -> list[tuple[float, float]]:
    """Return the points of a spectrum; width 0: its modes, imaginary ones too, as the result has them."""
    if width_cm1:
        return list(zip(*broadened(spectrum.modes, width_cm1, end_cm1), strict=True))
    return list(zip(spectrum.frequencies_cm1, spectrum.intensities_km_per_mol, strict=True))


def _panel(spectrum: Spectrum, width_cm1: float, end_cm1: float, title: str) -> Panel:
    shown = spectrum.modes if not width_cm1 else points(spectrum, width_cm1, end_cm1)
    xs, ys = tuple(x for x, _ in shown), tuple(y for _, y in shown)
    style = Style.LINE if width_cm1 else Style.STICKS
    largest = max(ys, default=0.0)
    y = from_zero("km/mol", largest if largest >= _WEAKEST else 0.0)
    return Panel(f"{title} (km/mol)", y, xs, ys, style)


def _named(spectrum: Spectrum) -> str:
    job = spectrum.row.job
    return job_title(job) + "  " + joined(*conditions(spectrum.row.record))


def _strongest(spectrum: Spectrum) -> Iterator[str]:
    """Name the strongest modes, by falling intensity."""
    strongest = sorted(spectrum.modes, key=lambda mode: -mode[1])[:_STRONGEST]
    shown = [
        f"{at:.0f} ({intensity:.{0 if intensity >= 1.0 else 2}f})"
        for at, intensity in strongest
        if intensity >= _WEAKEST
    ]
    if shown:
        yield f"strongest, cm-1 (km/mol): {'  '.join(shown)}"
    else:
        yield "no mode has an intensity"


def _imaginary(spectra: Sequence[Spectrum]) -> Iterator[str]:
    """Name the modes below 0, which are not drawn."""
    for spectrum in spectra:
        below = [at for at in spectrum.frequencies_cm1 if at <= 0.0]
        imaginary = [f"{-at:.1f}i" for at in below if at < spectrum.imaginary_cutoff_cm1]
        others = [f"{-at:.1f}i" for at in below if at >= spectrum.imaginary_cutoff_cm1]
        of = f" of {spectrum.row.job.number}" if len(spectra) > 1 else ""
        if imaginary:
            count = counted(len(imaginary), "imaginary mode")
            yield f"! {count}{of}, not drawn: {', '.join(imaginary)} cm-1"
        if others:
            yield f"not drawn{of}, though counted as real: {', '.join(others)} cm-1"
