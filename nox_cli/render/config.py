"""How `nox config` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commands.config import Places, ShownSettings
from nox_cli.config.files import FileState
from nox_cli.render.terminal.table import aligned

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out


def text(result: ShownSettings | Places, out: Out) -> None:
    """A table of settings, or of files; in a pipe only the path of the user's own file."""
    if isinstance(result, ShownSettings):
        rows = [(name, value or "-", origin) for name, value, origin in result.values]
        for line in aligned([("setting", "value", "from"), *rows]):
            out.line(line)
    elif out.is_terminal:
        shown = [place for place in result.places if _counts(place.state) or place == result.own]
        for line in aligned((place.path, place.state) for place in shown):
            out.line(line)
    else:
        out.line(str(result.own.path))


def document(result: ShownSettings | Places) -> dict[str, Any]:
    """Settings by name, or files in order of strength."""
    if isinstance(result, ShownSettings):
        rows = result.values
        return {
            "settings": {name: {"value": value or None, "origin": origin} for name, value, origin in rows}
        }
    places = [{"path": str(place.path), "state": place.state.name.lower()} for place in result.places]
    return {"own": str(result.own.path), "files": places}


def _counts(state: FileState) -> bool:
    return state is not FileState.ABSENT
