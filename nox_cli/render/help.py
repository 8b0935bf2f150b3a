"""What `nox --help` and `nox help` show."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from nox_cli.commandline.registry import COMMANDS, TOPICS
from nox_cli.render.terminal.table import GAP, aligned, pad

if TYPE_CHECKING:
    from nox_cli.commands.help import Help
    from nox_cli.render.terminal.out import Out

# Two a line, as a person meets them.
EVERYDAY = ("submit", "run", "watch", "results", "status", "fetch", "list", "logs", "wait", "cancel")
OTHERS = {
    "Queue": ("explain", "hold", "release", "retry", "set", "push", "clean"),
    "Machines": ("worker", "metrics", "doctor", "config"),
    "Scripts": ("events", "cite", "schema", "completion", "version"),
    "More": ("help",),
}
WIDTH = 79
# A blank at which no line ends.
_BOND = "\xa0"

EXAMPLES = """\
One molecule, here, with no server
    nox submit caffeine.xyz --opt         a worker starts by itself
    nox watch                             Ctrl-C ends the view, not the job
    nox results
    nox fetch @last -d optimised

Many molecules, one table
    nox submit conformers/*.xyz --opt tight --batch screen
    nox submit --from @last --hess        frequencies, each as it is optimised
    nox results @batch:screen -o csv > screen.csv
    nox submit radical.xyz -c 1 -u 1      charge +1, one unpaired electron

In a script: one id a line, the exit code tells
    id=$(nox submit water.xyz) && nox wait "$id" && nox results "$id" -o json
    nox run *.xyz --opt -d results        no worker needed; a second run goes on

Many machines
    export REDIS_URL=redis://head-node:6379/0
    nox worker                            on each machine, as many as you like
    nox submit *.xyz --opt
"""

ORDER = """\
A flag wins over a variable, a variable over .nox.toml here or above, that over config.toml of your own, and \
that over the site's nox/config.toml under /etc.  A .nox.toml counts only if it is yours and nobody else may \
write it; it names no store.  What is in force, and from where: nox config show"""


def overview() -> str:
    """Write what `nox --help` shows: the commands, drawn so that they fit one glance."""
    pairs = zip(EVERYDAY[::2], EVERYDAY[1::2], strict=True)
    rows = [(left, COMMANDS[left], right, COMMANDS[right]) for left, right in pairs]
    groups = [f"{title}: {' '.join(names)}" for title, names in OTHERS.items()]
    others = fill("   ".join(group.replace(" ", _BOND) for group in groups), WIDTH).replace(_BOND, " ")
    return "\n".join(
        [
            "nox hands xTB calculations to workers and returns at once.",
            "",
            *(f"  {line}" for line in aligned(rows)),
            others,
            "Everyday options:  --opt [LEVEL]  -c CHARGE  -u UNPAIRED",
            "Everything: nox help --all                     examples: nox help examples",
            "",
        ]
    )


def text(result: Help, out: Out) -> None:
    """Write a topic, a command's help, everything, or the overview."""
    if result.of_command:
        out.write(result.of_command + "\n")
    elif result.everything:
        out.write(_everything())
    elif result.topic:
        out.write(_WRITERS[result.topic]())
    else:
        out.write(overview())


def _everything() -> str:
    commands = _described(COMMANDS)
    topics = _described({f"help {name}": means for name, means in TOPICS.items()})
    return f"Commands (each: nox COMMAND --help)\n{commands}\nTopics\n{topics}"


def _exit_codes() -> str:
    from nox_cli.exits import MEANINGS

    return _described({str(int(code)): means for code, means in MEANINGS.items()})


def _environment() -> str:
    from nox_cli.config.settings import KEYS, VARIABLES

    variables = {key.variable: key.means for key in KEYS if key.variable} | VARIABLES
    files = {key.name: key.means for key in KEYS}
    return (
        f"Variables\n{_described(variables)}\n"
        f'Settings in files, as in autostart = "never"\n{_described(files)}\n{fill(ORDER, WIDTH)}\n'
    )


def _states() -> str:
    from nox_cli.render.states import MEANINGS

    rows = [(state, state.public, means) for state, means in MEANINGS.items()]
    return "\n".join([*aligned([("state", "in --json", ""), *rows]), ""])


def _examples() -> str:
    return EXAMPLES


_WRITERS = {
    "exit-codes": _exit_codes,
    "examples": _examples,
    "environment": _environment,
    "states": _states,
}


def _described(meanings: dict[str, str]) -> str:
    """Lay names and their meanings out in two columns, the second folded."""
    column = max(map(len, meanings))
    indent = " " * (column + 2 * len(GAP))
    return "".join(
        fill(means, WIDTH, initial_indent=GAP + pad(name, column) + GAP, subsequent_indent=indent) + "\n"
        for name, means in meanings.items()
    )
