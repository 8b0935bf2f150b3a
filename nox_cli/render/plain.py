"""Output of small commands: cite, completion, config, events, logs, schema, version and wait."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import job_title, state_words
from nox_cli.render.json import dumps
from nox_cli.render.terminal.columns import aligned
from workers.errors import NothingMatched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.commands.completion import Script
    from nox_cli.config.edits import Edit
    from nox_cli.config.listing import SettingsPaths, ShownSettings
    from nox_cli.doctor.json_objects import (
        SettingEdited,
        SettingsFileRecord,
        SettingsFilesRecord,
        SettingsRecord,
    )
    from nox_cli.doctor.versions import Versions
    from nox_cli.render.terminal.out import Out
    from nox_cli.results.citations import Citation
    from nox_cli.schemas import Schema
    from nox_cli.watch.events import Stream
    from nox_cli.watch.follower import Waiting
    from nox_cli.watch.logs import Logs


def completion(result: Script, out: Out) -> None:
    """Write a completion script; every static word is in it, so that a TAB starts no nox."""
    from nox_cli.commands.completion import Shell
    from nox_cli.completion import bash, fish, zsh

    writers = {Shell.BASH: bash.script, Shell.ZSH: zsh.script, Shell.FISH: fish.script}
    out.write(writers[result.shell](result.words))


def config(result: ShownSettings | SettingsPaths | Edit, out: Out) -> None:
    """Write a table of settings, or of files; in a pipe only the path of the user's own file."""
    from nox_cli.config.edits import Edit
    from nox_cli.config.files import FileState
    from nox_cli.config.listing import ShownSettings

    if isinstance(result, Edit):
        out.line(f"{result.key} {'unset' if result.value is None else f'= {result.value}'} in {result.path}")
        if result.overridden_by:
            out.note(f"note: {result.overridden_by} has another value, which is used here")
    elif isinstance(result, ShownSettings):
        rows = [(name, value or "-", origin) for name, value, origin in result.values]
        rows += [(f"profile.{one.name}", one.words() or "-", one.where()) for one in result.profiles]
        out.lines(aligned([("setting", "value", "from"), *rows]))
    elif out.is_terminal:
        shown = [
            place for place in result.places if place.state is not FileState.ABSENT or place == result.own
        ]
        out.lines(aligned((place.path, place.state) for place in shown))
    else:
        out.line(str(result.own.path))


def config_document(
    result: ShownSettings | SettingsPaths | Edit,
) -> SettingsRecord | SettingsFilesRecord | SettingEdited:
    """Return settings by name, or settings files, the strongest first, or what was edited."""
    from nox_cli.config.edits import Edit
    from nox_cli.config.listing import ShownSettings

    if isinstance(result, Edit):
        return {
            "key": result.key,
            "value": result.value,
            "path": str(result.path),
            "overridden_by": result.overridden_by or None,
        }
    if isinstance(result, ShownSettings):
        rows = result.values
        found: SettingsRecord = {
            "settings": {name: {"value": value or None, "origin": origin} for name, value, origin in rows}
        }
        if result.profiles:
            found["profiles"] = {
                one.name: {"options": dict(one.options), "origin": one.where()} for one in result.profiles
            }
        return found
    places: list[SettingsFileRecord] = [
        {"path": str(place.path), "state": place.state.name.lower()} for place in result.places
    ]
    return {"own": str(result.own.path), "files": places}


def logs(result: Logs, out: Out) -> None:
    """Write the logs of engines, each under the name of its job if there are several.

    Control characters are shown as escapes, unless raw bytes are wanted.
    """
    several = len(result.jobs) > 1
    for job in result.jobs:
        if several:
            out.line(f"==> {job_title(job)} <==")
        try:
            _write(result.pieces(job), out, raw=result.options.raw)
        except NothingMatched as error:
            if not several:
                raise
            out.note(error.message)


def _write(pieces: Iterator[bytes], out: Out, *, raw: bool) -> None:
    """Write each piece as soon as it is there."""
    if raw:
        for piece in pieces:
            out.stream.buffer.write(piece)
            out.flush()
        return
    for shown in codecs.iterdecode(pieces, "utf-8", "backslashreplace"):
        out.write(shown)
        out.flush()


def front_end(_ended: object, _out: Out) -> None:
    """Write nothing: a front end of its own writes while it runs."""


def schema(found: Schema, out: Out) -> None:
    """Write a JSON Schema, in ASCII, for people and programs alike."""
    out.write(json.dumps(found.schema, indent=2) + "\n")


def version(found: Versions, out: Out) -> None:
    """Write one line a program."""
    engines = [(name, version, "engine") for name, version in sorted(found.engines.items())]
    packages = [(name, version or "not installed", "") for name, version in found.packages.items()]
    out.lines(aligned([("nox", found.nox, ""), ("python", found.python, ""), *engines, *packages]))
    if not engines:
        out.line("no engine is installed here: jobs can be handed over, not computed")


_WIDTH = 79


def cite(citation: Citation, out: Out) -> None:
    """Write the paragraph, folded, and a reference a line."""
    from textwrap import wrap

    for line in wrap(" ".join(citation.account.sentences), _WIDTH, break_long_words=False):
        out.line(line)
    out.line("")
    for number, reference in enumerate(citation.account.references, 1):
        out.line(f"[{number}] {reference.shown}")


def cite_remarks(citation: Citation) -> Iterator[str]:
    """Name what has no reference here."""
    for name in citation.account.unknown:
        yield f"nox knows no reference for {name}"


def events(stream: Stream, out: Out) -> None:
    """Write each change as it comes."""
    from nox_cli.watch.events import Snapshot, allocation_record, event_record
    from workers.store.values import Event

    for found in stream.read():
        match found:
            case str():
                out.note(found)
                continue
            case Event():
                line = dumps(event_record(found))
            case Snapshot(event):
                line = dumps(event_record(event, is_snapshot=True))
            case _:
                line = dumps(allocation_record(found))
        out.write(line + "\n")
        out.flush()


def wait_notes(waiting: Waiting) -> Iterator[str]:
    """Wait, and write remarks for the user meanwhile."""
    return waiting.go()


def wait_remarks(waiting: Waiting) -> Iterator[str]:
    """Report if not every job was read."""
    if not waiting.ended.is_whole:
        yield "the time was up before every job was read"


def wait(waiting: Waiting, out: Out) -> None:
    """Write one line of counts, or nothing."""
    if waiting.summary:
        ended = waiting.ended
        out.line(f"{state_words(ended.tally)} after {times.words(ended.waited_s)}")
