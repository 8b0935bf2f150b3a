"""Plots as text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from nox_cli.plots.figure import Axis, Bars, Figure, Limit, Panel, Style, by_powers_of_ten, from_zero
from nox_cli.plots.query import Plot, PlotKind
from nox_cli.render import plot as rendered
from nox_cli.render.terminal.out import Out
from nox_cli.session import Streams

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = Axis("step", 1.0, 5.0, is_whole=True)
NORMS = (0.1, 0.03, 0.004, 0.0011, 0.0002)
COURSE = Figure(
    "2 aspirin  opt normal",
    (
        Panel(
            "gradient |g| (Eh/bohr)",
            by_powers_of_ten("Eh/bohr", *NORMS, 1e-3),
            (1.0, 2.0, 3.0, 4.0, 5.0),
            NORMS,
            limit=Limit(1e-3, "below 1e-03"),
        ),
    ),
    x=STEPS,
    notes=("! a note",),
)
SPECTRUM = Figure(
    "IR",
    (
        Panel(
            "intensity (km/mol)", from_zero("km/mol", 90.0), (3000.0, 1700.0, 500.0), (20.0, 90.0, 45.0),
            Style.STICKS,
        ),
    ),
    x=Axis("cm-1", 0.0, 4000.0, descends=True),
)  # fmt: skip
ENERGIES = Figure("dE (kcal/mol)", (Bars("C5H12", "kcal/mol", ("6 tt", "5 tg", "4 gx"), (0.0, 0.57, 2.43)),))


class _Sized(Out):
    """An output as large as a test wants it."""

    columns, lines_high = 40, 14

    @property
    def width(self) -> int:
        return self.columns

    @property
    def height(self) -> int:
        return self.lines_high


def drawn(
    figure: Figure, columns: int = 40, height: int = 14, encoding: str = "utf-8", *, is_ascii: bool = False
) -> list[str]:
    """Draw a figure on an output of a size."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    out = _Sized(Streams(stream, stream, stream))
    out.columns, out.lines_high = columns, height
    rendered.text(Plot(PlotKind.IR, figure, (), (), is_ascii=is_ascii), out)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).splitlines()


def same(expected: str, found: Sequence[str]) -> None:
    """Compare a drawing, line by line."""
    assert expected.strip("\n").splitlines() == list(found)


def test_a_curve_with_its_limit() -> None:
    """
    The dots of a limit are where its value is, behind the curve; the axis has round ticks and a title.
    """
    same(
        """
2 aspirin  opt normal
gradient |g| (Eh/bohr)   ⠂⠂⠂ below 1e-03
1e-01 ┤⠉⠒⠢⠤⢄⣀
      │      ⠉⠑⠢⢄⡀
1e-02 ┤          ⠈⠑⠢⣀
      │              ⠉⠒⠤⣀⡀
      │                  ⠈⠉⠒⠤⢄⣀
1e-03 ┤⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠂⠉⠑⠤⢄⠂⠂⠂⠂⠂
      │                            ⠉⠑⠤⢄
1e-04 ┤                                ⠉
      └────────┬───────────────┬────────
               2               4    step
! a note
""",
        drawn(COURSE),
    )


def test_sticks_in_ascii() -> None:
    """
    A spectrum falls to the right; a terminal without UTF-8 gets ASCII by itself.
    """
    same(
        """
IR
intensity (km/mol)
   |                    .
   |                    |
   |                    |
   |                    |
50 +                    |          .
   |                    |          |
   |                    |          |
   |         |          |          |
 0 +         |          |          |
   ++-----------------+----------------+
  4000              2000            cm-1
""",
        drawn(SPECTRUM, encoding="ascii"),
    )
    assert drawn(SPECTRUM, is_ascii=True) == drawn(SPECTRUM, encoding="ascii")


def test_bars_have_names_and_values() -> None:
    """
    The longest bar ends where the line does; the value stands before the bar.
    """
    same(
        """
dE (kcal/mol)
C5H12
  6 tt  0.00
  5 tg  0.57 ██████▍
  4 gx  2.43 ███████████████████████████
""",
        drawn(ENERGIES),
    )
    assert "  5 tg  0.57 ######" == drawn(ENERGIES, encoding="ascii")[3]


@pytest.mark.parametrize("figure", [COURSE, SPECTRUM, ENERGIES])
@pytest.mark.parametrize(("columns", "height"), [(24, 12), (40, 24), (80, 24), (200, 50)])
def test_a_plot_fits_the_terminal(figure: Figure, columns: int, height: int) -> None:
    """
    No line is wider than the terminal, and the prompt after the plot is still on the screen with its title.
    """
    lines = drawn(figure, columns, height)

    assert columns >= max(map(len, lines))
    assert len(lines) < height


def test_a_line_is_interrupted_where_the_axis_ends() -> None:
    """
    A logarithmic axis has no place for 0: the points on both sides of it are not joined.
    """
    gap = Panel("E", by_powers_of_ten("Eh", 1.0, 0.1), (1.0, 2.0, 4.0, 5.0), (1.0, 0.0, 0.5, 0.1))
    row = drawn(Figure("t", (gap,), x=STEPS), 40, 10)[2:-2]

    assert all(line[10:26].strip() == "" for line in row), row


def test_bars_of_all_groups_have_one_scale() -> None:
    """
    The bar of twice the energy is twice as long, in whichever group it is; the columns are aligned.
    """
    groups = (Bars("C4H10", "kcal/mol", ("2 g", "1 anti"), (0.0, 1.0)), *ENERGIES.panels)
    lines = drawn(
        Figure("dE (kcal/mol)", (*groups, Bars("H2O", "kcal/mol", ("7 w",), (0.5,), 4))), is_ascii=True
    )
    bars = {line.split()[0]: line.count("#") for line in lines if "#" in line}

    assert bars["4"] == pytest.approx(2.43 * bars["1"], abs=2)
    assert bars["1"] == pytest.approx(2.0 * bars["7"], abs=1)
    assert "  7 w     0.5000 " in lines[-1]
    assert 1 == len({line.index("#") for line in lines if "#" in line})
