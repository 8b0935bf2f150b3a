"""Completion scripts: fresh, and right in the shells they are for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nox_cli.commandline.registry import COMMANDS
from tests.support.shells import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

KEPT = Path(__file__).parents[2] / "completions"
FILES = {"bash": "nox.bash", "zsh": "_nox", "fish": "nox.fish"}
TYPED = [
    ("nox sta\t\n", "<status>END"),
    ("nox list --outp\t csv\n", "<list><--output><csv>END"),
    ("nox list -o jsonl\t\n", "<list><-o><jsonl>END"),
    ("nox list --output=ts\t\n", "<list><--output=tsv>END"),
    ("nox wait @la\t\n", "<wait><@last>END"),
    ("nox submit wa\t\n", "<submit><water.xyz>END"),
    ("nox submit my\t\n", "<submit><my mol.xyz>END"),
    ("nox submit --opt ti\t\n", "<submit><--opt><tight>END"),
    ("nox submit --opt=ex\t\n", "<submit><--opt=extreme>END"),
    ("nox submit --opt tight wa\t\n", "<submit><--opt><tight><water.xyz>END"),
    ("nox submit -c -1 wa\t\n", "<submit><-c><-1><water.xyz>END"),
    ("nox submit --opt wa\t --engine tb\t\n", "<submit><--opt><water.xyz><--engine><tblite>END"),
    ("nox run wa\t\n", "<run><water.xyz>END"),
    ("nox --color alw\t sta\t\n", "<--color><always><status>END"),
    ("nox config sh\t --js\t\n", "<config><show><--json>END"),
    ("nox completion fi\t\n", "<completion><fish>END"),
    ("nox help exi\t\n", "<help><exit-codes>END"),
    ("nox submit --alpb thf\t wa\t\n", "<submit><--alpb><thf><water.xyz>END"),
    ("nox list --columns number,raw\t\n", "<list><--columns><number,raw_state>END"),
    ("nox results --columns=number,gap\t\n", "<results><--columns=number,gap_ev>END"),
    ("nox submit --retry-on scf,cra\t\n", "<submit><--retry-on><scf,crashed>END"),
    ("nox squeue --outp\t csv\n", "<squeue><--output><csv>END"),
    ("nox show @la\t\n", "<show><@last>END"),
    ("nox status @ba\tx\n", "<status><@batch:x>END"),
    ("nox status nam\tx\n", "<status><name:x>END"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with files to complete: one with a blank in its name."""
    for name in ("water.xyz", "my mol.xyz"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, nox: Nox, folder: Path) -> Iterator[Shell]:
    """An interactive shell that completes nox."""
    script = nox("completion", request.param, check=True).stdout
    started = Shell.completing(request.param, script, folder, {})
    yield started
    started.close()


@pytest.mark.parametrize("name", FILES)
def test_kept_scripts_are_fresh(nox: Nox, name: str) -> None:
    """
    What lies in completions/ is what `nox completion SHELL` prints (make completions).
    """
    assert (KEPT / FILES[name]).read_text() == nox("completion", name, check=True).stdout


def test_a_tab_writes_what_was_meant(shell: Shell) -> None:
    """
    In bash and zsh a TAB completes commands, options, values, levels, selectors and files, also with blanks.
    """
    for keys, expected in TYPED:
        shell.type(keys)

        assert shell.read_until("END").endswith(expected)


def test_bash_lists_every_command(nox: Nox, folder: Path) -> None:
    """
    `nox ` and two TABs in bash list every command, and no file.
    """
    bash = Shell.completing("bash", nox("completion", "bash", check=True).stdout, folder, {})
    bash.type("nox \t\t")
    shown = ""
    while not set(COMMANDS) <= set(shown.split()):
        shown += bash.read_until("\n")
    bash.close()

    assert "water.xyz" not in shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nox ", list(COMMANDS)),
        ("nox sta", ["status"]),
        ("nox list -o j", ["json", "jsonl"]),
        ("nox wait @l", ["@last"]),
        ("nox submit wa", ["water.xyz"]),
        ("nox submit my", ["my mol.xyz"]),
        ("nox submit --opt ti", ["tight"]),
        ("nox submit --opt wa", ["water.xyz"]),
        ("nox submit --engine ", ["auto", "tblite", "xtb", "xtb-cli"]),
        ("nox submit --gfn ", ["0", "1", "2"]),
        ("nox --color always sta", ["status"]),
        ("nox config ", ["path", "set", "show", "unset"]),
        ("nox config set colo", ["color"]),
        ("nox config show --js", ["--json"]),
        ("nox status zz", []),
        ("nox completion ", ["bash", "fish", "zsh"]),
        ("nox list --columns number,raw", ["number,raw_state"]),
        ("nox submit --gbsa d", ["dmf", "dmso"]),
        ("nox status @b", ["@batch:"]),
        ("nox ls -o j", ["json", "jsonl"]),
    ],
)
def test_fish_offers_what_may_stand_there(nox: Nox, folder: Path, line: str, expected: list[str]) -> None:
    """
    fish, asked for the candidates of a line, names those and no others.
    """
    (folder / "nox.fish").write_text(nox("completion", "fish", check=True).stdout)
    asked = f"source {folder}/nox.fish; cd {folder}; complete -C '{line}'"
    ended = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert sorted(expected) == sorted(candidate.partition("\t")[0] for candidate in ended.stdout.splitlines())


@pytest.mark.parametrize("name", FILES)
def test_completions_each_shell_is_here(name: str) -> None:
    """
    The shells these tests need are installed, so that none of them is tested in name only.
    """
    assert shutil.which(name)
