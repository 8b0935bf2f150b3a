"""Command lines as users of other programs type them: each gets one hint, and nothing is done."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from nox_cli import argv
from nox_cli.commandline import mistakes
from nox_cli.commandline.registry import COMMANDS, load
from nox_cli.exits import ExitCode
from tests.contract.test_errors import Ran

if TYPE_CHECKING:
    from pathlib import Path

# a command line -> a part of its message, and the beginning of its hint
LINES = {
    # words of other programs in the place of the command
    "rm 42": (
        "no command 'rm'; nothing was done",
        "nox clean 42 removes ended jobs, nox cancel 42 stops others",
    ),
    "delete @batch:old": ("nothing was done", "nox clean @batch:old removes ended jobs"),
    "kill -9 42": ("nothing was done", "nox cancel 42 stops jobs"),
    "scancel 42 43": ("nothing was done", "nox cancel 42 43 stops jobs"),
    "scancel -u ada": ("nothing was done", "nox cancel --all stops jobs"),
    "qdel": ("nothing was done", "nox cancel SEL stops jobs"),
    "stop 'name:a b'": ("nothing was done", "nox cancel 'name:a b' stops jobs"),
    "jobs @failed": ("no command 'jobs'", "did you mean nox list @failed?"),
    "qstat": ("no command 'qstat'", "did you mean nox list?"),
    "info 42": ("no command 'info'", "did you mean nox status 42?"),
    "describe 42": ("no command 'describe'", "did you mean nox status 42?"),
    "log 42": ("no command 'log'", "did you mean nox logs 42?"),
    "tail 42": ("no command 'tail'", "did you mean nox logs --follow 42?"),
    "tail -f 42": ("no command 'tail'", "did you mean nox logs --follow 42?"),
    "LIST": ("no command 'LIST'", "did you mean nox list?"),
    "w.xyz --opt": ("no command 'w.xyz'", "did you mean nox submit w.xyz --opt?"),
    "--all-users ls": ("no option --all-users before", "options follow the command: nox ls --all-users"),
    "squeue --me": ("no such option: --me", "without it these are your jobs: nox list"),
    "list -s failed": ("no such option: -s", "did you mean --state STATE,...?"),
    "run w.xyz --nproc 2": ("no such option: --nproc", "did you mean --cores NUMBER?"),
    "alloc set a -p main": (
        "no such option: -p",
        "options of sbatch go after --: nox alloc set POOL ... -- -p",
    ),
    "alloc set a --partition=b": ("no such option: --partition", "options of sbatch go after --"),
    "alloc add a": ("no such command 'add'", "did you mean nox alloc set?"),
    "config edit": ("no such command 'edit'", "did you mean nox config set?"),
    "start": ("no command 'start'", "did you mean nox worker?"),
    "sinfo": ("no command 'sinfo'", "did you mean nox worker list?"),
    "sbatch w.xyz": ("no command 'sbatch'", "did you mean nox submit w.xyz?"),
    "qsub w.xyz": ("no command 'qsub'", "did you mean nox submit w.xyz?"),
    "srun w.xyz": ("no command 'srun'", "did you mean nox run w.xyz?"),
    "xtb w.xyz --opt": ("no command 'xtb'", "did you mean nox run w.xyz --opt?"),
    "opt w.xyz": ("no command 'opt'", "did you mean nox submit --opt w.xyz?"),
    "rerun @failed": ("no command 'rerun'", "did you mean nox retry @failed?"),
    "requeue 42": ("no command 'requeue'", "did you mean nox retry 42?"),
    "suspend 42": ("no command 'suspend'", "did you mean nox hold 42?"),
    "resume 42": ("no command 'resume'", "did you mean nox release 42?"),
    "edit 42": ("no command 'edit'", "did you mean nox set 42?"),
    "get 42": ("no command 'get'", "did you mean nox fetch 42?"),
    "export": ("no command 'export'", "did you mean nox results -o csv?"),
    "why 42": ("no command 'why'", "did you mean nox explain 42?"),
    "stauts 42": ("no command 'stauts'", "did you mean nox status 42?"),
    "-v": ("no option -v before a command", "did you mean nox --version?"),
    "--list": ("no option --list before a command", "did you mean nox list?"),
    "worker ls": ("no such command 'ls'", "did you mean nox worker list?"),
    "worker start": ("no such command 'start'", "one of list"),
    "token create ci": ("no such command 'create'", "did you mean nox token new?"),
    "token rm ci": ("no such command 'rm'", "did you mean nox token revoke?"),
    "config shw": ("no such command 'shw'", "did you mean nox config show?"),
    "config": ("missing command", "one of show, path"),
    "help selector": ("no help on 'selector'", "did you mean nox help selectors?"),
    # options of xtb, ORCA and Slurm
    "submit w.xyz --gfn gfn2": ("'gfn2' is not a whole number", "did you mean 2?"),
    "submit w.xyz --gfn 3": ("3 is not from 0 to 2", "nox submit --help"),
    "submit w.xyz --opt vtigth": ("'vtigth' is not one of 'crude', 'sloppy',", "did you mean vtight?"),
    "submit w.xyz --ohess=thight": ("'thight' is not one of 'crude', 'sloppy',", "did you mean tight?"),
    "submit w.xyz -o json": ("-o means --opt here, and json is neither", "--json prints JSON"),
    "submit w.xyz -o x.json": ("-o means --opt here, and x.json is neither", "--json prints JSON"),
    "submit w.xyz --output json": ("no such option: --output", "did you mean --json?"),
    "submit w.xyz --charge 1": ("no such option: --charge", "did you mean --chrg CHARGE?"),
    "submit w.xyz --multiplicity 3": ("no such option: --multiplicity", "did you mean --mult"),
    "submit w.xyz --solvent water": ("no such option: --solvent", "did you mean --alpb SOLVENT?"),
    "submit w.xyz --alpb watr": ('no solvent "watr"', "did you mean water?"),
    "submit w.xyz --freq": ("no such option: --freq", "did you mean --ohess"),
    "submit w.xyz --optimize": ("no such option: --optimize", "did you mean --opt"),
    "submit w.xyz --method gfn2": ("no such option: --method", "did you mean --gfn"),
    "submit w.xyz --engine xbt": ("'xbt' is not one of 'auto', 'xtb',", "did you mean xtb?"),
    "submit w.xyz --parallel 4": ("no such option: --parallel", "did you mean --cores"),
    "submit w.xyz -P 4": ("no such option: -P", "did you mean --cores"),
    "submit w.xyz --mem 4G": ("no such option: --mem", "did you mean --memory SIZE?"),
    "submit w.xyz -t 1:00": ("no such option: -t", "did you mean --time DURATION?"),
    "submit w.xyz -J a": ("no such option: -J", "did you mean --name NAME?"),
    "submit w.xyz --dependency 42": ("no such option: --dependency", "did you mean --after SEL?"),
    "submit w.xyz --pop": (
        "no such option: --pop",
        "options of the xtb program go after --",
    ),
    "submit w.xyz ohess": ("ohess: no such file; nothing was submitted", "did you mean --ohess?"),
    "submit w.xyz --md": ("no such option: --md", "nox submit --help"),
    "submit w.xyz --cores four": ("'four' is not a whole number", "nox submit --help"),
    # forms, units, columns, states
    "results -o x.csv": ("'x.csv' is not one of 'table',", "nox results -o csv > x.csv"),
    "list @failed --output=x.json": ("'x.json' is not one of", "nox list @failed --output=json > x.json"),
    "results -o xlsx": ("'xlsx' is not one of 'table',", "did you mean csv?"),
    "list -o yaml": ("'yaml' is not one of 'table',", "did you mean json?"),
    "list --format json": ("no such option: --format", "did you mean --output FORM?"),
    "status --jsn": ("no such option: --jsn", "did you mean --json?"),
    "results --unit cal": ("'cal' is not one of 'hartree',", "did you mean kcal?"),
    "results --columns enrgy": ('no column "enrgy"', "did you mean energy_hartree?"),
    "list --columns nam": ('no column "nam"', "did you mean name?"),
    "list --state runing": ('"runing" is no state', "did you mean running?"),
    "squeue -u ada": ("no such option: -u", "did you mean --all-users?"),
    "retry @failed --force": ("no such option: --force", "did you mean --yes?"),
    "events --tail": ("no such option: --tail", "did you mean --follow?"),
    "worker --jobs 4": ("no such option: --jobs", "did you mean --slots"),
    "wait --timeout": ("option '--timeout' requires an argument", "write --timeout"),
    "schema results": ("'results' is not one of 'result',", "did you mean result?"),
    "completion": ("missing argument 'SHELL'", "one of bash, zsh, fish; for example: "),
    "fetch": ("missing argument 'SEL'", "for example: nox fetch @last"),
    "clean --older": ("option '--older' requires an argument", "write --older DURATION"),
}


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A state directory and a current one of this test's own, with a structure."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.74\n")
    return {"NOX_HOME": str(tmp_path / "state"), "HOME": str(tmp_path), "NOX_AUTOSTART": "never"}


@pytest.mark.parametrize("line", LINES)
def test_mistakes_get_one_hint(environ: dict[str, str], line: str) -> None:
    """
    The message and its hint are two lines, and no job is stored.
    """
    ran = Ran(*shlex.split(line), environ=environ)
    message, hint = ran.said.splitlines()

    refused = ExitCode.INPUT_REFUSED if "no such file" in message else ExitCode.USAGE
    assert (refused, "") == (ran.code, ran.stdout.getvalue())
    assert LINES[line][0] in message
    assert hint.startswith(f"hint: {LINES[line][1]}")
    assert "\\n" not in ran.said
    assert "\\t" not in ran.said
    assert "" == Ran("list", "-q", environ=environ).stdout.getvalue()


@pytest.mark.parametrize(
    "line",
    [
        "submit w.xyz --gfn2 --no-start",
        "submit w.xyz --scc --dry-run",
        "submit w.xyz --opt=TIGHT --dry-run",
        "submit w.xyz --engine AUTO --dry-run",
        "ls",
        "ps @all",
        "queue -o json",
        "squeue --state running",
        "show",
        "help ls",
        "ls --help",
    ],
)
def test_spellings_that_nox_knows(environ: dict[str, str], line: str) -> None:
    """
    Levels and choices in capitals, xtb's own options, and other names of commands work.
    """
    ran = Ran(*shlex.split(line), environ=environ)

    assert (ExitCode.DONE, False) == (ran.code, "error" in ran.said)


@pytest.mark.parametrize("unit", ["eV", "EV", "kcal/mol", "kJ/mol", "Eh", "kcal"])
def test_units_as_they_are_printed(environ: dict[str, str], unit: str) -> None:
    """
    `--unit` takes a unit as people write it; there are no results here, which is another error.
    """
    ran = Ran("results", "--unit", unit, environ=environ)

    assert (ExitCode.NOTHING_MATCHED, True) == (ran.code, "no job matches @last" in ran.said)


def test_aliases_are_named_in_help_of_their_command_only(environ: dict[str, str]) -> None:
    """
    The help of `list` and `status` has their other names; the overview does not.
    """
    assert "nox ls, nox ps, nox queue, nox squeue" in Ran("help", "list", environ=environ).stdout.getvalue()
    assert "nox show" in Ran("help", "show", environ=environ).stdout.getvalue()
    lines = Ran("help", "--all", environ=environ).stdout.getvalue().splitlines()
    assert set() == set(argv.ALIASES) & {line.split()[0] for line in lines if line}


def test_habits_lead_to_commands_that_there_are() -> None:
    """
    No word of the tables is a command, and each leads to one; every option leads to one of some command.
    """
    words = {**mistakes.HABITS, **argv.ALIASES, **mistakes.DESTRUCTIVE}
    known = {option for name in COMMANDS for param in load(name).params for option in param.opts}

    assert set() == set(words) & set(COMMANDS)
    assert set() == {line.split()[0] for line in mistakes.HABITS.values()} - set(COMMANDS)
    wanted = {one for options in mistakes.OPTIONS.values() for one in options}
    assert set() == wanted - known - {"--debug", "--color"}
