"""Writes the result of a command in the form that its options ask for."""

# ruff: noqa: A004, F401  the imports of renderers are for mypy; each is loaded when it is used

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nox_cli import render
from nox_cli.render.terminal.out import Out
from nox_cli.session import Form
from workers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nox_cli.render import (
        alloc,
        changes,
        clean,
        doctor,
        explain,
        fetch,
        help,
        listing,
        metrics,
        notification,
        open,
        plain,
        plot,
        push,
        results,
        run,
        status,
        submit,
        tokens,
        watch,
        workers,
    )
    from nox_cli.render.terminal.columns import Table
    from nox_cli.results.query import Results
    from nox_cli.session import Session


def _document(result: Documented) -> Mapping[str, Any]:
    return result.document()


def _items(result: Results) -> Iterable[Mapping[str, Any]]:
    return result.items()


def _nothing(_result: object) -> tuple[str, ...]:
    return ()


class Documented(Protocol):
    """A result of a command that is one JSON object, too."""

    def document(self) -> Mapping[str, Any]:
        """Return the object, without `schema`."""


class Renderer(NamedTuple):
    """The functions that write the result of one command, by form; None: the command lacks that form."""

    text: Callable[[Any, Out], None]  # for people
    document: Callable[[Any], Mapping[str, Any]] | None = None  # one JSON object, without "schema"
    lines: Callable[[Any], Iterable[Mapping[str, Any]]] | None = None  # a JSON object a line
    table: Callable[[Any], Table] | None = None  # CSV and TSV
    ids: Callable[[Any], Iterable[str]] | None = None
    extxyz: Callable[[Any], Iterable[str]] | None = None
    md: Callable[[Any], Iterable[str]] | None = None
    si: Callable[[Any], Iterable[str]] | None = None
    notes: Callable[[Any], Iterable[str]] = _nothing  # lines for stderr, before anything else
    remarks: Callable[[Any], Iterable[str]] = _nothing  # lines for stderr, after everything else
    at_end: Callable[[Any, Out], None] | None = None  # notifies a person, in any form


# Each function imports the module of its command when it is called.
RENDERERS: Mapping[str, Callable[[], Renderer]] = {
    "submit": lambda: Renderer(
        render.submit.text,
        _document,
        ids=render.submit.ids,
        notes=render.submit.notes,
        remarks=render.submit.remarks,
    ),
    "run": lambda: Renderer(
        render.run.text,
        render.run.document,
        ids=render.run.ids,
        notes=render.run.notes,
        remarks=render.run.remarks,
    ),
    "watch": lambda: Renderer(render.watch.text, at_end=render.notification.after_watch),
    "top": lambda: Renderer(render.plain.front_end),
    "results": lambda: Renderer(
        render.results.text,
        _document,
        _items,
        render.results.table,
        render.results.ids,
        render.results.extxyz,
        render.results.md,
        render.results.si,
        remarks=render.results.remarks,
    ),
    "plot": lambda: Renderer(render.plot.text, _document, table=render.plot.table),
    "status": lambda: Renderer(render.status.text, _document),
    "fetch": lambda: Renderer(render.fetch.text, _document, remarks=render.fetch.remarks),
    "open": lambda: Renderer(render.open.text, _document, remarks=render.open.remarks),
    "list": lambda: Renderer(
        render.listing.text,
        render.listing.document,
        render.listing.lines,
        render.listing.table,
        render.listing.ids,
    ),
    "logs": lambda: Renderer(render.plain.logs),
    "wait": lambda: Renderer(
        render.plain.wait,
        _document,
        notes=render.plain.wait_notes,
        remarks=render.plain.wait_remarks,
        at_end=render.notification.after_wait,
    ),
    "explain": lambda: Renderer(render.explain.text, _document),
    "cancel": lambda: Renderer(render.changes.cancel, _document),
    "hold": lambda: Renderer(render.changes.hold, _document),
    "release": lambda: Renderer(render.changes.release, _document),
    "retry": lambda: Renderer(render.changes.retry, _document),
    "set": lambda: Renderer(render.changes.change, _document),
    "push": lambda: Renderer(render.push.text, _document, ids=render.push.ids, remarks=render.push.remarks),
    "clean": lambda: Renderer(render.clean.text, _document),
    "cite": lambda: Renderer(render.plain.cite, _document, remarks=render.plain.cite_remarks),
    "events": lambda: Renderer(render.plain.events),
    "worker": lambda: Renderer(render.workers.text, _document),
    "alloc": lambda: Renderer(render.alloc.text, _document),
    "serve": lambda: Renderer(render.tokens.link, _document),
    "token": lambda: Renderer(render.tokens.text, _document),
    "metrics": lambda: Renderer(render.metrics.text),
    "doctor": lambda: Renderer(render.doctor.text, _document),
    "config": lambda: Renderer(render.plain.config, render.plain.config_document),
    "schema": lambda: Renderer(render.plain.schema),
    "version": lambda: Renderer(render.plain.version, _document),
    "help": lambda: Renderer(render.help.text),
    "completion": lambda: Renderer(render.plain.completion),
}


def show(command: str, result: object, session: Session) -> None:
    """Write the result of a command as `session.form` asks for.

    Raises:
        UsageError: the command has no such form.
    """
    renderer = RENDERERS[command]()
    color = session.settings.colored(is_terminal=session.is_terminal)
    out = Out(session.streams, color=color, can_redraw=session.settings.can_redraw)
    for note in renderer.notes(result):
        out.note(note)
    form = session.form
    if form is Form.TABLE:
        renderer.text(result, out)
    elif not (_write_objects(renderer, form, result, out) or _write_lines(renderer, form, result, out)):
        raise UsageError(f"nox {command} has no output form {form.value!r}", hint=f"nox {command} --help")
    out.flush()
    for remark in renderer.remarks(result):
        out.note(remark)
    if renderer.at_end is not None:
        renderer.at_end(result, out)


def _write_objects(renderer: Renderer, form: Form, result: object, out: Out) -> bool:
    """Write JSON; false: the form is another one, or the command lacks it."""
    from nox_cli.render.json import dumps

    if form is Form.JSON and renderer.document is not None:
        out.write(dumps(renderer.document(result)) + "\n")
    elif form is Form.JSONL and renderer.lines is not None:
        for line in renderer.lines(result):
            out.write(dumps(line) + "\n")
            out.flush()
    else:
        return False
    return True


def _write_lines(renderer: Renderer, form: Form, result: object, out: Out) -> bool:
    """Write a table for programs, or lines; false: the command lacks the form."""
    if form in {Form.CSV, Form.TSV} and renderer.table is not None:
        table = renderer.table(result)
        for line in table.csv() if form is Form.CSV else table.tsv():
            out.write(line + "\n")
        return True
    texts = {Form.IDS: renderer.ids, Form.EXTXYZ: renderer.extxyz, Form.MD: renderer.md, Form.SI: renderer.si}
    lines = texts.get(form)
    if lines is None:
        return False
    out.lines(lines(result))
    return True
