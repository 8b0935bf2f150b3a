"""Writes a result in the form its command was asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nox_cli.render.terminal.out import Out
from nox_cli.session import Form
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from nox_cli.session import Session


def show(command: str, result: object, session: Session) -> None:
    """Write `result` as `session.form` says, by `nox_cli/render/COMMAND.py`.

    Raises:
        UsageError: the command has no such form.
    """
    module = importlib.import_module(f"nox_cli.render.{command}")
    settings = session.settings
    color = settings.colored(is_terminal=session.is_terminal)
    out = Out(session.streams, color=color, can_redraw=settings.can_redraw)
    for note in getattr(module, "notes", _none)(result):
        out.note(note)
    _WRITERS[session.form](module, result, out)
    out.flush()
    for remark in getattr(module, "remarks", _none)(result):
        out.note(remark)


def _none(_result: object) -> tuple[str, ...]:
    return ()


def _part(module: ModuleType, name: str, form: Form) -> Callable[..., Any]:
    part = getattr(module, name, None)
    if part is None:
        command = module.__name__.rpartition(".")[2]
        raise UsageError(f"nox {command} has no output form {form.value!r}", hint=f"nox {command} --help")
    found: Callable[..., Any] = part
    return found


def _text(module: ModuleType, result: object, out: Out) -> None:
    _part(module, "text", Form.TABLE)(result, out)


def _json(module: ModuleType, result: object, out: Out) -> None:
    from nox_cli.render.json import dumps

    out.write(dumps(_part(module, "document", Form.JSON)(result)) + "\n")


def _jsonl(module: ModuleType, result: object, out: Out) -> None:
    from nox_cli.render.json import dumps

    for line in _part(module, "lines", Form.JSONL)(result):
        out.write(dumps(line) + "\n")
        out.flush()


def _csv(module: ModuleType, result: object, out: Out) -> None:
    for line in _part(module, "table", Form.CSV)(result).csv():
        out.write(line + "\n")


def _tsv(module: ModuleType, result: object, out: Out) -> None:
    for line in _part(module, "table", Form.TSV)(result).tsv():
        out.write(line + "\n")


def _ids(module: ModuleType, result: object, out: Out) -> None:
    for job_id in _part(module, "ids", Form.IDS)(result):
        out.line(job_id)


def _lines(module: ModuleType, result: object, out: Out, form: Form) -> None:
    for line in _part(module, form, form)(result):
        out.line(line)


_WRITERS: dict[Form, Callable[[ModuleType, object, Out], None]] = {
    Form.TABLE: _text,
    Form.JSON: _json,
    Form.JSONL: _jsonl,
    Form.CSV: _csv,
    Form.TSV: _tsv,
    Form.IDS: _ids,
    Form.EXTXYZ: lambda module, result, out: _lines(module, result, out, Form.EXTXYZ),
    Form.MD: lambda module, result, out: _lines(module, result, out, Form.MD),
    Form.SI: lambda module, result, out: _lines(module, result, out, Form.SI),
}
