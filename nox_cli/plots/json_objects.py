"""JSON objects about plots, as types; `nox_cli.results.json_objects` has the rules."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from nox_cli.results.json_objects import Record, closed


@closed
class PlotRecord(Record):
    """The numbers of a plot, as `nox plot --json` prints them: an object for each row of `--data`."""

    kind: Literal["convergence", "ir", "energies"]
    title: str
    items: list[dict[str, Any]]


@closed
class ModeRecord(TypedDict):
    """One vibration."""

    frequency_cm1: float  # an imaginary one is negative
    ir_intensity_km_per_mol: float
    imaginary: bool  # below the cutoff, not merely below 0


@closed
class SpectrumRecord(Record):
    """The infrared spectrum of one job: its modes, and the curve that `nox plot` draws."""

    job_id: str
    number: int
    title: str
    notes: list[str]
    width_cm1: float  # of a line at half its height; 0: there is no curve
    step_cm1: float  # between two points of the curve, which begins at 0; 0: there is no curve
    curve_km_per_mol: list[float]
    modes: list[ModeRecord]
