"""Output of `nox --help` and `nox help`."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from nox_cli.commandline.registry import COMMANDS, TOPICS
from nox_cli.render.terminal.columns import GAP, aligned, pad

if TYPE_CHECKING:
    from nox_cli.commands.help import Help
    from nox_cli.render.terminal.out import Out

# Two a line, as a person meets them.
EVERYDAY = (
    "submit", "run", "watch", "results", "status", "list",
    "fetch", "logs", "explain", "retry", "cancel", "wait",
)  # fmt: skip
OTHERS = {
    "Queue": ("top", "hold", "release", "set", "push", "clean"),
    "Results": ("open", "plot", "cite"),
    "Machines": ("worker", "alloc", "serve", "token", "metrics", "doctor", "config"),
    "Scripts": ("events", "schema", "completion", "version"),
    "More": ("help",),
}
WIDTH = 79
# However narrow a terminal is, texts are as wide as this.
MIN_WIDTH = 38
# The everyday options of submit, and the everyday words for jobs.
OPTIONS = ("--opt [LEVEL]", "--ohess [LEVEL]", "-c CHARGE", "-u UNPAIRED", "--alpb SOLVENT")
JOBS = ("42", "40-45", "benzene", "@last", "@failed", "@batch:NAME")
TITLE = "nox runs xTB calculations: it hands them to workers and returns at once."
BEGIN = "Begin with nox submit caffeine.xyz --opt, then nox watch and nox results."
_LEAST_COLUMN = 24
# A blank at which no line ends.
_BOND = "\xa0"

EXAMPLES = """\
One molecule, on this machine, without a server
    nox submit caffeine.xyz --opt         starts a worker
    nox watch                             q ends the view, not the jobs
    nox results
    nox fetch @last -d optimised

