"""The table of renderers: every command has the forms its options offer, and loads its own renderer only."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nox_cli.commandline.registry import COMMANDS
from nox_cli.completion.words import all_words
from nox_cli.render.show import RENDERERS
from nox_cli.session import Form
from tests.contract.test_help import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.render.show import Renderer

# The function of a renderer that writes a form.
WRITERS = {
    Form.TABLE: "text",
    Form.JSON: "document",
    Form.JSONL: "lines",
    Form.CSV: "table",
    Form.TSV: "table",
    Form.IDS: "ids",
    Form.EXTXYZ: "extxyz",
    Form.MD: "md",
    Form.SI: "si",
}
# `nox watch --json` writes a line a change as text does, with remarks on stderr meanwhile.
JSON_AS_TEXT = {"watch"}
# The modules that a renderer loads besides its own.
SHARED = {"columns", "json", "out", "show", "terminal"}
LOADED = """
import json, sys
from nox_cli.render.show import RENDERERS
before = [name for name in sys.modules if name.startswith("nox_cli.render.")]
RENDERERS[sys.argv[1]]()
print(json.dumps([before, sorted(name for name in sys.modules if name.startswith("nox_cli.render."))]))
"""
# The renderers that each command loads, if not only the one of its name.
OWN = {
    "cancel": {"changes"},
    "cite": {"plain"},
    "completion": {"plain"},
    "config": {"plain"},
    "events": {"plain"},
    "explain": {"explain"},
    "fetch": {"fetch"},
    "hold": {"changes"},
    "list": {"listing", "jobs"},
    "logs": {"plain"},
    "plot": {"plot", "canvas"},
    "open": {"open"},
    "release": {"changes"},
    "results": {"results", "results_table", "jobs"},
    "retry": {"changes"},
    "run": {"run", "jobs"},
    "schema": {"plain"},
    "serve": {"tokens"},
    "set": {"changes"},
    "submit": {"submit", "jobs"},
    "token": {"tokens"},
    "top": {"plain"},
    "version": {"plain"},
    "wait": {"plain", "notification"},
    "watch": {"watch", "jobs", "notification"},
    "worker": {"workers"},
}


def offered(command: str) -> set[Form]:
    """Read from a command's options in which forms it can write."""
    found = {Form.TABLE}
    for path, words in paths(all_words()):
        for option in words.options if path[0] == command else ():
            if "--json" in option.names and command not in JSON_AS_TEXT:
                found.add(Form.JSON)
            if "--data" in option.names:
                found |= {Form.CSV, Form.TSV}
            if "--quiet" in option.names:
                found.add(Form.IDS)
            if "--output" in option.names:
                found |= set(_forms(option.help))
    return found


def _forms(text: str) -> Iterator[Form]:
    """Read the forms that the help of `-o` lists."""
    words = text.replace(",", " ").replace(".", " ").split()
    return (form for form in Form if form.value in words)


def test_renderers_are_those_of_the_commands() -> None:
    """
    The table has one entry for each command.
    """
    assert list(COMMANDS) == list(RENDERERS)


@pytest.mark.parametrize("command", COMMANDS)
def test_renderer_has_the_forms_that_options_offer(command: str) -> None:
    """
    A form that a command's options name has a function, and every function belongs to such a form.
    """
    renderer: Renderer = RENDERERS[command]()
    written = {form for form, name in WRITERS.items() if getattr(renderer, name) is not None}

    assert offered(command) == written


@pytest.mark.parametrize("command", COMMANDS)
def test_renderer_is_loaded_alone(command: str) -> None:
    """
    The table itself loads no renderer, and a command loads its own and what that is made of.
    """
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, command], capture_output=True, text=True, check=True, timeout=60
    )
    before, after = ({name.rpartition(".")[2] for name in names} for names in json.loads(ended.stdout))

    assert before <= SHARED
    assert OWN.get(command, {command}) == after - SHARED
