"""Command lines that nox cannot read, and what was meant: words and options of other programs among them.

Loaded when there is such a mistake, and not before.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, cast

from nox_cli.argv import ALIASES
from nox_cli.commandline.examples import EXAMPLES
from nox_cli.text import nearest
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typer import Context
    from typer.exceptions import TyperException

    from nox_cli.argv import Call
    from nox_cli.commandline.context import Command, Parameter

ALL = "nox help lists all"
# Words of other programs that end or remove jobs: nox only names its own command for it.
_CANCEL, _CLEAN = "{cancel} stops jobs", "{clean} removes ended jobs, {cancel} stops others"
DESTRUCTIVE = {
    **dict.fromkeys(("kill", "scancel", "stop", "abort", "bkill", "qdel"), _CANCEL),
    **dict.fromkeys(("rm", "del", "delete", "remove", "purge", "prune"), _CLEAN),
}
# Other words -> what does it in nox; the words after it follow.
HABITS = {
    **dict.fromkeys(("sbatch", "qsub", "bsub", "add", "new", "create", "enqueue"), "submit"),
    **dict.fromkeys(("srun", "exec", "calc", "xtb"), "run"),
    "opt": "submit --opt",
    "optimize": "submit --opt",
    "optimise": "submit --opt",
    "freq": "submit --ohess",
    "hess": "submit --hess",
    **dict.fromkeys(("jobs", "qstat", "bjobs", "sacct", "history"), "list"),
    **dict.fromkeys(("info", "describe", "inspect", "scontrol", "view", "stat"), "status"),
    **dict.fromkeys(("log", "output", "attach"), "logs"),
    **dict.fromkeys(("tail", "follow"), "logs --follow"),
    **dict.fromkeys(("start", "work", "daemon"), "worker"),
    **dict.fromkeys(("workers", "sinfo", "nodes"), "worker list"),
    **dict.fromkeys(("rerun", "restart", "resubmit", "requeue"), "retry"),
    **dict.fromkeys(("suspend", "pause"), "hold"),
    **dict.fromkeys(("resume", "unhold", "continue"), "release"),
    **dict.fromkeys(("edit", "update", "modify", "alter"), "set"),
    **dict.fromkeys(("result", "energy", "energies", "table", "summary"), "results"),
    "export": "results -o csv",
    **dict.fromkeys(("get", "download", "copy", "cp", "files"), "fetch"),
    **dict.fromkeys(("why", "debug"), "explain"),
    "monitor": "watch",
    "cleanup": "clean",
    **dict.fromkeys(("server", "api", "web"), "serve"),
    **dict.fromkeys(("settings", "env"), "config show"),
    **dict.fromkeys(("check", "diagnose", "test"), "doctor"),
    **dict.fromkeys(("man", "usage", "commands"), "help"),
    **{topic: f"help {topic}" for topic in ("examples", "selectors", "environment", "states")},
}
# Options of other programs -> those of nox; the first that the command has is meant.
OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--charge", "-q", "--chg"), ("--chrg",)),
    **dict.fromkeys(("--unpaired", "--nopen", "--spin"), ("--uhf",)),
    **dict.fromkeys(("--multiplicity", "-m"), ("--mult",)),
    **dict.fromkeys(("--method", "--level", "--theory", "--gfn-2"), ("--gfn",)),
    **dict.fromkeys(("--solvent", "--solv", "--solvation"), ("--alpb",)),
    "-s": ("--alpb", "--state"),
    **dict.fromkeys(("--optimize", "--optimise", "--geo-opt", "--geoopt"), ("--opt",)),
    **dict.fromkeys(("--freq", "--frequencies", "--optfreq", "--vib"), ("--ohess",)),
    "--hessian": ("--hess",),
    **dict.fromkeys(("--scc", "--singlepoint", "--energy"), ("--sp",)),
    **dict.fromkeys(("--gradient", "--forces"), ("--grad",)),
    "--temperature": ("--temp", "--etemp"),
    "--accuracy": ("--acc",),
    **dict.fromkeys(("--maxiter", "--max-iter", "--scfcycles"), ("--iterations",)),
    **dict.fromkeys(("--maxcycle", "--maxcycles", "--steps", "--cycle"), ("--cycles",)),
    **dict.fromkeys(
        (
            "--parallel",
            "-P",
            "--nprocs",
            "--ncpus",
            "--cpus",
            "--cpus-per-task",
            "--threads",
            "-n",
            "-j",
            "--nproc",
        ),
        ("--cores", "--slots", "--limit"),
    ),
    **dict.fromkeys(("--jobs", "--workers", "--max-workers", "--parallelism"), ("--slots", "--cores")),
    **dict.fromkeys(("--mem", "--ram"), ("--memory",)),
    **dict.fromkeys(("--walltime", "--wall-time", "-t"), ("--time", "--timeout", "--time-limit")),
    **dict.fromkeys(("--job-name", "-J", "-N"), ("--name",)),
    **dict.fromkeys(("--dependency", "--depends", "--depend"), ("--after",)),
    **dict.fromkeys(("--label", "--comment"), ("--tag",)),
    **dict.fromkeys(("--status", "--states"), ("--state",)),
    **dict.fromkeys(("--fields", "--cols"), ("--columns",)),
    "--format": ("--output", "--json"),
    **dict.fromkeys(("--output", "-o", "--csv", "--out"), ("--output", "--directory", "--json")),
    **dict.fromkeys(("--outdir", "--dir", "--output-dir"), ("--directory",)),
    **dict.fromkeys(("-u", "--user", "--all-user", "-a", "--any"), ("--all-users", "--any-user", "--all")),
    **dict.fromkeys(("--tail", "-F", "-w"), ("--follow",)),
    **dict.fromkeys(("--older-than", "--days", "--age"), ("--older",)),
    **dict.fromkeys(("--force", "--no-confirm", "-f"), ("--yes", "--force", "--follow")),
    **dict.fromkeys(("-v", "--verbose", "--traceback"), ("--debug",)),
    **dict.fromkeys(("--no-color", "--colour"), ("--color",)),
    **dict.fromkeys(("--top", "--max", "--head"), ("--limit",)),
    **dict.fromkeys(("--kcal", "--units", "--ev"), ("--unit",)),
    **dict.fromkeys(("--rel", "--delta"), ("--relative",)),
}
# Words below `worker`, `token` and `config` -> those of nox.
BELOW = {
    **dict.fromkeys(("ls", "ps", "status"), "list"),
    **dict.fromkeys(("create", "add"), "new"),
    **dict.fromkeys(("rm", "remove", "delete", "del"), "revoke"),
    "get": "show",
    **dict.fromkeys(("edit", "add", "put"), "set"),
}
# Forms of output as other programs call them, and the ends of the names of files.
FORMS = {
    **dict.fromkeys(("xlsx", "xls", "excel"), "csv"),
    **dict.fromkeys(("yaml", "yml"), "json"),
    **dict.fromkeys(("text", "txt", "wide"), "table"),
    "ndjson": "jsonl",
    "markdown": "md",
    "xyz": "extxyz",
}
# The end of a file that a user wants to calculate.
_STRUCTURE = re.compile(r"\.(xyz|extxyz|mol|sdf|pdb|coord|gen|smi|cif|poscar|vasp|json|inp|gjf|com)(\.gz)?$")
_EVERYWHERE = ("--local", "--debug", "--color", "--help")
_MOST_WORDS = 12
# Options of other programs that take a value in the next word.
_VALUED = frozenset({"-u", "-s", "-n", "-t", "-p", "-w", "-q", "--user", "--state", "--signal", "--name"})
_KINDS = {"int": "whole number", "float": "number"}
_CHOICE = re.compile(r"'(.*)' is not one of '(.*)'\.?", re.DOTALL)
_NUMBER = re.compile(r"('.*') is not a valid (int|float)(?:eger)?(?: range)?\.?", re.DOTALL)
# One number within a word: gfn2, 4cores.
_DIGITS = re.compile(r"[^\d]*(\d{1,6})[^\d]*", re.ASCII)
_RANGE = re.compile(r"is not in the range (-?[\d.e+]+)?(?:<=x<=|x>=|x<=)(-?[\d.e+]+)?\.?")


def no_command(name: str, words: Sequence[str], known: Iterable[str]) -> UsageError:
    """Return the error that there is no such command; its hint has the line that was meant.

    Args:
        name: the word in the place of the command.
        words: those after it.
        known: the commands.
    """
    did = "nothing was done" if name in DESTRUCTIVE else ""
    return UsageError(f"there is no command {name!r}", did=did, hint=_meant(name, words, known))


def _meant(name: str, words: Sequence[str], known: Iterable[str]) -> str:
    if name in DESTRUCTIVE:
        jobs = shlex.join(list(_selectors(words))[:_MOST_WORDS])
        cancel = f"nox cancel {jobs or ('--all' if words else 'SEL')}"
        return DESTRUCTIVE[name].format(cancel=cancel, clean=f"nox clean {jobs or 'SEL'}")
    lowered = name.lower()
    if HABITS.get(lowered) == "logs --follow":
        words = [word for word in words if word != "-f"]
    meant = HABITS.get(lowered) or nearest(lowered, (*known, *ALIASES))
    if not meant and _STRUCTURE.search(lowered):
        meant, words = "submit", (name, *words)
    return (
        f"did you mean nox {' '.join((meant, *map(shlex.quote, words[:_MOST_WORDS])))}?  {ALL}"
        if meant
        else ALL
    )


def _selectors(words: Sequence[str]) -> Iterator[str]:
    """Yield the words that are neither options of another program nor their values."""
    previous = ""
    for word in words:
        if not word.startswith("-") and previous not in _VALUED:
            yield word
        previous = word


def before_command(option: str, words: Sequence[str], known: Iterable[str]) -> UsageError:
    """Return the error that an option is in the place of the command; takes what `no_command` takes."""
    if option in {"-v", "-V"}:
        hint = "did you mean nox --version?"
    elif words and (words[0] in ALIASES or words[0] in known):
        hint = f"options follow the command: nox {shlex.join((words[0], option, *words[1:_MOST_WORDS]))}"
    else:
        hint = _meant(option.strip("-"), words, known)
    return UsageError(f"there is no option {option} before a command", hint=hint)


def usage(error: TyperException, call: Call, command: Command) -> UsageError:
    """Make an error of nox of one of Typer; `command`: the one that was called."""
    path = f"nox {call.command}"
    found = cast("Context | None", getattr(error, "ctx", None))
    context = found or cast("Context", command.context_class(command, info_name=path))
    path = context.command_path
    if hasattr(error, "possibilities"):
        option = str(getattr(error, "option_name", ""))
        return UsageError(f"no such option: {option}", hint=_option_hint(option, context, path))
    said = " ".join(error.format_message().split()).rstrip(".")
    said = f"{said[:1].lower()}{said[1:]}"
    if said.startswith("missing argument"):
        said, _, choices = said.partition(". Choose from: ")
        example = f"for example: {EXAMPLES[path.removeprefix('nox ')][0][0]}"
        return UsageError(said, hint=f"one of {choices}; {example}" if choices else example)
    if said == "missing command" or said.startswith("no such command"):
        return _no_command_below(said, context, path)
    if said.endswith("requires an argument"):
        param = _param(str(getattr(error, "option_name", "")), context)
        return UsageError(said, hint=f"write {_names(param, context)}; {path} --help")
    return _invalid(said, call, path)


def _no_command_below(said: str, context: Context, path: str) -> UsageError:
    """Return the error that a command needs another below it, or has none of that name."""
    below = list(getattr(getattr(context, "command", None), "commands", {}))
    said, _, _ = said.partition(". Did")
    wrong = next(iter(re.findall("'(.*)'", said)), "")
    near = BELOW.get(wrong, "") or nearest(wrong, below)
    return UsageError(
        said, hint=f"did you mean {path} {near}?" if near in below else f"one of {', '.join(below)}"
    )


def _invalid(said: str, call: Call, path: str) -> UsageError:
    """Return the error that a value is none of an option, and what was meant."""
    if choice := _CHOICE.search(said.partition(": ")[2]):
        given, choices = choice[1], choice[2].split("', '")
        stem, _, end = given.lower().rpartition(".")
        form = FORMS.get(end, end)
        if stem and form in choices:
            words = shlex.join(word.replace(given, form) for word in call.words[:_MOST_WORDS])
            return UsageError(said, hint=f"nox {call.command} {words} > {shlex.quote(given)}")
    said, meant = reworded(said)
    more = f"{path} --help"
    return UsageError(said, hint=f"did you mean {meant}?  {more}" if meant else more)


def reworded(said: str) -> tuple[str, str]:
    """Turn a message of Typer about a value into plain words, and find what was meant; empty: unknown."""
    before, colon, value = said.partition(": ")
    meant = ""
    if choice := _CHOICE.search(value):
        given, choices = choice[1].lower(), choice[2].split("', '")
        form = FORMS.get(given, given)
        meant = form if form in choices else nearest(given, choices)
    elif number := _NUMBER.search(value):
        value = f"{number[1]} is not a {_KINDS[number[2]]}"
        digits = _DIGITS.fullmatch(number[1])
        meant = digits[1] if digits else ""
    return f"{before}{colon}{_RANGE.sub(_bounds, value)}", meant


def _bounds(found: re.Match[str]) -> str:
    low, high = found.groups()
    if low and high:
        return f"is not from {low} to {high}"
    return f"is less than {high or low}" if "x>=" in found[0] else f"is more than {high or low}"


def _option_hint(option: str, context: Context, path: str) -> str:
    """Write what an unknown option may mean."""
    more = f"{path} --help"
    known = [name for param in _params(context) for name in param.opts] + [*_EVERYWHERE]
    name = option.partition("=")[0]
    if name in {"--me", "--mine"} and "--all-users" in known:
        return f"without it these are your jobs: {path}"
    meant = next((one for one in OPTIONS.get(name, ()) if one in known), "")
    if not meant and "--passed-on" in known and name in _passed_on():
        return f"options of the xtb program go after --: {path} FILE -- {option}"
    meant = meant or _begun(name, known) or _spelled_like(name, known)
    if not meant and path == "nox alloc set":
        return f"options of sbatch go after --: {path} POOL ... -- {option}"
    return f"did you mean {_names(_param(meant, context), context) or meant}?  {more}" if meant else more


def _begun(name: str, known: Sequence[str]) -> str:
    return next((one for one in known if len(name) > len("--x") and one.startswith(name)), "")


def _spelled_like(name: str, known: Sequence[str]) -> str:
    near = nearest(name.strip("-"), [one[2:] for one in known if one.startswith("--")])
    return f"--{near}" if near and near != "passed-on" else ""


def _passed_on() -> Iterable[str]:
    from workers.engine.program_options import OPTIONS as PASSED_ON

    return PASSED_ON


def _params(context: Context) -> list[Parameter]:
    return cast("list[Parameter]", context.command.params)


def _param(option: str, context: Context) -> Parameter | None:
    return next((param for param in _params(context) if option in param.opts), None)


def _names(param: Parameter | None, context: Context) -> str:
    """Write an option with its value: `--chrg CHARGE`."""
    if param is None:
        return ""
    name = max(param.opts, key=len)
    return name if getattr(param, "is_flag", False) else f"{name} {param.make_metavar(context)}"
