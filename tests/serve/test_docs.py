"""The examples of docs/http.md, run against a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import complete

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from tests.support.server import Serve, Server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/http.md").read_text()
BLOCKS = [dedent(block) for block in re.findall(r"(?:^ {4}.*\n(?:\n(?= {4}))?)+", PAGE, flags=re.MULTILINE)]
SHELL = [block for block in BLOCKS if re.search(r"^(?:curl|printf) ", block, flags=re.MULTILINE)]
PYTHON = [block for block in BLOCKS if block.startswith("import ")]
ADDRESS, HOME_TOKEN = "http://127.0.0.1:8646", "~/.local/state/nox/serve.token"


@pytest.fixture
def page_server(nox: Nox, serve: Serve) -> Server:
    """A server with a job that has completed: number 1, whose artifacts the page reads."""
    server = serve(nox)
    with nox.store() as store:
        complete(store)
    return server


def test_the_examples_of_the_page_work(page_server: Server, tmp_path: Path) -> None:
    """
    Every curl of the page is answered, none by a problem, and the token appears in no argument.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = "\n".join(_here(block, page_server) for block in SHELL)
    script = re.sub(r"^curl -sS", "curl -sS --fail-with-body", script, flags=re.MULTILINE)

    ended = subprocess.run(
        ["sh", "-ex"],
        input=script,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert 10 <= script.count("curl")
    assert 3 <= ended.stdout.count('"state": "pending"')
    assert 0o600 == (tmp_path / ".nox-header").stat().st_mode & 0o777


def test_the_python_of_the_page_works(page_server: Server) -> None:
    """
    The example without another package submits a job and prints its status.
    """
    (block,) = PYTHON

    ended = subprocess.run(
        [sys.executable, "-c", _here(block, page_server)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == ended.returncode, ended.stderr
    assert "'state': 'pending'" in ended.stdout


def _here(block: str, server: Server) -> str:
    token = server.nox.home / "serve.token"
    return block.replace(ADDRESS, server.url).replace(HOME_TOKEN, str(token))
