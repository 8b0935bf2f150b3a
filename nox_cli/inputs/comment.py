"""Structures as files give them, and the comment lines of extended xyz: charge, spin, cell and columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from workers.spec import Lattice, Vector

# `re` compiles these when they are first needed: most comments have nothing for them.
# A pair starts after a blank only: else a long comment would be searched again from each letter.
_PAIR = r"""(?<!\S)([A-Za-z_][\w.-]*)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|\{[^{}]*\}|\[[^\[\]]*\]|\S+)"""
# Other names of the keys that nox reads, which may have `:` for `=`; their values must be whole numbers.
_ALIASES = {"chrg": "charge", "q": "charge", "mult": "multiplicity"}
_WITH_COLON = r"(?i)(?<!\S)(charge|chrg|q|multiplicity|mult|uhf|unpaired)[ \t]*:[ \t]*([^\s,;]+)"
# Words that seem to be about charge or spin: as keys, or alone before a number.
_SIMILAR = r"charge|chrg|chg|q|multiplicity|mult|n?uhf|unpaired|spin"
_SIMILAR_KEY = rf"(?i)(?:[a-z]+[_.-]|[a-z]+(?=charge))?(?:{_SIMILAR})(?:_?tot(?:al)?)?"
_SIMILAR_WORD = (
    rf"(?i)(?<![\w.:=-])(?:[a-z]{{1,12}}_|(?:net|total|formal)(?=charge))?({_SIMILAR})s?"
    r"(?:[ \t]{1,8}(?:electrons?|state|is|of)){0,2}"
    r"[ \t]{0,8}[\"']?(?:[(\[][a-z]{1,8}[)\]])?[ \t]{0,8}"
    r"(?:[:=]|(?:->|[,(\[{])?[ \t]{0,8}[+\u2212\u2013-]?\.?\d)"
)
_QUICK = re.compile(r"=|charge|ch?rg|chg|q[\s:(\[]|mult|uhf|unpaired|spin", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d{1,6}(?:\.0*)?", re.ASCII)
_COLUMNS = r"(?a)(?:[^:\s]+:[RISL]:[1-9]\d{0,2})(?::[^:\s]+:[RISL]:[1-9]\d{0,2})*"
_READ = {"charge", "multiplicity", "uhf", "unpaired", "spin", "lattice", "pbc", "properties"}
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_FALSE, _TRUE = {"f", "false", "0"}, {"t", "true", "1"}
_AXES = 3
_NOTHING = {"0", "0.0"}
MAX_CHARGE = 1_000
EXTXYZ = "extxyz comment"
PERIODIC = "the structure is periodic, and nox reads cells from POSCAR and extended xyz only"
CONVERT = "convert the crystal to one of them"


class CommentFault(Exception):
    """Raised when a comment contradicts itself or cannot be used.  `column` counts from 1."""

    def __init__(self, column: int, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.column = column
        self.what = what
        self.hint = hint


class Columns(NamedTuple):
    """The columns of an atom's symbol and of its first coordinate, counted from 0."""

    symbol: int = 0
    position: int = 1
    total: int | None = None  # None: further columns may follow, and are not read


class Comment(NamedTuple):
    """The content of a comment, or of its counterpart in another format; None: it has no such value."""

    charge: int | None = None
    unpaired: int | None = None
    unclear: str = ""  # why the spin is ambiguous; empty: it is not
    columns: Columns = Columns()
    origin: str = EXTXYZ  # the name of the source, for messages and for the record
    lattice_angstrom: Lattice | None = None  # the cell's vectors, all three periodic; None: a molecule
    unread: tuple[str, ...] = ()  # words that seem to be about charge or spin, and were not understood


PLAIN = Comment()


class Frame(NamedTuple):
    """One structure of an input file, whatever its format."""

    symbols: tuple[str, ...]
    positions_angstrom: tuple[Vector, ...]  # shape (atoms, 3)
    comment: Comment
    line: int = 1  # its first line in the file, counted from 1
    name: str = ""  # the title that the file gives it
    warnings: tuple[str, ...] = ()  # choices that the reader made where the file is ambiguous
    lattice_angstrom: Lattice | None = None  # the cell's vectors as rows; None: a molecule


def read_comment(line: str) -> Comment:
    """Read a comment line: the `key=value` pairs that nox knows, and pairs such as `charge: 1`.

    Raises:
        CommentFault: a pair is malformed or contradicts another, or the cell is not periodic along all three
            vectors.
    """
    if not _QUICK.search(line):
        return PLAIN
    pairs, unread = _pairs(line)
    if not pairs and not unread:
        return PLAIN
    return Comment(
        _whole(pairs, "charge", -MAX_CHARGE),
        _unpaired(pairs),
        _unclear(pairs),
        _columns(pairs),
        lattice_angstrom=_lattice(pairs),
        unread=tuple(dict.fromkeys(unread)),
    )


