"""Completion of what is stored: jobs, batches, labels, files; in real shells, on both stores."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import COMMAND
from tests.support.programs import write_program
from tests.support.shells import Shell
from tests.support.stores import ADA, artifact, new_job, outcome, run_to_end, submit
from tests.support.waiting import wait_until
from workers.store.sqlite.home import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nox import Nox
    from tests.support.proxy import Proxy

LIMIT_S = 60.0
# Job 1 has the first of these names, and so on; each would do harm, or be another name, if a shell read it.
HOSTILE = (
    "my mol",
    "$(touch harm)",
    "`touch harm`",
    "it's",
    "a*b",
    "Käse;touch harm",
    "p:q:r",
    'w"!!"',
    "x&y|z>harm",
    "~root",
)
BREAKS = " \t\n\"'@><=;|&(:"


@pytest.fixture
def folder(any_nox: Nox, tmp_path: Path) -> Path:
    """A directory with a nox that is on PATH, and a store with jobs."""
    made = tmp_path / "place"
    write_program(made / "bin/nox", f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    jobs = [new_job(name, batch="b 1", tags={"project": "x y"}) for name in HOSTILE]
    jobs += [new_job("last", batch="day:2")]
    any_nox.environ["NOX_USER"] = ADA
    with any_nox.store() as store:
        store.submit(jobs, submission="s")
    return made


def environ(nox: Nox, folder: Path) -> dict[str, str]:
    """Make the environment of a shell."""
    return nox.environ | {"PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": str(folder)}


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, any_nox: Nox, folder: Path) -> Iterator[Shell]:
    """An interactive shell that completes nox, and has one on PATH."""
    script = any_nox("completion", request.param, check=True).stdout
    started = Shell.completing(request.param, script, folder, environ(any_nox, folder))
    yield started
    started.close()


def complete(nox: Nox, *words: str) -> list[str]:
    """Ask nox for candidates as a shell does, without descriptions; again if it was too slow (exit 1)."""

    def ask() -> tuple[list[str], ...]:
        ended = nox("__complete", *words)
        assert (ended.stderr, ended.returncode in {0, 1}) == ("", True)
        found = [line.partition("\t")[0] for line in ended.stdout.splitlines()]
        return () if ended.returncode else (found,)

    return wait_until(ask, LIMIT_S, "an answer")[0]


def test_a_tab_completes_jobs(any_nox: Nox, shell: Shell, folder: Path) -> None:
    """
    In bash and zsh a TAB completes numbers, names, batches and labels; hostile names are quoted, not run.
    """
    any_nox("config", "set", "profile.thf.alpb", "thf", check=True, env={"HOME": str(folder)})
    typed = [
        ("nox submit --profile t\t", "<submit><--profile><thf>"),
        ("nox config set profile.t\tgfnf\t tr\t", "<config><set><profile.thf.gfnff><true>"),
        ("nox config set autos\t nev\t", "<config><set><autostart><never>"),
        ("nox status name:la\t", "<status><name:last>"),
        ("nox status @batch:b\t", "<status><@batch:b 1>"),
        ("nox status @batch:day:\t", "<status><@batch:day:2>"),
        ("nox status @failed:cra\t", "<status><@failed:crashed>"),
        ("nox list --batch da\t", "<list><--batch><day:2>"),
        ("nox list --tag pro\t", "<list><--tag><project=x y>"),
        ("nox list --tag=project=\t", "<list><--tag=project=x y>"),
        ("nox --color always status name:la\t", "<--color><always><status><name:last>"),
        ("nox wait 11\t", "<wait><11>"),
        ("nox wait las\t", "<wait><last>"),
        ("nox wait day\t", "<wait><day:2>"),
        ("nox wait tag:\t", "<wait><tag:project=x y>"),
        *((f"nox status name:{_beginning(name)}\t", f"<status><name:{_glob(name)}>") for name in HOSTILE),
    ]
    for keys, expected in typed:
        wait_until(lambda k=keys, e=expected: shell.writes(k, e), LIMIT_S, keys)  # type: ignore[misc]

    assert not (folder / "harm").exists()


def _beginning(name: str) -> str:
    """Type the first two characters of a name as a person would."""
    return "".join(
        sign if sign.isalnum() or sign == ":" else f"\\{sign}" for sign in name[:2].replace("*", "")
    )


def _glob(name: str) -> str:
    return name.replace("*", "[*]")


def test_bash_lists_jobs_with_name_and_state(any_nox: Nox, folder: Path) -> None:
    """
    A second TAB in bash lists the numbers of jobs with their states and names.
    """
    script = any_nox("completion", "bash", check=True).stdout
    bash = Shell.completing("bash", script, folder, environ(any_nox, folder))
    bash.type("nox status 1\t\t")
    bash.read_until("11  queued last", again="\t\t")
    bash.close()


def test_fish_offers_jobs(any_nox: Nox, folder: Path) -> None:
    """
    In fish a TAB offers what is stored, with descriptions.
    """
    (folder / "nox.fish").write_text(any_nox("completion", "fish", check=True).stdout)

    def offered(line: str) -> list[str]:
        asked = f"source {folder}/nox.fish; cd {folder}; complete -C {shlex.quote(line)}"
        ended = subprocess.run(
            ["fish", "--no-config", "-c", asked],
            env=environ(any_nox, folder),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return sorted(ended.stdout.splitlines())

    for line, expected in {
        "nox status 11": ["11\tqueued last"],
        "nox status name:my": ["name:my mol\t1 queued"],
        "nox status name:my\\ m": ["name:my mol\t1 queued"],
        "nox status '$(": ["$(touch harm)\t2 queued"],
        "nox list --tag=pr": ["--tag=project=x y"],
        "nox status @batch:": ["@batch:", "@batch:b 1", "@batch:day:2"],
    }.items():
        wait_until(lambda a=line, e=expected: offered(a) == e, LIMIT_S, line)  # type: ignore[misc]
    assert not (folder / "harm").exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nox status name:my\\ m", "my\\ mol"),
        ('nox status "name:my m', "name:my mol"),
        ("nox status 'name:p:", "name:p:q:r"),
        ("nox status name:p:", "q:r"),
        ("nox status 'name:it", ""),
        ('nox status "name:$(', "name:\\$(touch harm)"),
        ('nox status "name:w', ""),
    ],
)
def test_completion_writes_a_name_as_the_line_quotes_it(
    any_nox: Nox, folder: Path, line: str, expected: str
) -> None:
    """
    For bash a candidate is the part that readline replaces, quoted as the line is; what cannot be so is none.
    """
    assert ([expected] if expected else []) == complete(any_nox, "bash", "jobs", line, BREAKS)
    assert not (folder / "harm").exists()


def test_completion_finds_files_of_the_job_before(any_nox: Nox) -> None:
    """
    `nox fetch JOB` completes the names of the files of that job.
    """
    any_nox.environ["NOX_USER"] = ADA
    with any_nox.store() as store:
        job_id, *_ = submit(store, new_job("a"))
        run_to_end(store, job_id, outcome(artifacts=(artifact("opt.xyz"), artifact("engine.log"))))

    assert ["engine.log", "opt.xyz"] == sorted(complete(any_nox, "zsh", "files", "nox", "fetch", "1", ""))
    assert ["opt.xyz"] == complete(any_nox, "zsh", "files", "nox", "fetch", "-d", "out", "name:a", "o")


def test_completion_offers_bare_names_that_name_one_thing(any_nox: Nox) -> None:
    """
    A name without a prefix is offered if one job or one batch has it, as a command would take it.
    """
    any_nox.environ["NOX_USER"] = ADA
    with any_nox.store() as store:
        submit(store, *(new_job(name, batch="sole") for name in ("same", "same", "sort", "[set]")))

    assert ["sole", "sort"] == sorted(complete(any_nox, "zsh", "jobs", "nox", "status", "s"))
    assert ["[set]"] == complete(any_nox, "zsh", "jobs", "nox", "status", "[")


def test_completion_finds_batches_below_large_ones(any_nox: Nox) -> None:
    """
    Batches are found although the newest one has more jobs than are looked at.
    """
    any_nox.environ["NOX_USER"] = ADA
    with any_nox.store() as store:
        for batch, count in (("first", 3), ("second", 400), ("third", 500)):
            store.submit([new_job(batch=batch) for _ in range(count)], submission=batch)

    def is_found() -> bool:
        return complete(any_nox, "zsh", "batches", "nox", "list", "") == ["third", "second", "first"]

    wait_until(is_found, LIMIT_S, "all batches")


def test_completion_offers_few_jobs_of_many(any_nox: Nox) -> None:
    """
    Of many jobs the newest are offered, and those at both ends that begin as the typed word.
    """
    any_nox.environ["NOX_USER"] = ADA
    with any_nox.store() as store:
        store.submit([new_job(f"m{number:04}") for number in range(1, 1_201)], submission="s")

    assert [str(number) for number in range(1_200, 1_150, -1)] == complete(any_nox, "zsh", "jobs", "nox", "")
    found = complete(any_nox, "zsh", "jobs", "nox", "11")
    assert {"11", "110", "119", "1199"} <= set(found)
    names = complete(any_nox, "zsh", "jobs", "nox", "name:m")
    assert {"name:m1200", "name:m0001"} <= set(names)
    assert len(names) <= 100


def test_completion_knows_settings_and_profiles(nox: Nox) -> None:
    """
    `nox config set` completes options of profiles and values, `--profile` the names of profiles.
    """
    nox("config", "set", "profile.thf.alpb", "thf", check=True)

    assert ["thf"] == complete(nox, "zsh", "profiles", "nox", "submit", "--profile", "t")
    assert ["profile.thf."] == complete(nox, "zsh", "keys", "nox", "config", "set", "pro")
    assert ["profile.new.gfn", "profile.new.gfnff"] == complete(nox, "zsh", "keys", "nox", "profile.new.gf")
    assert ["never"] == complete(nox, "zsh", "values", "nox", "config", "set", "autostart", "n")
    assert ["water"] == complete(nox, "zsh", "values", "nox", "config", "set", "profile.a.gbsa", "w")


def test_completion_makes_no_store(nox: Nox) -> None:
    """
    Without a store nothing is offered, and none is made.
    """
    nox.environ["NOX_HOME"] = str(nox.home / "new")

    assert [] == complete(nox, "zsh", "jobs", "nox", "status", "")
    assert [] == list(nox.home.iterdir())


@pytest.mark.parametrize(
    "words", [(), ("zsh",), ("zsh", "nothing", ""), ("csh", "jobs", ""), ("bash", "jobs")]
)
def test_completion_of_nonsense_offers_nothing(nox: Nox, words: tuple[str, ...]) -> None:
    """
    Whatever `nox __complete` is given, it prints nothing and exits 0.
    """
    assert [] == complete(nox, *words)


def test_completion_of_a_damaged_store_offers_nothing(nox: Nox) -> None:
    """
    A store that cannot be read offers nothing and is left as it is; neither do settings that are wrong.
    """
    (nox.home / DATABASE).write_bytes(b"no store at all")

    assert [] == complete(nox, "zsh", "jobs", "nox", "status", "")
    assert b"no store at all" == (nox.home / DATABASE).read_bytes()
    nox.environ["NOX_AUTOSTART"] = "perhaps"
    assert [] == complete(nox, "zsh", "jobs", "nox", "status", "")


@pytest.mark.parametrize(("trouble", "code"), [("hold", 1), ("refuse", 0)])
def test_completion_leaves_a_redis_that_is_silent(nox: Nox, proxy: Proxy, trouble: str, code: int) -> None:
    """
    Of a Redis that does not answer, or refuses, nothing is offered; the limit of its usual commands is not
    awaited: completion ends with 1 before.
    """
    nox.environ["REDIS_URL"] = proxy.url
    getattr(proxy, trouble)()

    ended = nox("__complete", "zsh", "jobs", "nox", "status", "")
    assert (code, "", "") == (ended.returncode, ended.stdout, ended.stderr)
