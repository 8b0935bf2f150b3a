"""`--profile` of `nox submit` and `nox run`: options from the user's settings file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.config.profiles import OPTIONS
from nox_cli.submission.options import SubmitOptions
from tests.support.shells import Shell
from workers.store.values import Query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.job import Job

QUERY = Query()
H2 = "2\n\nH 0 0 0\nH 0 0 0.74\n"
TIGHT = """\
# A comment.
[profile.tight]
opt = "tight"
alpb = "thf"
gfn = 1
cores = 2
memory = "1G"
tag = ["project=x", "set=1"]
retries = 2
retry-on = ["scf", "crashed"]

[profile.usual]
ohess = true
temp = 350
"""


@pytest.fixture
def own(nox: Nox) -> Path:
    """The user's own settings file, with two profiles."""
    path = nox.cwd / ".config/nox/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TIGHT)
    (nox.cwd / "h2.xyz").write_text(H2)
    return path


def submitted(nox: Nox, *words: str) -> tuple[dict[str, Any], Job, dict[str, Any]]:
    """Submit a molecule; return what `submit --json` prints, the job and its specification."""
    printed = json.loads(nox("submit", "h2.xyz", "--no-start", "--json", *words, check=True).stdout)
    job_id = printed["jobs"][0]["job_id"]
    with nox.store() as store:
        return printed, store.get(job_id), json.loads(store.spec(job_id))


@pytest.mark.usefixtures("own")
def test_profile_gives_the_options_of_a_submit(nox: Nox) -> None:
    """
    The record of the job has the values of the profile, and `submit --json` prints the profile.
    """
    printed, job, spec = submitted(nox, "--profile", "tight")

    assert ("opt", "tight", "gfn1", "alpb", "thf") == tuple(
        spec[name] for name in ("kind", "opt_level", "method", "solvation", "solvent")
    )
    assert (2, {"project": "x", "set": "1"}) == (job.cores, job.tags)
    assert ["crashed", "scf"] == sorted(job.retry_on)
    assert "tight" == printed["profile"]["name"]
    assert {"opt": "tight", "gfn": 1, "cores": 2}.items() <= printed["profile"]["options"].items()


@pytest.mark.usefixtures("own")
def test_profile_without_its_option_is_not_used(nox: Nox) -> None:
    """
    A profile is in force only if it is named.
    """
    printed, job, spec = submitted(nox)

    assert printed["profile"] is None
    assert ("sp", "gfn2", 1) == (spec["kind"], spec["method"], job.cores)


@pytest.mark.usefixtures("own")
def test_profile_yields_to_the_command_line(nox: Nox) -> None:
    """
    Options of the command line win, also over those that exclude them; a label replaces that of its key.
    """
    words = ("--sp", "--gfn", "2", "--gbsa", "water", "--cores", "1", "--tag", "set=2")
    printed, job, spec = submitted(nox, "--profile", "tight", *words)

    assert ("sp", "gfn2", "gbsa", "water") == tuple(
        spec[name] for name in ("kind", "method", "solvation", "solvent")
    )
    assert (1, {"project": "x", "set": "2"}) == (job.cores, job.tags)
    assert {"memory", "tag", "retries", "retry-on"} == set(printed["profile"]["options"])


@pytest.mark.usefixtures("own")
def test_profile_of_which_nothing_is_left_is_named(nox: Nox) -> None:
    """
    Options of the command line may replace all of a profile, which is stated.
    """
    shown = nox("submit", "h2.xyz", "--profile", "usual", "--sp", "--dry-run", check=True).stderr

    assert "profile usual: its options are all replaced" in shown


@pytest.mark.usefixtures("own")
def test_profile_yields_with_what_needs_its_calculation(nox: Nox) -> None:
    """
    The temperature of a profile means nothing to a single point of the command line, and is left out.
    """
    _, _, spec = submitted(nox, "--profile", "usual", "--sp")
    assert "sp" == spec["kind"]

    _, _, spec = submitted(nox, "--profile", "usual", "--hess")
    assert ("hess", 350.0) == (spec["kind"], spec["temperature_k"])


