"""Options after `--` and input files that are passed unchanged to the xtb program.

Both are lists of what is allowed.  Options that name a file or start another program could reach out of the
job's directory.  The kind of calculation, the method, the charge and limits have options of nox, so that the
record shows what was computed.  Directions along the axes of the input would be wrong, because nox turns the
structure (`workers.engine.rotated_frame`).

Pure Python, quick to import: the command line checks before it stores, and the engine process checks again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from workers.engine.molecule.solvents import spelled
from workers.errors import InputRefused
from workers.names import MAX_PROGRAM_INPUT_BYTES, MAX_PROGRAM_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SOLVENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", re.ASCII)
# Options for a solvent, and the values with which the program computes in the gas phase.
_SOLVATIONS = {
    "--cosmo": "cosmo",
    "--tmcosmo": "tmcosmo",
    "--cpcmx": "cpcmx",
    "--alpb": "alpb",
    "--gbsa": "gbsa",
    "-g": "gbsa",
}
_NO_SOLVENTS = frozenset({"none", "gas", "vac"})
# option -> what its value looks like; None: it has none
OPTIONS: dict[str, re.Pattern[str] | None] = {
    "--pop": None,
    "--wbo": None,
    "--dipole": None,
    "--alpha": None,
    "--lmo": None,
    "--verbose": None,
    "--strict": None,
    "--norestart": None,
    "--cosmo": _SOLVENT,
}
# Options of the program's that nox has too, and how it spells them.
_OURS = {
    "--gfn": "--gfn",
    "--gfnff": "--gfnff",
    "--gff": "--gfnff",
    "-c": "-c",
    "--chrg": "--chrg",
    "-u": "-u",
    "--uhf": "--uhf",
    "-a": "--acc",
    "--acc": "--acc",
    "--etemp": "--etemp",
    "--temp": "--etemp",
    "--iterations": "--iterations",
    "--maxiterations": "--iterations",
    "--cycles": "--cycles",
    "--alpb": "--alpb",
    "-g": "--gbsa",
    "--gbsa": "--gbsa",
    "--spinpol": "--spinpol",
    "-I": "--input",
    "--input": "--input",
    "-P": "--cores",
    "--parallel": "--cores",
    "--scc": "--sp",
    "--sp": "--sp",
    "--grad": "--grad",
    "-o": "--opt",
    "--opt": "--opt",
    "--hess": "--hess",
    "--ohess": "--ohess",
    "--bhess": "--bhess",
}

_TEXT = re.compile(r"[\t\r\n -~]*", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9 ,.:+*-]*", re.ASCII)
_SECTIONS: dict[str, frozenset[str]] = {
    "constrain": frozenset(
        {"force constant", "all bonds", "all angles", "atoms", "elements", "distance", "angle", "dihedral"}
    ),
    "fix": frozenset({"atoms", "elements"}),
    "opt": frozenset(
        {"engine", "microcycle", "hlow", "hmax", "s6", "kstretch", "kbend", "ktorsion", "koutofp", "kvdw",
         "kes", "rcut", "maxdispl", "exact rf", "average conv"}
    ),
    "scc": frozenset({"broydamp", "guess"}),
    "wall": frozenset({"potential", "alpha", "beta", "temp", "autoscale", "sphere"}),
}  # fmt: skip
# The options of nox for these, by section and key; * is all of a section.
_SAID = {
    ("chrg", "*"): "-c CHARGE",
    ("charge", "*"): "-c CHARGE",
    ("spin", "*"): "-u N",
    ("gfn", "method"): "--gfn or --gfnff",
    ("gbsa", "*"): "--gbsa or --alpb SOLVENT",
    ("opt", "optlevel"): "--opt LEVEL",
    ("opt", "maxcycle"): "--cycles N",
    ("scc", "temp"): "--etemp K",
    ("scc", "maxiterations"): "--iterations N",
    ("thermo", "*"): "--temp K and --pressure P",
    ("wall", "ellipsoid"): "a sphere: nox turns the structure, so nothing may lie along its axes",
}


def check_options(words: Sequence[str], solvation: str | None = None) -> None:
    """Refuse options that may not be handed to the program.

    Args:
        words: the options and their values.
        solvation: the model of solvation that nox itself asks for; None: there is none.

    Raises:
        InputRefused: there is one, a word that belongs to none, or a second model of solvation.
    """
    if len(words) > MAX_PROGRAM_OPTIONS:
        raise InputRefused(f"more than {MAX_PROGRAM_OPTIONS} words after --")
    rest = list(words)
    while rest:
        option = rest.pop(0)
        if option not in OPTIONS:
            raise _refused_option(option)
        value = OPTIONS[option]
        if value is None:
            continue
        if not rest or not value.fullmatch(rest[0]):
            raise InputRefused(f"{option} after -- wants a value", hint=f"for example {option} water")
        if rest[0].lower() in _NO_SOLVENTS:
            raise InputRefused(
                f"{option} {rest[0]} is no solvent", hint=f"leave {option} out for the gas phase"
            )
        if solvation is not None or option in rest:  # the program would take one of them
            other = option if solvation is None else f"--{solvation}"
            raise InputRefused(
                f"{other} and {option} after -- contradict each other", hint="name one solvent"
            )
        rest.pop(0)


class PassedOn(NamedTuple):
    """The properties of a calculation that follow from options and input file for the xtb program."""

    solvation: str = ""  # the model, as `cosmo`; empty: they say none
    solvent: str = ""
    rest: tuple[str, ...] = ()  # options that change no energy, as `--pop`
    own: tuple[str, ...] = ()  # what nox cannot interpret: options, and sections of the input file


_NOTHING = PassedOn()


def interpreted(options: Sequence[str], text: str) -> PassedOn:
    """Interpret what was passed on to the program, which takes the first option for a solvent."""
    if not options and not text:
        return _NOTHING
    solvation = solvent = ""
    rest: list[str] = []
    own: list[str] = []
    words = iter(options)
    for word in words:
        if word in _SOLVATIONS:
            value = spelled(next(words, ""))
            if value and value not in _NO_SOLVENTS and not solvation:
                solvation, solvent = _SOLVATIONS[word], value
        else:
            (rest if word in OPTIONS else own).append(word)
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    sections = (line[1:].strip() for line in lines if line.startswith("$"))
    own += dict.fromkeys(f"${name}" for name in sections if name != "end" and name not in _SECTIONS)
    return PassedOn(solvation, solvent, tuple(rest), tuple(own))


def _refused_option(word: str) -> InputRefused:
    shown = _shown(word)
    ours = _OURS.get(word)
    if ours is not None:
        return InputRefused(f"{shown} is no option to hand to xtb", hint=f"{ours} of nox's own, before --")
    allowed = ", ".join(f"{name} VALUE" if value else name for name, value in OPTIONS.items())
    return InputRefused(f"{shown} may not be handed to xtb", hint=f"after -- stand {allowed}")


def check_input(text: str) -> None:
    """Refuse an input file that may not be handed to the program.

    Raises:
        InputRefused: it is too large, or has a section or key that is not allowed; it names the line.
    """
    if len(text) > MAX_PROGRAM_INPUT_BYTES:
        raise InputRefused(f"larger than {MAX_PROGRAM_INPUT_BYTES // 1024} KiB")
    if not _TEXT.fullmatch(text):
        raise InputRefused("an input of the xtb program's is plain ASCII text")
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].strip()
        if words.startswith("$"):
            section = _section(words[1:].strip(), number)
        elif words:
            _check_line(section, words, number)


def _section(name: str, line: int) -> str:
    """Read the beginning or the end of a section.

    Raises:
        InputRefused: it is not allowed.
    """
    if name == "end" or name in _SECTIONS:
        return "" if name == "end" else name
    said = _SAID.get((name.split(" ", maxsplit=1)[0].partition("=")[0], "*"))
    raise _refused_line(f"${name}", line, said, f"sections are ${', $'.join(_SECTIONS)}")


def _check_line(section: str, words: str, line: int) -> None:
    """Read one line of a section.

    Raises:
        InputRefused: it is not allowed.
    """
    if not section:
        raise InputRefused(f"line {line}: {_shown(words)} stands in no section", hint="begin one: $constrain")
    key, value = (*re.split(r"[:=]", words, maxsplit=1), "")[:2]
    key = " ".join(key.split())
    if key not in _SECTIONS[section]:
        known = f"${section} has {', '.join(sorted(_SECTIONS[section]))}"
        raise _refused_line(f"{key} of ${section}", line, _SAID.get((section, key)), known)
    if not _WORD.fullmatch(value):
        raise InputRefused(
            f"line {line}: {_shown(value)} is no value", hint="numbers, words and lists of them"
        )


def _refused_line(what: str, line: int, said: str | None, known: str) -> InputRefused:
    hint = f"use {said}" if said else known
    return InputRefused(f"line {line}: {_shown(what)} may not be handed to xtb", hint=hint)


def _shown(text: str) -> str:
    return text if len(text) <= 40 and text.isprintable() else ascii(text[:40])  # noqa: PLR2004
