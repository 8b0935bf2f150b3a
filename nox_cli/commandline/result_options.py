"""Options of `results`: how it declares what is selected, compared and computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import ATTEMPT, COLUMNS
from nox_cli.results.thermochemistry import standard_state, temperatures

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS: Mapping[str, Any] = {
    "every": groups.selection("-a", "--all", help="Include failed and cancelled jobs."),
    "sort": groups.output(metavar="COLUMN", help="Sort by a column of -o csv; -COLUMN: descending."),
    "limit": groups.selection(metavar="NUMBER", min=1, help="Maximum number of jobs."),
    "attempt": ATTEMPT,
    "columns": COLUMNS,
}
COMPARISON: Mapping[str, Any] = {
    "unit": groups.comparison(
        help="Unit of energies (default hartree; kcal for differences); kcal and kj are per mole."
    ),
    "relative": groups.comparison(
        "--relative", help="Show energies relative to the lowest one that is comparable."
    ),
    "boltzmann": groups.comparison(
        "--boltzmann", help="Show Boltzmann weights at 298.15 K or --temp; equal conformers count once."
    ),
    "within": groups.comparison(
        min=0.0, metavar="ENERGY", help="Only jobs up to ENERGY above the lowest one, in --unit."
    ),
    "keep_reacted": groups.comparison("--keep-reacted", help="Include structures whose bonds have changed."),
    "no_mirror": groups.comparison(
        "--no-mirror", help="Do not count the mirror images of chiral conformers in the weights."
    ),
    "electronic": groups.comparison(
        "--electronic", help="Compare electronic energies, even where all have a free energy."
    ),
}
CONDITIONS: Mapping[str, Any] = {
    "temp": groups.thermochemistry(
        parser=temperatures,
        metavar="KELVIN",
        help="Free energy at another temperature, or at several: 273:373:25.",
    ),
    "standard_state": groups.thermochemistry(
        parser=standard_state,
        metavar="STATE",
        help="Standard state of the free energy, such as 1M or 1bar.",
    ),
    "symmetry_number": groups.thermochemistry(
        min=1, max=1_000, metavar="NUMBER", help="Rotational symmetry number of every molecule."
    ),
}
