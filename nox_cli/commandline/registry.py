"""Every command by name; its module is loaded when it is called, not before."""

from __future__ import annotations

import importlib
import re
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typer import Context

    from nox_cli.argv import Call
    from nox_cli.commandline.context import Command, Parameter
    from nox_cli.session import Session

# name -> the line `nox help --all` and completion show; the module is nox_cli.commands.NAME
COMMANDS: dict[str, str] = {
    "submit": "submit calculations",
    "run": "run calculations here and wait",
    "watch": "watch jobs run",
    "top": "browse jobs, workers and failures",
    "results": "energies, as table or CSV",
    "plot": "convergence, IR spectrum or energies",
    "status": "one job, or an overview",
    "fetch": "geometries and other files",
    "open": "show geometries in a molecular viewer",
    "list": "list my jobs",
    "logs": "print the engine's output",
    "wait": "wait until jobs have finished",
    "explain": "why a job waits or failed",
    "cancel": "stop jobs",
    "hold": "keep waiting jobs from starting",
    "release": "let held jobs start",
    "retry": "run failed jobs again",
    "set": "change priority, cores, memory, ... of waiting jobs",
    "push": "move jobs that wait here to Redis",
    "clean": "remove finished jobs and their files",
    "cite": "write a methods sentence with references",
    "events": "print what happens to jobs, as lines of JSON",
    "worker": "run jobs on this machine until stopped",
    "alloc": "start workers in Slurm allocations as jobs need them",
    "serve": "serve jobs and results over HTTP until stopped",
    "token": "give programs access to the HTTP API",
    "metrics": "print metrics for Prometheus",
    "doctor": "check the installation, and what to do",
    "config": "show settings and where they come from",
    "schema": "print JSON Schemas of results, jobs and requests",
    "version": "show the versions of nox and of every engine",
    "help": "topics: selectors, examples, states, environment, exit-codes",
    "completion": "print the completion script of a shell",
}
# topic -> what `nox help TOPIC` explains
TOPICS: dict[str, str] = {
    "selectors": "the words that name jobs",
    "examples": "from one molecule to many machines",
    "states": "what a job can be",
    "environment": "variables and settings",
    "exit-codes": "what nox's exit codes mean",
}
# These must work however broken the settings are.
WITHOUT_SETTINGS = frozenset({"help", "completion", "version"})
# These report problems of the settings, and continue.
DESPITE_SETTINGS = frozenset({"config", "doctor"})
# What help calls a value that has no name of its own, by the name of its type.
METAVARS = {"int": "NUMBER", "int range": "NUMBER", "float": "NUMBER", "float range": "NUMBER"}
# Spellings of choices that are accepted in addition, in lower case.
SPELLINGS = {"kcal/mol": "kcal", "kj/mol": "kj", "eh": "hartree", "au": "hartree", "a.u.": "hartree"}
# Numbers must be plain ASCII: Python would accept `1_0` and other digits too.
_PLAIN = re.compile(r"[!-^`-~]+")
HELP_OPTIONS = ["-h", "--help"]


def load(name: str, words: Sequence[str] = ()) -> Command:
    """Load one command: its module's Typer `app`, or else its `command` function.

    Raises:
        UsageError: there is no such command; `words`, those after it, are part of the hint.
    """
    if name not in COMMANDS:
        from nox_cli.commandline.mistakes import no_command

        raise no_command(name, words, COMMANDS)
    import typer

    from nox_cli.commandline.context import subcommands

    module = importlib.import_module(f"nox_cli.commands.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(module.command)
    command = cast("Command", typer.main.get_command(app))
    for one in (command, *subcommands(command).values()):
        _dress(one)
    return command


def help_of(name: str) -> str:
    """Write what `nox NAME --help` shows."""
    command = load(name)
    context = command.context_class(command, info_name=f"nox {name}", help_option_names=HELP_OPTIONS)
    return command.get_help(context)


def _dress(command: Command) -> None:
    """Give a command nox's own help, and its parameters names for their values."""
    vars(command)["get_help"] = partial(_help, command)
    for param in cast("list[Parameter]", command.params):
        if param.metavar is None and not getattr(param, "is_flag", False):
            param.metavar = METAVARS.get(param.type.name) or max(param.opts, key=len).split("-")[-1].upper()
        if param.type.name.startswith(("int", "float")):
            _refuse_odd_numbers(param)
        elif hasattr(param.type, "choices"):
            _accept_spellings(param)


def _help(command: Command, context: Context) -> str:
    from nox_cli.commandline.help import help_text

    return help_text(command, context)


def _accept_spellings(param: Parameter) -> None:
    """Have a parameter take its choices in capitals too, and units as they are printed: `eV`, `kcal/mol`."""
    kind = copy(param.type)
    convert = kind.convert
    known = {str(getattr(choice, "value", choice)) for choice in kind.choices}  # type: ignore[attr-defined]

    def respelled(value: Any, param: Parameter | None, context: Context | None) -> Any:
        if isinstance(value, str):
            lowered = SPELLINGS.get(value.lower(), value.lower())
            value = lowered if lowered in known else value
        return convert(value, param, context)

    vars(kind)["convert"] = respelled
    param.type = kind


def _refuse_odd_numbers(param: Parameter) -> None:
    """Have a parameter take plain ASCII numbers only."""
    kind = copy(param.type)
    convert = kind.convert

    def plain(value: Any, param: Parameter | None, context: Context | None) -> Any:
        if isinstance(value, str) and not _PLAIN.fullmatch(value):
            kind.fail(f"{value[:40]!r} is not a plain number.", param, context)
        return convert(value, param, context)

    vars(kind)["convert"] = plain
    param.type = kind


def invoke(call: Call, session: Session) -> object:
    """Call a command as its words say; None: it had nothing to return, or showed its help.

    Raises:
        UsageError: Typer cannot read the words.
        KeyboardInterrupt: a question was answered by Ctrl-C.
    """
    usual, session.interrupted = session.interrupted, "nothing was done"
    command = load(call.command, call.words)
    from typer import Abort, Exit
    from typer.exceptions import TyperException

    try:
        context = command.make_context(
            f"nox {call.command}", list(call.words), obj=session, help_option_names=HELP_OPTIONS
        )
        session.interrupted = usual
        with context:
            found: object = command.invoke(context)
    except Exit:
        return None
    except Abort as error:
        raise KeyboardInterrupt from error
    except TyperException as error:
        from nox_cli.commandline.mistakes import usage

        raise usage(error, call, command) from error
    return found
