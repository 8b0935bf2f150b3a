"""Settings of the documentation's site: `make docs` builds it with Sphinx, MyST and furo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "nox"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "nox"
html_show_copyright = False
html_show_sphinx = False
highlight_language = "text"
# Links to headings, as GitHub writes them.
myst_heading_anchors = 3

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+\.md)\)")


def offer_pages_outside(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Make a link to a page outside of docs/, which the site does not have, one to download it."""
    source[0] = _OUTSIDE.sub(r"{download}`\1 <\2>`", source[0])


def setup(app: Sphinx) -> None:
    """Have pages pass through `offer_pages_outside` as they are read."""
    app.connect("source-read", offer_pages_outside)
