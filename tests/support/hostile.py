"""Texts that an attacker would choose as names: markup, shell words, and letters that mislead readers."""

from __future__ import annotations

# Each would leave the attribute or the file `hacked` if anything took it for more than text.
MARKUP = (
    "<img src=x onerror=document.body.dataset.hacked=1>",
    "</script><script>document.body.dataset.hacked=1</script>",
    '" autofocus onfocus=document.body.dataset.hacked=1 x="\'',
    "javascript:document.body.dataset.hacked=1",
    "<iframe srcdoc='<script>parent.document.body.dataset.hacked=1</script>'>",
)
SHELL = (
    "$(touch hacked)",
    "`touch hacked`",
    "'; touch hacked; '",
    '"; touch hacked; "',
    "a && touch hacked",
    "a\\",
    "*?[a]~!!{b,c}#d",
    "-o/--output=hacked",
    "=ls",
    "a=b",
    "%d%s%%",
)
LETTERS = (
    "\u202egnp.exe",  # writes from right to left
    "\U0001f9ea benzène 苯",
    "-\u200bzero\u2066width",
    "x" * 255,
    " two  blanks ",
)
# A terminal obeys these as they are pasted: none gets them as they are.
CONTROLS = ("a\ntouch hacked", "a\rtouch hacked", "\x1b]0;t\x07\x1b[2J", "\x03\x04\x16\x7f", "\t", "\n\na")

TEXTS = (*MARKUP, *SHELL, *LETTERS, *CONTROLS)