def test_unique_compares_the_values_of_a_profile(nox: Nox, own: Path) -> None:
    """
    A job of a profile equals one of the same options, and no longer once the profile has changed.
    """
    words = ("--opt", "tight", "--alpb", "thf", "--gfn", "1")
    plain, *_ = submitted(nox, *words, "--unique")
    same, *_ = submitted(nox, "--profile", "tight", "--unique")
    own.write_text(TIGHT.replace('"thf"', '"water"'))
    other, *_ = submitted(nox, "--profile", "tight", "--unique")

    assert same["jobs"][0]["existing"]
    assert plain["jobs"][0]["job_id"] == same["jobs"][0]["job_id"]
    assert not other["jobs"][0]["existing"]


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ('gfn = 1\nmethod = "gfn2"', 3, "a profile has no option 'method'"),
        ("input = 'x.inp'", 2, "a profile has no option 'input'"),
        ("retry_on = 'scf'", 2, "a profile has no option 'retry_on'"),
        ("gfn = 7", 2, "7 is not from 0 to 2"),
        ("gfn = 1.5", 2, "'1.5' is not a whole number"),
        ("cores = true", 2, "cores cannot be True"),
        ("gfnff = 'yes'", 2, "gfnff cannot be 'yes'"),
        ("opt = 'tight'\n\nalpb = 'blah'", 4, 'ALPB has no solvent "blah"'),
        ("opt = 'vtigth'", 2, "did you mean vtight?"),
        ("opt = true\nohess = true", 2, "--opt and --ohess contradict each other"),
        ("tag = 'x'", 2, '"x" is not a tag'),
        ("gfn = ['1']", 2, "gfn cannot be ['1']"),
        ("gfn = 1979-05-27", 2, "gfn cannot have such a value"),
    ],
)
def test_profile_with_a_fault_is_refused_with_its_line(
    nox: Nox, own: Path, lines: str, line: int, said: str
) -> None:
    """
    An unknown option or a bad value is an error of the line of the file, and nothing is stored.
    """
    own.write_text(f"[profile.bad]\n{lines}\n")
    ended = nox("submit", "h2.xyz", "--profile", "bad", "--no-start")

    assert 2 == ended.returncode
    assert f"{own}, line {line}: " in ended.stderr
    assert said in ended.stderr
    with nox.store() as store:
        assert {} == store.counts()


@pytest.mark.usefixtures("own")
def test_profile_that_is_not_there_is_refused(nox: Nox) -> None:
    """
    An unknown profile is an error that names those there are.
    """
    ended = nox("submit", "h2.xyz", "--profile", "loose", "--no-start")

    assert 2 == ended.returncode
    assert (
        'error: there is no profile "loose"; nothing was submitted\nhint: one of tight, usual\n'
        == ended.stderr
    )


@pytest.mark.usefixtures("own")
def test_profile_of_a_project_is_refused(nox: Nox) -> None:
    """
    A `.nox.toml` has no profiles: it could change what a name means to its user.
    """
    (nox.cwd / ".nox.toml").write_text("[profile.tight]\ngfn = 0\n")
    ended = nox("submit", "h2.xyz", "--profile", "tight", "--no-start")

    assert 2 == ended.returncode
    assert f"{nox.cwd}/.nox.toml, line 1: profile cannot be set in .nox.toml" in ended.stderr


def test_run_takes_a_profile(nox: Nox, own: Path) -> None:
    """
    `nox run --profile` computes with its options, and names them on stderr.
    """
    own.write_text("[profile.quick]\ngrad = true\n")
    ended = nox("run", "h2.xyz", "--profile", "quick", "--slots", "1", check=True)

    assert "profile quick: --grad\n" in ended.stderr
    with nox.store() as store:
        assert "grad" == store.page(QUERY).items[0].kind


def test_submit_shows_the_profile(nox: Nox, own: Path) -> None:
    """
    On a terminal `submit` prints the profile and the options that were taken from it.
    """
    own.write_text("[profile.usual]\nohess = true\ncores = 2\n")
    shell = Shell(
        ["sh", "-c", "$NOX submit h2.xyz --dry-run --profile usual --cores 1"], nox.cwd, nox.environ
    )
    shell.read_until("profile usual: --ohess\n")
    shell.close()


def test_profile_options_are_options_of_submit() -> None:
    """
    Each option of a profile is an option of `submit`, and none reads a file or passes words to a program.
    """
    fields = {option.replace("-", "_") for option in OPTIONS}

    assert fields <= set(SubmitOptions._fields)
    assert not fields & {"input", "passed_on", "files_from", "payload", "kind", "smiles", "force"}
