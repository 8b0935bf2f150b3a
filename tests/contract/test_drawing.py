"""
Who writes to terminals how: escape codes are rich's but for those of the redrawn screen, and pipes do without
the heavy parts of it.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nox_cli

if TYPE_CHECKING:
    from tests.support.nox import Nox

SOURCE = Path(nox_cli.__file__).parent
# Runs nox, then prints which modules of rich are loaded on a line of its own.
LOADED = """
import json, sys
from nox_cli.main import main
main()
print("\\n" + json.dumps(sorted(name for name in sys.modules if name.split(".")[0] == "rich")))
"""


def parts_of_rich(nox: Nox, *argv: str, **env: str) -> set[str]:
    """Run nox with its output in a pipe; return the modules of rich it loaded, data files aside."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *argv],
        env=nox.environ | env,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    names: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return {name for name in names if not name.split(".")[-1].startswith("_") and "._" not in name}


def strings(path: Path) -> list[str]:
    """List every text in a module."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_escape_codes_of_its_own_write_the_screen_only() -> None:
    """
    No other text in nox_cli has an escape character: rich, which draws whole frames, knows no code for a line
    of them or for a synchronised update, and it reads no keys.
    """
    users = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if any("\x1b" in text for text in strings(path))
    ]

    assert ["render/terminal/keys.py", "render/terminal/screen.py"] == users


def test_a_list_in_a_pipe_loads_no_rich(nox: Nox) -> None:
    """
    Rows of plain ASCII are laid out in a pipe without rich.
    """
    nox("submit", "--kind", "echo", "--name", "plain", "--no-start", check=True)

    assert set() == parts_of_rich(nox, "list")
    assert set() == parts_of_rich(nox, "results", "-a")


def test_wide_characters_load_the_measures_only(nox: Nox) -> None:
    """
    A name beyond ASCII loads rich's table of widths, and neither console, text nor table.
    """
    nox("submit", "--kind", "echo", "--name", "分子", "--no-start", check=True)

    assert {"rich", "rich.cells"} == parts_of_rich(nox, "list")


def test_colours_in_a_pipe_need_no_console(nox: Nox) -> None:
    """
    Where colours are forced into a pipe, rich's styles are loaded, and no console.
    """
    job = nox("submit", "--kind", "echo", "--no-start", check=True).stdout.strip()
    nox("cancel", job, check=True)
    loaded = parts_of_rich(nox, "list", FORCE_COLOR="1")

    assert "rich.style" in loaded
    assert set() == loaded & {"rich.console", "rich.live", "rich.table", "rich.text"}
