"""The colours of the page can be told apart, in both themes (WCAG 2.2, AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nox_cli.serve import page

STYLE = (Path(page.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\)", STYLE))
SURFACES = ("page", "panel", "raised", "hover", "selected")
TEXTS = ("text", "muted", "accent", "pending", "running", "completed", "failed", "cancelled", "warning")
LEAST_OF_TEXT, LEAST_OF_SHAPES = 4.5, 3.0


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(theme: int) -> None:
    """
    Text has a contrast of 4.5 on each surface, what is drawn around fields and in plots one of 3.
    """
    colour = {name: pair.split(", ")[theme] for name, pair in TOKENS.items()}
    wanted = [(text, surface, LEAST_OF_TEXT) for text in TEXTS for surface in SURFACES]
    wanted += [("on-accent", "accent", LEAST_OF_TEXT)]
    wanted += [("edge", surface, LEAST_OF_SHAPES) for surface in SURFACES]
    wanted += [(name, "panel", LEAST_OF_SHAPES) for name in colour if name.startswith("plot-")]

    assert [] == [
        (name, surface, round(found, 2))
        for name, surface, least in wanted
        if (found := contrast(colour[name], colour[surface])) < least
    ]
