"""The program: runs a command line, renders its result, and turns every error into an exit code.

`main` uses the streams and signals of the process; `program` takes streams and environment as arguments.
`nox_cli.render` renders a command's result; the result's `exit`, read after that, is the exit code.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TextIO

from nox_cli.argv import Call, parse, wants_json
from nox_cli.commandline import registry
from nox_cli.exits import ExitCode
from nox_cli.interrupts import heard, obey, pause
from nox_cli.session import Form, Session, Streams, Terminated
from workers import __version__
from workers.errors import JobNotFound, NothingMatched, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nox_cli.commands.top import TopOptions
    from nox_cli.config.server import ServeOptions
    from nox_cli.config.settings import Settings
    from nox_cli.serve.server import ServerEnded
    from nox_cli.tokens.links import PageLink
    from workers.errors import NoxError

_JSON_FORMS = (Form.JSON, Form.JSONL)
# Commands that submit jobs: a fallback that finds none is their own error.
_SUBMITTING = frozenset({"submit", "run"})
# Commands that note, when they read Redis, that the local store holds jobs for it.
_NOTING = frozenset({"list", "status"})
# Commands that mean the jobs of one store only.
_OF_ONE_STORE = _SUBMITTING | {"push", "worker", "doctor", "serve"}


def main() -> int:
    """Run nox as this process."""
    _hold_standard_descriptors()
    streams = Streams(
        _standard(sys.stdin, "r", "surrogateescape"),
        _standard(sys.stdout, "w", "backslashreplace"),
        _standard(sys.stderr, "w", "backslashreplace"),
    )
    try:
        obey()
        return program(sys.argv[1:], streams)
    except KeyboardInterrupt as error:  # outside of the error boundary, or while it reports
        heard()
        is_terminated = isinstance(error, Terminated)
        with suppress(OSError):
            streams.stderr.write("terminated\n" if is_terminated else "interrupted\n")
        return ExitCode.TERMINATED if is_terminated else ExitCode.INTERRUPTED


def program(argv: Sequence[str], streams: Streams, environ: Mapping[str, str] | None = None) -> ExitCode:
    """Run one command line to its end and return the exit code; nothing is raised.

    Args:
        argv: the words after `nox`.
        streams: input and output.
        environ: the environment; None: that of this process.
    """
    session: Session | None = None
    json = wants_json(argv)
    try:
        call = parse(argv)
        if not call.command or call.command.startswith("-"):
            return _without_command(call, streams)
        session = Session(_settings(call, environ), streams)
        return _run(call, session)
    except BaseException as error:  # noqa: BLE001  the one boundary: everything becomes a line and a code
        pause()
        if session is not None:
            session.clear_progress()
        from nox_cli import boundary

        json = json or (session is not None and session.form in _JSON_FORMS)
        return boundary.report(error, streams, json=json, debug="--debug" in argv, session=session)
    finally:
        if session is not None:
            with suppress(StoreError):
                session.close()


def _settings(call: Call, environ: Mapping[str, str] | None) -> Settings:
    """Read the settings for a command; `nox --version` needs none and does not load this."""
    from nox_cli.config import settings

    read = settings.load_nothing if call.command in registry.WITHOUT_SETTINGS else settings.load
    if call.command in registry.DESPITE_SETTINGS:
        read = settings.load_despite
    return read(settings.environment() if environ is None else environ, call)


def _run(call: Call, session: Session) -> ExitCode:
    """Run the command, render its result and return its exit code.

    With a fallback, jobs that Redis does not have are looked up in the local store.

    Raises:
        NoxError: the command's error; for a job not found after a fallback, why it fell back.
    """
    try:
        return _once(call, session)
    except StoreUnreachable as error:
        _point_to_local(call, session, error)
        raise
    except NothingMatched as error:
        is_about_jobs = call.command not in _SUBMITTING or isinstance(error, JobNotFound)
        if session.fell_back is not None and is_about_jobs:
            raise session.fell_back from error
        if not _may_look_here(call, session):
            _point_to_local(call, session, error)
            raise
        session.go_local()
        with suppress(NothingMatched):
            note = "warning: redis has no such job; this is one of the local store"
            return _once(call, session, f"{note} {session.store.where}")
        raise


def _once(call: Call, session: Session, note: str = "") -> ExitCode:
    result = registry.invoke(call, session)
    if call.command in _FRONT_ENDS and result is not None:
        result = _FRONT_ENDS[call.command](result, session)
    if session.fell_back is not None:
        note = _fallback_note(call, session, session.fell_back, runs_here=getattr(result, "runs_here", False))
    elif not note and call.command in _NOTING and (held := session.count_local(only_held=True)):
        note = f"note: {_held_words(held)}"
    if note:
        _note(session, note)
    if result is not None:
        from nox_cli.render.show import show

        show(call.command, result, session)
    if session.caveat:
        _note(session, session.caveat)
    if session.settle is not None:
        session.settle()
    return ExitCode(getattr(result, "exit", ExitCode.DONE))


def _serve(result: ServeOptions | PageLink, session: Session) -> ServerEnded | PageLink:
    """Run the HTTP API; a link to one that runs is only shown."""
    from nox_cli.config.server import ServeOptions

    if not isinstance(result, ServeOptions):
        return result
    from nox_cli.serve.server import run_server
    from workers.logs import Log

    stderr = session.streams.stderr
    return run_server(result, session.settings, Log(stderr), is_terminal=stderr.isatty())


def _top(options: TopOptions, session: Session) -> None:
    """Run the front end on the whole terminal, until the user leaves it."""
    from nox_cli.top.app import run_top

    run_top(session.store, session.settings, options.filters)


# Commands whose result is run by a front end of its own, which renders for itself.
_FRONT_ENDS: Mapping[str, Callable[[Any, Session], object]] = {"serve": _serve, "top": _top}


def _note(session: Session, text: str) -> None:
    from nox_cli.render.terminal.out import Out

    Out(session.streams).note(text)


def _fallback_note(call: Call, session: Session, error: StoreUnreachable, *, runs_here: bool) -> str:
    """Write the warning that the local store was used, and say what happens to jobs there."""
    from nox_cli.config.settings import Fallback

    lead, where = f"warning: {error.what};", session.store.where
    if call.command not in _SUBMITTING:
        return f"{lead} these are jobs of the local store {where}"
    if session.settings.fallback == Fallback.HOLD:
        from nox_cli.hints import is_here_a_login_node

        release = "" if is_here_a_login_node() else ", nox release runs them here"
        held = f"jobs are held in the local store {where}: nox push hands them over{release}"
        return f"{lead} {held} (seen by nox list --local)"
    return f"{lead} jobs go to the local store {where}{', and run here' if runs_here else ''}"


def _held_words(count: int) -> str:
    jobs = "1 job is" if count == 1 else f"{count:,} jobs are"
    return f"{jobs} held in the local store: see them with --local, hand them to redis with nox push"


def _point_to_local(call: Call, session: Session, error: NoxError) -> None:
    """Add to the hint of an error that the jobs may be in the local store, if it has any."""
    if call.command in _OF_ONE_STORE or session.fell_back is not None:
        return
    words = ""
    if held := session.count_local(only_held=True):
        words = _held_words(held)
    elif isinstance(error, StoreUnreachable) and session.count_local(only_held=False):
        words = "the local store has jobs: see them with --local"
    error.hint = "; ".join(filter(None, (error.hint, words)))


def _may_look_here(call: Call, session: Session) -> bool:
    """Whether jobs that Redis does not have may be in the local store."""
    from nox_cli.config.settings import Fallback

    has_fallback = session.settings.fallback != Fallback.NONE and call.command not in _OF_ONE_STORE
    return has_fallback and session.has_local()


def _without_command(call: Call, streams: Streams) -> ExitCode:
    """Answer `nox`, `nox --help` and `nox --version` without loading a command.

    Raises:
        UsageError: another option is in the place of the command.
    """
    from nox_cli.render.terminal.out import Out

    out = Out(streams)
    if call.command == "--version":
        out.line(f"nox {__version__}")
    elif call.command in {"", *registry.HELP_OPTIONS}:
        from nox_cli.render.help import overview

        out.write(overview(out.width))
    else:
        from nox_cli.commandline.mistakes import before_command

        raise before_command(call.command, call.words, registry.COMMANDS)
    out.flush()
    return ExitCode.DONE


def _hold_standard_descriptors() -> None:
    """Open the null device for closed standard streams, so that no file of nox gets their descriptors."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  stdin, stdout, stderr
        pass
    os.close(descriptor)


def _standard(stream: TextIO | None, mode: Literal["r", "w"], errors: str) -> TextIO:
    """Make a standard stream accept any character; a closed one reads and writes nothing."""
    if stream is None:
        stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115  open as long as the process
    with suppress(AttributeError):
        stream.reconfigure(errors=errors)  # type: ignore[attr-defined]
    return stream
