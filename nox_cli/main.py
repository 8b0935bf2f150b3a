"""From a command line to an exit code; the one error boundary.

`main` takes the process's streams and signals, `program` is nox as a function of what it is handed.
A command's result is rendered by `nox_cli.render`; a result's `exit`, read after that, is the exit code.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TextIO

from nox_cli.argv import Call, parse, wants_json
from nox_cli.commandline import registry
from nox_cli.exits import ExitCode
from nox_cli.fallback import HANDING_OVER, LOOKING, OF_ONE_STORE, Fallback, told, told_elsewhere, told_held
from nox_cli.interrupts import heard, obey
from nox_cli.session import Form, Session, Streams, Terminated
from workers import __version__
from workers.errors import JobNotFound, NothingMatched, StoreError, StoreUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nox_cli.config.settings import Settings
    from workers.errors import NoxError

_JSON_FORMS = (Form.JSON, Form.JSONL)


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
    except KeyboardInterrupt as error:  # before the boundary stood, while it spoke, or after it
        heard()
        with suppress(OSError):
            streams.stderr.write("interrupted\n")
        return ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED


def program(argv: Sequence[str], streams: Streams, environ: Mapping[str, str] | None = None) -> ExitCode:
    """Run one command line to its end; nothing is raised.

    Args:
        argv: what follows `nox`.
        streams: where text comes from and goes to.
        environ: None: the environment of this process.
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
        from nox_cli import boundary

        json = json or (session is not None and session.form in _JSON_FORMS)
        return boundary.report(error, streams, json=json, debug="--debug" in argv, session=session)
    finally:
        if session is not None:
            with suppress(StoreError):
                session.close()


def _settings(call: Call, environ: Mapping[str, str] | None) -> Settings:
    """Read what the command is told from outside; `nox --version` is too short-lived to load what does."""
    from nox_cli.config import settings

    read = settings.load_nothing if call.command in registry.WITHOUT_SETTINGS else settings.load
    if call.command in registry.DESPITE_SETTINGS:
        read = settings.load_despite
    return read(settings.environment() if environ is None else environ, call)


def _run(call: Call, session: Session) -> ExitCode:
    """Call the command, render what it returns, and say how it went.

    With a fallback, jobs that Redis does not have are looked for in the local store.

    Raises:
        NoxError: what the command raises; where it fell back and found nothing, why it did.
    """
    try:
        return _once(call, session)
    except StoreUnreachable as error:
        _point_to_local(call, session, error)
        raise
    except NothingMatched as error:
        is_about_jobs = call.command not in HANDING_OVER or isinstance(error, JobNotFound)
        if session.fell_back is not None and is_about_jobs:
            raise session.fell_back from error
        if not _may_look_here(call, session):
            _point_to_local(call, session, error)
            raise
        session.go_local()
        with suppress(NothingMatched):
            return _once(call, session, told_elsewhere(session.local_store.where))
        raise


def _once(call: Call, session: Session, note: str = "") -> ExitCode:
    result = registry.invoke(call, session)
    if session.fell_back is not None:
        chosen = Fallback(session.settings.fallback)
        runs_here = getattr(result, "runs_here", False)
        note = told(call.command, chosen, session.fell_back, session.store.where, runs_here=runs_here)
    elif not note and call.command in LOOKING and (held := session.held_here()):
        note = f"note: {told_held(held)}"
    if note:
        from nox_cli.render.terminal.out import Out

        Out(session.streams).note(note)
    if result is not None:
        from nox_cli.render.show import show

        show(call.command, result, session)
    if session.caveat:
        from nox_cli.render.terminal.out import Out

        Out(session.streams).note(session.caveat)
    return ExitCode(getattr(result, "exit", ExitCode.DONE))


def _point_to_local(call: Call, session: Session, error: NoxError) -> None:
    """Add to an error's hint that jobs are held in the local store, if that may be what was looked for."""
    if call.command not in OF_ONE_STORE and session.fell_back is None and (held := session.held_here()):
        error.hint = "; ".join(filter(None, (error.hint, told_held(held))))


def _may_look_here(call: Call, session: Session) -> bool:
    """Whether jobs that Redis does not have may be those of the local store."""
    is_asked_for = session.settings.fallback != Fallback.NONE and call.command not in OF_ONE_STORE
    return is_asked_for and session.has_local()


def _without_command(call: Call, streams: Streams) -> ExitCode:
    """Answer `nox`, `nox --help` and `nox --version` without loading a command.

    Raises:
        UsageError: another option stands where a command must.
    """
    from nox_cli.render.terminal.out import Out

    out = Out(streams)
    if call.command == "--version":
        out.line(f"nox {__version__}")
    elif call.command in {"", *registry.HELP_OPTIONS}:
        from nox_cli.render.help import overview

        out.write(overview(out.width))
    else:
        raise UsageError(f"there is no option {call.command} before a command", hint="nox help lists all")
    out.flush()
    return ExitCode.DONE


def _hold_standard_descriptors() -> None:
    """Give closed standard streams the null device, so that no file nox opens takes their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  stdin, stdout, stderr
        pass
    os.close(descriptor)


def _standard(stream: TextIO | None, mode: Literal["r", "w"], errors: str) -> TextIO:
    """Make a standard stream one that no character can break; a closed one reads and writes nothing."""
    if stream is None:
        stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115  lives as long as the process
    with suppress(AttributeError):
        stream.reconfigure(errors=errors)  # type: ignore[attr-defined]
    return stream
