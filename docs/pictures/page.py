"""Take pictures of the page of nox with real jobs: `python docs/pictures/page.py`.

It submits the jobs below in a home of their own, serves them, and writes what a browser shows to page-*.png
next to this file.  `nox` must be on PATH, with the extras `serve` and `smiles`; the browser is that of
Playwright, or `chromium`.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright
from rdkit import Chem
from rdkit.Chem import AllChem

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:8649"
LIMIT_MS = 60_000
SETTLED_MS = 2_000
# Pictures have this many colours, and then at most 100 KB.
COLOURS = 256
JOBS: tuple[tuple[str, ...], ...] = (
    ("submit", "aspirin.xyz", "caffeine.xyz", "--opt", "vtight", "--cycles", "2", "--batch", "screen"),
    ("submit", "benzene.xyz", "ethanol.xyz", "methanol.xyz", "water.xyz", "--opt", "--batch", "screen"),
    ("submit", "aspirin.xyz", "--ohess", "--alpb", "water"),
    ("submit", "butanol.xyz", "--split", "--ohess", "--alpb", "water", "--batch", "butanol"),
)
ASPIRIN = 7  # the number of the job that is shown
# These run or wait while the pictures are taken.
LATER: tuple[tuple[str, ...], ...] = (
    ("submit", "hexanol.xyz", "--split", "--ohess", "--batch", "hexanol"),
    ("submit", "caffeine.xyz", "--ohess", "--hold"),
)
# Files of conformers: SMILES, and their number.
CONFORMERS = {"butanol.xyz": ("CCCCO", 24), "hexanol.xyz": ("CCCCCCO", 60)}


def conformers(smiles: str, number: int) -> str:
    """Make conformers of a molecule, always the same, as xyz."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    found = AllChem.EmbedMultipleConfs(molecule, number, randomSeed=7)
    return "".join(Chem.MolToXYZBlock(molecule, confId=one) for one in found)


class Picture(NamedTuple):
    """One picture: its name, the view, and what makes the view ready for it."""

    name: str
    route: str
    ready: Callable[[Page], object]
    scheme: str = "light"
    width: int = 1280
    height: int = 800


def fill_form(page: Page) -> None:
    """Choose two files, and wait for their check."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([ROOT / "examples/aspirin.xyz", ROOT / "examples/caffeine.xyz"])
    page.get_by_role("button", name="Submit 2 jobs").wait_for()
    page.get_by_role("figure").wait_for()


def shows(text: str) -> Callable[[Page], object]:
    """Wait for a text."""
    return lambda page: page.locator("main").get_by_text(text).first.wait_for()


def has_figures(page: Page) -> None:
    """Wait for the first plot or molecule."""
    page.get_by_role("figure").first.wait_for()


PICTURES = (
    Picture("overview", "#/", shows("hexanol"), height=900),
    Picture("jobs", "#/jobs?sort=created", shows("aspirin"), "dark"),
    Picture("job", f"#/jobs/{ASPIRIN}", has_figures, height=1400),
    Picture("batch", "#/batches/butanol", has_figures, "dark", height=1100),
    Picture("submit", "#/submit?ohess=tight&alpb=water&batch=screen", fill_form),
    Picture("phone", "#/", shows("hexanol"), "dark", 390, 844),
)


def take(browser: Browser, picture: Picture, link: str) -> None:
    """Open a view by a link that signs in, and write its picture."""
    size = {"width": picture.width, "height": picture.height}
    with browser.new_context(viewport=size, color_scheme=picture.scheme, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        context.set_default_timeout(LIMIT_MS)
        page = context.new_page()
        page.goto(link)
        page.locator("#connection[data-state=live]").wait_for()
        page.evaluate("route => { location.hash = route; }", picture.route)
        picture.ready(page)
        page.wait_for_function("() => !document.querySelector('.skeleton')")
        page.wait_for_timeout(SETTLED_MS)  # plots and molecules are drawn after what is waited for
        drawn = Image.open(io.BytesIO(page.screenshot()))
    path = Path(__file__).with_name(f"page-{picture.name}.png")
    drawn.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Compute the jobs, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for structure in (ROOT / "examples").glob("*.xyz"):
            shutil.copy(structure, folder)
        for name, (smiles, number) in CONFORMERS.items():
            Path(folder, name).write_text(conformers(smiles, number))
        environ = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environ |= {"HOME": folder, "NOX_AUTOSTART": "never", "NOX_USER": "ada"}

        def nox(*words: str) -> str:
            ended = subprocess.run(
                ["nox", *words], env=environ, cwd=folder, check=True, capture_output=True, text=True
            )
            return ended.stdout

        def start(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(["nox", *words], env=environ, cwd=folder, stderr=subprocess.PIPE)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        for words in JOBS:
            nox(*words)
        start("worker", "--slots", "2", "--name", "node07")
        subprocess.run(["nox", "wait", "@all"], env=environ, cwd=folder, check=False, capture_output=True)
        for words in LATER:
            nox(*words)
        server = start("serve", "--bind", ADDRESS)
        assert server.stderr is not None
        next(line for line in server.stderr if b"listening" in line)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )
            for picture in PICTURES:
                take(browser, picture, nox("serve", "link").strip())
            browser.close()


if __name__ == "__main__":
    main()
