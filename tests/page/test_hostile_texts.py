"""Texts that an attacker chose, in every place where the page shows one."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.hostile import CONTROLS, LETTERS, MARKUP, SHELL
from tests.support.page_views import fill, go
from tests.support.programs import write_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.page.conftest import Visit
    from tests.support.browser import Faults
    from tests.support.nox import Nox

# Elements and addresses that no view makes, and letters that would show another text than is there.
SCAN = r"""() => [
    ...[...document.querySelectorAll("main img, main script, iframe, object, embed, form[action], [srcdoc]")]
        .map((one) => one.outerHTML),
    ...[...document.querySelectorAll("[href], [src]")].map((one) => one.href || one.src)
        .filter((address) => !/^(https?:|blob:http:)/.test(address)),
    ...[...document.querySelectorAll("*")].flatMap((one) => [...one.attributes])
        .filter(({name}) => name.startsWith("on")).map(({name, value}) => `${name}=${value}`),
    ...(document.body.dataset.hacked ? ["executed"] : []),
    ...[...document.querySelectorAll("[title], [aria-label]")]
        .flatMap((one) => [one.title, one.ariaLabel ?? ""])
        .filter((words) => /[^\P{C}\n\t\u00ad]/u.test(words)).map(escape),
    ...(document.body.innerText.match(/.{0,20}[^\P{C}\n\t\u00ad].{0,20}/gu) ?? []).map(escape),
]"""


@pytest.mark.parametrize(
    ("texts", "part"),
    [(MARKUP + SHELL, "<img src=x"), (CONTROLS + LETTERS, "touch hacked")],
    ids=["markup and shell", "letters and controls"],
)
def test_a_hostile_text_is_text_on_every_view(
    nox: Nox, visit: Visit, faults: Faults, tmp_path: Path, texts: tuple[str, ...], part: str
) -> None:
    """
    Names, tags, batches, files, solvents, workers, messages and logs execute nothing, and what is copied
    does nothing but call nox.
    """
    faults.allow("status of 404 .*/log$")
    with nox.store() as store:
        filled = fill(store, " ".join(texts))
    page = visit("#/submit", reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    commands: set[str] = set()
    for route in filled.routes:
        go(page, route)
        expect(page.locator("main")).to_contain_text(part)
        found[route] = page.evaluate(SCAN)
        commands |= set(page.locator(".command code").all_text_contents())

    assert {} == {route: faults for route, faults in found.items() if faults}
    run_all(commands, tmp_path)


def run_all(commands: set[str], folder: Path) -> None:
    """Run commands with a nox that does nothing; they must do nothing else."""
    program = write_program(folder / "bin" / "nox", "#!/bin/sh\n")
    empty = folder / "empty"
    empty.mkdir()
    for command in commands:
        assert command.isprintable()
        environ = {"PATH": f"{program.parent}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        subprocess.run(["sh", "-euc", command], env=environ, cwd=empty, check=True)
    assert [] == list(empty.iterdir())
