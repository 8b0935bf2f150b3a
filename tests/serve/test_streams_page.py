"""docs/streams.md: its examples work, and print what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import run_well, water
from tests.support.stores import ADA, artifact, submit
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from tests.support.server import Serve

PAGE = (Path(__file__).parents[2] / "docs" / "streams.md").read_text()
EXAMPLES = re.findall(r"```(bash|python)\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)
LOG = "one\ntwo\n"
LIMIT_S = 60.0
# Ids, times and cursors differ from run to run.
OF_A_RUN = re.compile(r'[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<="cursor": )"[\d-]+"|(?<=id: )[\d-]+')


@pytest.mark.parametrize(("language", "code", "shown"), EXAMPLES)
def test_an_example_of_the_page_prints_what_it_shows(
    nox: Nox, serve: Serve, tmp_path: Path, language: str, code: str, shown: str
) -> None:
    """
    Job 1 of the batch `screen` ends while the example follows it.
    """
    nox.environ["NOX_USER"] = ADA
    server = serve(nox)
    environ = {"PATH": os.environ["PATH"], "NOX_URL": server.url, "NOX_TOKEN": server.token}
    program = ["bash", "-c", code] if language == "bash" else [sys.executable, "-u", "-c", code]
    printed = tmp_path / "printed"
    with nox.store() as store, printed.open("wb") as out:
        (job_id,) = submit(store, water(batch="screen"))
        with subprocess.Popen(program, env=environ, stdout=out) as example:
            if "snapshot" in shown:
                begun = "\nid: " if language == "bash" else "snapshot"
                wait_until(lambda: begun in printed.read_text(), LIMIT_S, "the state of the job")
            run_well(store, job_id, artifact("engine.log", LOG))
            assert 0 == example.wait(LIMIT_S)
    found = printed.read_text()

    if shown:
        assert OF_A_RUN.sub("*", shown).rstrip() == OF_A_RUN.sub("*", without_repeats(found)).rstrip()
    else:
        assert all(f"data: {line}\n" in found for line in LOG.splitlines())


def without_repeats(text: str) -> str:
    """Leave out blocks that name the same cursor again."""
    blocks: list[str] = []
    for block in text.split("\n\n"):
        if not (block.startswith("id: ") and block in blocks):
            blocks.append(block)
    return "\n\n".join(blocks)


def test_the_page_has_examples_of_both_kinds() -> None:
    """
    None is lost by a change of the page's form.
    """
    assert ["bash", "python", "bash", "bash"] == [language for language, _, _ in EXAMPLES]
