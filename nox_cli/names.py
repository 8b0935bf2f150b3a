"""Names and tags of jobs: printable text, which selectors match and of which file names are made."""

from __future__ import annotations

import re
import unicodedata

from workers.errors import InputRefused, UsageError

MAX_NAME_BYTES = 255
MAX_TAGS = 16
# Terminals draw more combining marks than this on one letter over the lines around it.
_MAX_MARKS = 4
_NAME_RULE = (
    "a name has 1 to 255 bytes of printable text, no slash, no dash or blank in front, no blank at the end"
)
_PORTS = {f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10)}
_DEVICES = {"con", "prn", "aux", "nul", *_PORTS}
_TAG_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def job_name(text: str, what: str = "name") -> str:
    """Check a name of a job or a batch.

    Raises:
        InputRefused: it could be mistaken for an option or a path, or cannot be printed.
    """
    fault = _name_fault(text)
    if fault:
        raise InputRefused(f"the {what} {fault}", hint=_NAME_RULE)
    return text


def printable(text: str, what: str, *, did: str = "") -> None:
    """Check a text that is printed but is no name of a job; it may be empty.

    Raises:
        InputRefused: it cannot be printed, or is too long.
    """
    fault = _text_fault(text)
    if fault:
        rule = f"it has at most {MAX_NAME_BYTES} bytes of printable text"
        raise InputRefused(f"the {what} {fault}", did=did, hint=rule)


def name_from(stem: str) -> str:
    """Make a valid name out of a file name: `_` replaces characters that a name cannot have."""
    text = "".join(char if char.isprintable() and char != "/" else "_" for char in stem)
    if _has_bomb(text):
        text = "".join(char if char.isascii() else "_" for char in text)
    text = _cut(text)
    if text.startswith("-"):
        return "_" + text[1:]
    return _cut("_" + text) if _name_fault(text) else text


def _cut(text: str) -> str:
    return text.strip().encode()[:MAX_NAME_BYTES].decode(errors="ignore").rstrip()


def _name_fault(text: str) -> str:
    """Return what is wrong with a name; empty: nothing."""
    if not text:
        return "is empty"
    return _text_fault(text) or _path_fault(text)


def _text_fault(text: str) -> str:
    if not text.isprintable():
        return f"has a character that cannot be printed: {ascii(text)[1:-1][:80]}"
    if len(text.encode()) > MAX_NAME_BYTES:
        return f"has {len(text.encode())} bytes, more than {MAX_NAME_BYTES}"
    return "piles marks upon a letter" if _has_bomb(text) else ""


def _path_fault(text: str) -> str:
    if "/" in text or text in {".", ".."}:
        return f'"{text}" is a path'
    if text.startswith("-"):
        return f'"{text}" starts with a dash, as options do'
    if text != text.strip():
        return f'"{text}" starts or ends with a blank'
    if text.split(".", 1)[0].lower() in _DEVICES:
        return f'"{text}" is a device on some file systems'
    return ""


def _has_bomb(text: str) -> bool:
    if text.isascii():
        return False
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"} else 0
        if run > _MAX_MARKS:
            return True
    return False


def tags(words: list[str]) -> dict[str, str]:
    """Read `K=V` words.

    Raises:
        UsageError: a word has no `=`, a key is not a plain word or comes twice, or there are too many.
        InputRefused: a value cannot be printed or is too long.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not _TAG_KEY.fullmatch(key):
            raise UsageError(
                f'"{word}" is not a tag', hint="write KEY=VALUE, the key of letters, digits and _.-"
            )
        if found.get(key, value) != value:
            raise UsageError(f'the tag "{key}" is given twice')
        if not value.isprintable() or len(value.encode()) > MAX_NAME_BYTES:
            raise InputRefused(
                f'the value of tag "{key}" is not 0 to {MAX_NAME_BYTES} bytes of printable text'
            )
        found[key] = value
    if len(found) > MAX_TAGS:
        raise UsageError(f"{len(found)} tags are more than {MAX_TAGS}")
    return found
