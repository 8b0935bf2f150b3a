"""Options of `nox alloc set`: what a pool cannot work with is refused before anything is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from nox_cli.alloc.definition import PoolOptions, budget_of, budget_words, described, differences
from nox_cli.argv import Call
from nox_cli.config.settings import load
from workers.errors import InputRefused, NoxError, UsageError
from workers.store.pools import Budget

if TYPE_CHECKING:
    from pathlib import Path

    from nox_cli.alloc.pool_file import PoolFile

OPTIONS = PoolOptions(cores=8, memory=2**34, time=14_400.0)


def made(
    tmp_path: Path, options: PoolOptions = OPTIONS, name: str = "small", words: tuple[str, ...] = ()
) -> PoolFile:
    """Make the file of a pool."""
    environ = {"HOME": str(tmp_path), "NOX_HOME": str(tmp_path / "state"), "REDIS_URL": "redis://head:6379/0"}
    found = load(environ, Call("alloc", ()))
    return described(name, options, words, (found, "0123", "head:6379/0"), os.environ)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("500h/day", Budget(1_800_000, 1)),
        ("123456789h/day", Budget(444_444_440_400, 1)),
        ("0.001h/day", Budget(4, 1)),
        ("0.5H/Week", Budget(1_800, 7)),
        (" 9000 h / month ", Budget(32_400_000, 30)),
    ],
)
def test_a_budget_is_core_hours_in_a_period(text: str, budget: Budget) -> None:
    """
    Of a day, seven, or thirty; it is written as it is read.
    """
    assert budget == budget_of(text)
    assert budget == budget_of(budget_words(budget))


@pytest.mark.parametrize(
    "text", ["", "500", "500h", "h/day", "0h/day", "-1h/day", "1h/year", "1e9h/day", "٣h/day", "1h/day/day"]
)
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    """
    With an example of one.
    """
    with pytest.raises(UsageError) as refused:
        budget_of(text)
    assert "500h/day" in refused.value.hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time": 60.0}, "leaves no time for jobs"),
        ({"time": 9e8}, "--time is"),
        ({"memory": 1_000}, "--memory is less than 1M"),
        ({"idle": 0.0}, "--idle"),
        ({"idle": 14_400.0}, "--idle"),
        ({"budget": Budget(3_600, 1)}, "--budget is 1 core hours, and one allocation takes 32"),
        ({"before": "echo 'open"}, "--before is not a line of bash"),
        ({"before": "}; echo"}, "--before is not a line of bash"),
        ({"before": "a\nb"}, "--before has to be one line"),
    ],
    ids=str,
)
def test_a_pool_that_cannot_work_is_refused(tmp_path: Path, changes: dict[str, float], words: str) -> None:
    """
    In one line, with the option that is wrong.
    """
    with pytest.raises(InputRefused, match=words) as refused:
        made(tmp_path, OPTIONS._replace(**changes))  # type: ignore[arg-type]
    assert "no pool was changed" == refused.value.did


@pytest.mark.parametrize("name", ["", "-x", "a.b", "a/b", "ä", "x" * 33, "a b", "a\n"])
def test_a_name_that_no_pool_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """
    Names of batch jobs and files are made of it.
    """
    with pytest.raises(NoxError, match="cannot be the name of a pool"):
        made(tmp_path, name=name)


@pytest.mark.parametrize("folder", ["new\nline", "back\\slash"])
def test_a_folder_that_a_batch_script_cannot_name_is_refused(tmp_path: Path, folder: str) -> None:
    """
    Slurm drops a backslash: the logs would be sent elsewhere, and the allocations would fail.
    """
    with pytest.raises(InputRefused, match="cannot be part of a batch script"):
        made(tmp_path / folder)


def test_a_pool_has_whole_minutes_and_mebibytes(tmp_path: Path) -> None:
    """
    As Slurm counts: what the store has is what is requested.
    """
    file = made(tmp_path, OPTIONS._replace(time=181.0, memory=2**30 + 5, idle=90.0))

    assert (240, 2**30, 90) == (file.time_s, file.memory_bytes, file.idle_s)


def test_a_pool_expects_the_engines_of_this_installation(tmp_path: Path) -> None:
    """
    The nodes share it; --before may add others, which are not known then.
    """
    assert "echo" in made(tmp_path).engines
    assert () == made(tmp_path, OPTIONS._replace(before="module load xtb")).engines


def test_what_changed_is_named_by_option(tmp_path: Path) -> None:
    """
    With the old and the new value, in words; an equal definition has no changes.
    """
    before = made(tmp_path)
    after = made(tmp_path, OPTIONS._replace(cores=4, budget=Budget(360_000, 7)), words=("-p", "a b"))

    assert {} == differences(before, made(tmp_path))
    assert {
        "--cores": ("8", "4"),
        "--budget": ("none", "100h/week"),
        "words of sbatch": ("none", "-p 'a b'"),
    } == differences(before, after)


def test_differences_name_the_settings_that_changed_and_no_others(tmp_path: Path) -> None:
    """
    One that is new or gone is none on the other side.
    """
    before = made(tmp_path)
    others = {name: value for name, value in before.environment.items() if name != "REDIS_URL"}
    after = replace(before, environment=others | {"REDIS_URL": "redis://other:6379/0"})
    without = replace(before, environment=others)

    assert {"REDIS_URL": ("redis://head:6379/0", "redis://other:6379/0")} == differences(before, after)
    assert {"REDIS_URL": ("redis://head:6379/0", "none")} == differences(before, without)
