"""Nothing that nox reads can become code: no deserialiser but JSON, no shell, no evaluation."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("nox_cli", "workers")
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"}
FUNCTIONS = {"eval", "exec", "compile", "__import__"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}


def sources() -> list[Path]:
    """List the sources of nox."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def unsafe(source: str) -> list[str]:
    """Name what a module does that could make code of data, with lines."""
    return [f"{what} in line {line}" for node in ast.walk(ast.parse(source)) for what, line in _found(node)]


def _found(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names]
        modules = {name.partition(".")[0] for name in names if isinstance(node, ast.Import)}
        if isinstance(node, ast.ImportFrom):
            modules = {(node.module or "").partition(".")[0]} | (SHELLS & set(names))
        yield from ((name, node.lineno) for name in modules & (MODULES | SHELLS))
    if isinstance(node, ast.Attribute) and node.attr in SHELLS:
        yield node.attr, node.lineno
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            yield node.func.id, node.lineno
        if isinstance(node.func, ast.Attribute) and node.func.attr == "import_module":
            yield from (("import_module", node.lineno) for _ in [0] if _names_unsafe(node))
        for keyword in node.keywords:
            is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg in {"shell", "allow_pickle"} and not is_off:
                yield keyword.arg, node.lineno


def _names_unsafe(call: ast.Call) -> bool:
    return any(isinstance(word, ast.Constant) and word.value in MODULES for word in call.args)


def test_no_deserialisers_nothing_is_evaluated_unpickled_or_given_to_a_shell() -> None:
    """
    No pickle, marshal, yaml, eval, exec, shell=True or os.system in nox_cli and workers.
    """
    found = {str(path.relative_to(ROOT)): unsafe(path.read_text()) for path in sources()}

    assert {} == {path: what for path, what in found.items() if what}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import yaml as y",
        "from marshal import loads",
        "import importlib\nimportlib.import_module('dill')",
        "eval('1')",
        "exec(text)",
        "os.system(text)",
        "from os import system",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=is_shell)",
        "subprocess.getoutput(text)",
        "numpy.load(file, allow_pickle=True)",
    ],
)
def test_no_deserialisers_each_of_them_would_be_seen(source: str) -> None:
    """
    What is looked for is found in a module that has it.
    """
    assert unsafe(source)