Many molecules, one table
    nox submit conformers/*.xyz --opt tight --batch screen
    nox submit --from @last --hess        frequencies of each optimum
    nox results @batch:screen -o csv > screen.csv
    nox submit radical.xyz -c 1 -u 1      charge +1, one unpaired electron

In a script: ids on stdout, the outcome as exit code
    id=$(nox submit water.xyz) && nox wait "$id" && nox results "$id" -o json
    nox run *.xyz --opt -d results        no worker; a second run continues

Many machines
    export REDIS_URL=redis://head-node:6379/0
    nox worker                            on every machine that shall run jobs
    nox submit *.xyz --opt
"""

ORDER = """\
The first of these that has a setting decides: options, variables, .nox.toml in this directory or above, \
your own config.toml, the site's nox/config.toml under /etc.  A .nox.toml is read only if you own it and \
no other user can write it; it cannot choose the store.  To see what is in force: nox config show"""


SELECTORS = """\
Several words name the jobs of each.  Numbers and whole ids come before names: name:42 is the job of the \
name 42.  Groups, names, tags and batches are of your own jobs only.  Every state that nox help states lists \
has a group, such as @held."""
SELECTING = """\
    nox status benzene                    one job
    nox results screen                    a batch
    nox list @failed --since 2d           failed ones of the last two days
    nox retry @failed:scf @failed:timeout
    nox cancel 40-45 name:conf_*
    nox clean @batch:old tag:set=test
    nox list -q tag:set=a | nox fetch -   what another command found
"""


def overview(width: int) -> str:
    """Write what `nox --help` shows: the commands, so that they fit a terminal of that width."""
    if width <= WIDTH:
        return _narrow_overview(width - 1)
    pairs = zip(EVERYDAY[::2], EVERYDAY[1::2], strict=True)
    rows = [(left, COMMANDS[left], right, COMMANDS[right]) for left, right in pairs]
    groups = [f"{title}: {' '.join(names)}" for title, names in OTHERS.items()]
    others = fill("   ".join(group.replace(" ", _BOND) for group in groups), WIDTH).replace(_BOND, " ")
    return "\n".join(
        [
            TITLE,
            BEGIN,
            "",
            *(f"  {line}" for line in aligned(rows)),
            others,
            "",
            f"Options: {GAP.join(OPTIONS)}",
            f"Jobs:    {GAP.join(JOBS)}  (nox help selectors)",
            "Examples: nox help examples      everything: nox help --all, nox COMMAND --help",
            "",
        ]
    )


def _narrow_overview(width: int) -> str:
    lines = [
        *(f"{title}: {' '.join(names)}" for title, names in OTHERS.items()),
        f"Options: {', '.join(option.replace(' ', _BOND) for option in OPTIONS)}",
        f"Jobs: {', '.join(JOBS)} (nox help selectors)",
        "Everything: nox help --all",
        "Examples: nox help examples",
    ]
    commands = _described({name: COMMANDS[name] for name in EVERYDAY}, width)
    folded = "\n".join(fill(line, width, subsequent_indent=GAP) for line in lines)
    return f"{fill(f'{TITLE}  {BEGIN}', width)}\n\n{commands}{folded}\n".replace(_BOND, " ")


def text(result: Help, out: Out) -> None:
    """Write a topic, a command's help, everything, or the overview."""
    if result.of_command:
        out.write(result.of_command + "\n")
    elif result.everything:
        out.write(_everything(_width(out)))
    elif result.topic:
        out.write(_WRITERS[result.topic](_width(out)))
    else:
        out.write(overview(out.width))


def _width(out: Out) -> int:
    return max(MIN_WIDTH, min(WIDTH, out.width - 1))


def _everything(width: int) -> str:
    commands = _described(COMMANDS, width)
    topics = _described({f"help {name}": means for name, means in TOPICS.items()}, width)
    return f"Commands (each: nox COMMAND --help)\n{commands}\nTopics\n{topics}"


def _exit_codes(width: int) -> str:
    from nox_cli.exits import MEANINGS

    return _described({str(int(code)): means for code, means in MEANINGS.items()}, width)


def _environment(width: int) -> str:
    from nox_cli.config.settings import KEYS, VARIABLES

    variables = {key.variable: key.means for key in KEYS if key.variable} | VARIABLES
    files = {key.name: key.means for key in KEYS}
    return (
        f"Variables\n{_described(variables, width)}\n"
        f'Settings in files, as in autostart = "never"\n{_described(files, width)}\n{fill(ORDER, width)}\n'
    )


def _states(width: int) -> str:
    from nox_cli.render.jobs import MEANINGS

    if width < WIDTH:
        return _described({f"{state} ({state.public})": means for state, means in MEANINGS.items()}, width)
    rows = [(state, state.public, means) for state, means in MEANINGS.items()]
    return "\n".join([*aligned([("state", "in --json", ""), *rows]), ""])


def _selectors(width: int) -> str:
    from nox_cli.selectors.words import FORMS

    return f"{_described(dict(FORMS), width)}\n{fill(SELECTORS, width)}\n\nExamples\n{SELECTING}"


def _examples(width: int) -> str:  # noqa: ARG001
    return EXAMPLES


_WRITERS = {
    "selectors": _selectors,
    "examples": _examples,
    "states": _states,
    "environment": _environment,
    "exit-codes": _exit_codes,
}


def _described(meanings: dict[str, str], width: int) -> str:
    """Write names and their meanings in two columns, or each meaning below its name if there is no room."""
    column = max(map(len, meanings)) + 2 * len(GAP)
    is_narrow = width - column < _LEAST_COLUMN
    indent = 3 * GAP if is_narrow else " " * column
    return "".join(
        (f"{GAP}{name}\n" if is_narrow else "")
        + fill(
            means,
            width,
            initial_indent=indent if is_narrow else f"{GAP}{pad(name, column - 2 * len(GAP))}{GAP}",
            subsequent_indent=indent,
        )
        + "\n"
        for name, means in meanings.items()
    )
