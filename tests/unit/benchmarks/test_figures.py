"""Figures of benchmarks in the page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Figure, write_page

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """# Performance

<!-- python -m benchmarks first -->

| | measured | bound |
|---|---|---|
| old | 1.00 s |  |

Text.

<!-- python -m benchmarks second -->

| | measured | bound |
|---|---|---|
| other | 2.00 s |  |

<!-- python -m benchmarks third -->

The end.
"""
EXPECTED = """# Performance

<!-- python -m benchmarks first -->

|  | measured | bound |
| --- | --- | --- |
| new | 1,500.00 jobs/s | >= 1000 |
| slow | 3.00 s | <= 2 missed |

Text.

<!-- python -m benchmarks second -->

| | measured | bound |
|---|---|---|
| other | 2.00 s |  |

<!-- python -m benchmarks third -->

|  | measured | bound |
| --- | --- | --- |
| last | 1.00 x |  |

The end.
"""


def test_a_page_keeps_what_was_not_measured(tmp_path: Path) -> None:
    """The tables of measured benchmarks are replaced, also where there was none; all else stays."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    first = [Figure("new", 1500, "jobs/s", 1000, at_least=True), Figure("slow", 3, "s", 2)]
    write_page({"first": first, "third": [Figure("last", 1, "x")], "unmarked": first}, page)
    assert page.read_text() == EXPECTED
