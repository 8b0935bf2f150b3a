"""The page on Python: each of its blocks runs, and prints what the page shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.api.conftest import at_work
from tests.support.environment import changed

if TYPE_CHECKING:
    from tests.support.nox import Nox

PAGE = Path(__file__).parents[2] / "docs/python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# The last decimals depend on the engine.
WITHIN = 0.011
# Runs blocks as a notebook does: one after the other, each writing its last expression.
NOTEBOOK = """
import ast, contextlib, io, json, sys
shown, names = [], {}
for text in json.load(sys.stdin):
    tree, out = ast.parse(text), io.StringIO()
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "page", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), "page", "eval"), names)
        if value is not None:
            print(repr(value))
    shown.append(out.getvalue())
print(json.dumps(shown))
"""


def run(blocks: list[str], nox: Nox, folder: Path) -> list[str]:
    """Run blocks of Python in one process; return what each of them wrote."""
    ended = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", NOTEBOOK],
        input=json.dumps(blocks),
        env=changed(nox.environ, {}),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert "" == ended.stderr
    shown: list[str] = json.loads(ended.stdout)
    return shown


def test_page_prints_what_it_shows(nox: Nox, tmp_path: Path) -> None:
    """
    The words are those of the page, and numbers are the same to two decimals, whichever the engine.
    """
    found = BLOCK.findall(PAGE.read_text())
    at_work(nox, "--slots", "2")

    shown = run([code for code, _ in found], nox, tmp_path)

    assert len(found) > 10
    for (code, expected), printed in zip(found, shown, strict=True):
        assert NUMBER.sub("N", expected) == NUMBER.sub("N", printed), code
        for one, other in zip(NUMBER.findall(expected), NUMBER.findall(printed), strict=True):
            assert abs(float(one) - float(other)) <= WITHIN, code
