"""Text from outside: made safe to print, where control characters become escapes, and compared with words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Patterns are compiled where they are needed: most texts have nothing to escape.
# C0 and C1 controls, DEL, line and paragraph separators, marks and overrides of direction, invisible
# characters that join or hide text, tags, and surrogates (bytes that are no text).
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# Comparing longer ones takes long.
_LONGEST_WORD = 80
_UNSAFE_BUT_LINES = _UNSAFE.replace("[\x00-\x1f", "[\x00-\x08\x0b-\x1f")
# An underscore between letters or digits is no markup.
_MARKUP = r"[\\`*\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])"


def safe(text: object) -> str:
    r"""Escape every control character of one line, also line ends and tabs: `\x1b`."""
    shown = str(text)
    return shown if shown.isprintable() else re.sub(_UNSAFE, _escape, shown)


def safe_lines(text: object) -> str:
    """Escape the control characters of several lines, except line ends and tabs."""
    return re.sub(_UNSAFE_BUT_LINES, _escape, str(text))


def markdown(text: object) -> str:
    r"""Escape one line for Markdown: the end of a cell, and markup."""
    return re.sub(_MARKUP, r"\\\g<0>", safe(text))


def nearest(word: str, known: Iterable[str]) -> str:
    """Find the known word that is spelled most like another; empty: none is spelled like it."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word[:_LONGEST_WORD], list(known), n=1)), "")


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode()
