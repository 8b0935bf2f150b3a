"""What a start of nox loads, and who may read the environment."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nox_cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

SOURCE = Path(nox_cli.__file__).parent
HEAVY = {
    "redis", "dramatiq", "rich", "numpy", "pydantic", "sqlite3", "asyncio", "xtb", "tblite", "berny",
    "prometheus_client", "fastapi", "starlette", "uvicorn", "anyio", "httpx", "httpx2",
}  # fmt: skip
# What a look at jobs does without; together it took a tenth of the start of `nox status`.
SPARED = {"dataclasses", "statistics", "fractions", "decimal", "secrets"}
# Runs nox, then prints what is loaded on a line of its own.
LOADED = """
import json, sys
from nox_cli.main import main
code = main()
print("\\n" + json.dumps([code, sorted(name for name in sys.modules if "." not in name)]))
"""


def loaded(nox: Nox, *argv: str, code: int = 0) -> set[str]:
    """Run nox in a process of its own; return the top-level modules it loaded."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *argv],
        env=nox.environ,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    ended_with, modules = json.loads(ended.stdout.splitlines()[-1])
    assert code == ended_with, ended.stderr
    return set(modules)


def test_the_first_handler_waits_for_no_module_of_types(nox: Nox) -> None:
    """
    `typing` takes as long as all that is loaded before signals are handled: it comes afterwards.
    """
    code = "import sys; import nox_cli.__main__; print(*sys.modules)"
    environ = {**nox.environ, "PYTHONPATH": str(SOURCE.parent)}
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert "signal" in ended.stdout.split()
    assert "typing" not in ended.stdout.split()


@pytest.mark.parametrize("argv", [["--version"], ["--help"], []])
def test_the_first_words_load_next_to_nothing(nox: Nox, argv: list[str]) -> None:
    """
    `nox --version` and `nox --help` load neither a heavy package nor Typer.
    """
    assert set() == loaded(nox, *argv) & (HEAVY | {"typer"})


@pytest.mark.parametrize(
    "argv",
    [
        ["help", "exit-codes"],
        ["help", "states"],
        ["completion", "bash"],
        ["config", "show"],
        ["serve", "--help"],
        ["token", "--help"],
    ],
)
def test_commands_about_nox_itself_load_nothing_heavy(nox: Nox, argv: list[str]) -> None:
    """
    Help, settings and completion, which reads every command, load no store, engine, model, server or rich.
    """
    assert set() == loaded(nox, *argv) & HEAVY


def test_status_loads_the_local_store_and_no_more(nox: Nox) -> None:
    """
    `nox status` on the local store loads sqlite3, and none of the other heavy packages.
    """
    assert {"sqlite3"} == loaded(nox, "status") & HEAVY
    assert {"sqlite3"} == loaded(nox, "status", "--json") & HEAVY


@pytest.mark.parametrize("argv", [["status"], ["list"], ["wait", "@last", "--any", "--timeout", "1m"]])
def test_a_look_at_jobs_loads_no_more_than_it_needs(nox: Nox, redis_nox: Nox, argv: list[str]) -> None:
    """
    `nox status`, `list` and `wait` load neither dataclasses nor what only `nox doctor` needs.
    """
    for here, heavy in ((redis_nox, set[str]()), (nox, {"sqlite3"})):
        here("submit", "--kind", "echo", "--payload", "1", "--no-start", check=True)
        here("cancel", "@last", check=True)

        assert heavy == loaded(here, *argv, code=6 if "wait" in argv else 0) & (HEAVY | SPARED)


def test_status_over_redis_needs_no_redis_client(redis_nox: Nox) -> None:
    """
    `nox status JOB --json` over Redis reads through a plain connection.
    """
    job = redis_nox("submit", "--kind", "echo", "--payload", "1", check=True).stdout.strip()

    assert set() == loaded(redis_nox, "status", job, "--json") & HEAVY


def test_a_submit_of_structures_loads_no_models(nox: Nox, redis_nox: Nox, tmp_path: Path) -> None:
    """
    `nox submit FILE` types what its own reader has checked without pydantic, on either store.
    """
    (tmp_path / "h2.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.74\n")
    asked = ["submit", str(tmp_path / "h2.xyz"), "--opt", "-c", "0", "--no-start"]

    spared = HEAVY | SPARED - {"dataclasses"}  # a specification is one
    assert {"sqlite3"} == loaded(nox, *asked) & spared
    assert set() == loaded(redis_nox, *asked) & spared


# Does what an engine process does, then prints what was loaded before each job and after it.
ENGINE = """
import json, sys
from pathlib import Path
from workers.documents import SPEC
from workers.engine import registry
from workers.keeper import process

def loaded():
    return [name for name in sys.argv[2:] if name in sys.modules]

registry.preload(["tblite"])
structure = {"symbols": ["H", "H"], "positions_angstrom": [[0, 0, 0], [0, 0, 0.74]]}
found = []
for kind in ("sp", "opt"):
    spec = SPEC.validate_python({"kind": kind, "engine": "tblite", "structure": structure})
    registry.prepare(spec)
    found.append(loaded())
    registry.run(spec, Path(sys.argv[1]), lambda _: None, lambda _: None)
    found.append(loaded())
print("\\n" + json.dumps(found))
"""


def test_an_engine_process_loads_an_optimiser_with_the_first_optimisation(tmp_path: Path) -> None:
    """
    A single point needs neither optimiser nor vibrations; an optimisation has both before its limits are set.
    """
    steps = ["workers.engine.optimiser.optimise", "workers.engine.vibrations.frequencies", "threadpoolctl"]
    ended = subprocess.run(
        [sys.executable, "-c", ENGINE, str(tmp_path), *steps], stdout=subprocess.PIPE, text=True, check=True
    )

    assert [[], [], steps, steps] == json.loads(ended.stdout.splitlines()[-1])


def test_imports_only_config_reads_the_environment() -> None:
    """
    In nox_cli the process's environment is read in config/settings.py and nowhere else.
    """
    readers = [path for path in sources() if any(_reads_environment(node) for node in nodes(path))]

    assert [SOURCE / "config" / "settings.py"] == readers


def test_rich_is_drawn_with_in_render_only() -> None:
    """
    No module outside `nox_cli/render` imports rich.
    """
    users = [
        path for path in sources() if "rich" in {name for node in nodes(path) for name in _imported(node)}
    ]

    assert [] == [path for path in users if path.relative_to(SOURCE).parts[0] != "render"]


def test_typer_is_used_by_its_public_modules_only() -> None:
    """
    No module imports a private module of Typer, for types neither: any release may change those.
    """
    private = [
        path
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("typer._")
    ]

    assert [] == private


def sources() -> list[Path]:
    """List the sources of nox_cli."""
    return sorted(SOURCE.rglob("*.py"))


def nodes(path: Path) -> Iterator[ast.expr | ast.stmt | ast.keyword]:
    """Walk through a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.expr, ast.stmt, ast.keyword)):
            yield node


def _reads_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv"}
    return (
        isinstance(node, ast.Attribute)
        and node.attr in names
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ) or (
        isinstance(node, ast.ImportFrom) and node.module == "os" and any(a.name in names for a in node.names)
    )


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return set()