def _pairs(line: str) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Collect the pairs that nox reads (key -> column, value), and similar words that it does not."""
    found: dict[str, tuple[int, str]] = {}
    unread: list[str] = []

    def take(match: re.Match[str]) -> str:
        """Record a pair, and replace it by blanks."""
        key, value = match[1].lower(), match[2].strip("\"'{}[],;").strip()
        if match.re.pattern == _WITH_COLON or key in _ALIASES:
            if not _WHOLE.fullmatch(value):
                unread.append(key)
                return " " * len(match[0])
            key = _ALIASES.get(key, key)
        if key in _READ:
            if found.get(key, (0, value))[1] != value:
                raise CommentFault(match.start() + 1, f"{key} is said twice, and differently")
            found[key] = match.start() + 1, value
        elif re.fullmatch(_SIMILAR_KEY, key):
            unread.append(key)
        elif match[2][:1] not in "\"'{[":
            return match[0]
        return " " * len(match[0])

    rest = re.sub(_WITH_COLON, take, re.sub(_PAIR, take, line))
    unread += (match[1].lower() for match in re.finditer(_SIMILAR_WORD, rest))
    return found, unread


def _whole(pairs: dict[str, tuple[int, str]], key: str, least: int) -> int | None:
    if key not in pairs:
        return None
    column, text = pairs[key]
    if not _WHOLE.fullmatch(text) or not least <= int(float(text)) <= MAX_CHARGE:
        raise CommentFault(column, f"{key}={text} is not a whole number from {least} to {MAX_CHARGE:,}")
    return int(float(text))


def _unpaired(pairs: dict[str, tuple[int, str]]) -> int | None:
    """Read the number of unpaired electrons from any of its keys."""
    multiplicity = _whole(pairs, "multiplicity", 1)
    said = {
        "multiplicity": None if multiplicity is None else multiplicity - 1,
        "uhf": _whole(pairs, "uhf", 0),
        "unpaired": _whole(pairs, "unpaired", 0),
    }
    keys = [key for key, value in said.items() if value is not None]
    if len({said[key] for key in keys}) > 1:
        raise CommentFault(pairs[keys[1]][0], f"{keys[0]}= and {keys[1]}= contradict each other")
    if keys:
        return said[keys[0]]
    return 0 if "spin" in pairs and pairs["spin"][1] in _NOTHING else None


def _unclear(pairs: dict[str, tuple[int, str]]) -> str:
    """Explain why `spin=` is ambiguous; 0 is not, since every program means the same."""
    if "spin" not in pairs or pairs["spin"][1] in _NOTHING:
        return ""
    return (
        f"spin={pairs['spin'][1][:20]} means the unpaired electrons to some programs, "
        "the multiplicity to others"
    )


def _lattice(pairs: dict[str, tuple[int, str]]) -> Lattice | None:
    """Read the cell of a crystal; in extended xyz a `Lattice=` alone makes one."""
    periodic = _periodic_axes(*pairs["pbc"]) if "pbc" in pairs else [True] * _AXES * ("lattice" in pairs)
    if not any(periodic):
        return None
    if not all(periodic):
        # For tblite any periodic axis means all three: a slab would silently be computed as a crystal.
        raise CommentFault(
            pairs["pbc"][0],
            "a cell that is periodic along some of its vectors only cannot be computed",
            'leave a gap along the others and write pbc="T T T", or pbc="F F F" for a molecule',
        )
    if "lattice" not in pairs:
        raise CommentFault(pairs["pbc"][0], "pbc= says a crystal, and there is no Lattice=", _LATTICE_HINT)
    column, text = pairs["lattice"]
    words = text.split()
    odd = next((word for word in words if not NUMBER.fullmatch(word)), None)
    if odd is not None:
        raise CommentFault(column, f'Lattice=: "{odd[:20]}" is not a number', _LATTICE_HINT)
    if len(words) != _AXES**2:
        raise CommentFault(column, f"Lattice= has {len(words)} numbers, not 9", _LATTICE_HINT)
    ax, ay, az, bx, by, bz, cx, cy, cz = map(float, words)
    return (ax, ay, az), (bx, by, bz), (cx, cy, cz)


def _periodic_axes(column: int, text: str) -> list[bool]:
    words = text.lower().replace(",", " ").split()
    if len(words) not in {1, _AXES} or not set(words) <= _TRUE | _FALSE:
        raise CommentFault(column, f"pbc={text[:20]} is not three of T and F", 'write pbc="T T T" or "F F F"')
    return [word in _TRUE for word in words] * (_AXES // len(words))


def several_radicals(count: int) -> str:
    """Explain why the spin of `count` radical atoms is ambiguous; empty: it is not."""
    return f"{count} radical atoms may be coupled in more than one way" if count > 1 else ""


def _columns(pairs: dict[str, tuple[int, str]]) -> Columns:
    if "properties" not in pairs:
        return Columns()
    column, text = pairs["properties"]
    if not re.fullmatch(_COLUMNS, text):
        raise CommentFault(column, "Properties= is not a list of NAME:KIND:COLUMNS", _PROPERTIES_HINT)
    words = text.split(":")
    places: dict[str, int] = {}
    at = 0
    for name, kind, width in zip(words[::3], words[1::3], words[2::3], strict=True):
        places[f"{name.lower()}:{kind}:{width}"] = at
        at += int(width)
    if "species:S:1" not in places or "pos:R:3" not in places:
        raise CommentFault(column, "Properties= names no species:S:1 or no pos:R:3", _PROPERTIES_HINT)
    return Columns(places["species:S:1"], places["pos:R:3"], at)


_LATTICE_HINT = 'the three vectors in Å: Lattice="ax ay az bx by bz cx cy cz"'
_PROPERTIES_HINT = "for example: Properties=species:S:1:pos:R:3"
