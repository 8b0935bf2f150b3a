"""JSON objects about plots, as types; `nox_cli.results.json_objects` has the rules."""

from __future__ import annotations

from typing import Any, Literal

from nox_cli.results.json_objects import Record, closed


@closed
class PlotRecord(Record):
    """The numbers of a plot, as `nox plot --json` prints them: an object for each row of `--data`."""

    kind: Literal["convergence", "ir", "energies"]
    title: str
    items: list[dict[str, Any]]
