"""`nox list`: jobs, newest first."""

from __future__ import annotations

import csv
import json
import subprocess
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from nox_cli.results import job_record
from nox_cli.results.columns import JOB_FIELDS
from tests.support.ended import complete
from tests.support.nox import COMMAND
from tests.support.stores import BOB, claim, failed, new_job, submit, submit_named
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def listed(nox: Nox, *words: str) -> list[str]:
    """List jobs by name."""
    return nox("list", "--columns", "name", "-o", "tsv", *words, check=True).stdout.splitlines()[1:]


def fill(store: Store) -> None:
    """Store five jobs of ada's, of several states, and one of bob's."""
    submit_named(store, "cat int1", batch="cycle", tags={"set": "a"})
    submit_named(store, "ts prod rad")
    store.finish(claim(store).lease, failed())
    claim(store)
    submit_named(store, "his", owner=BOB)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "rad prod ts int1 cat"),
        ("--sort number", "cat int1 ts prod rad"),
        ("--sort -number --limit 2", "rad prod"),
        ("--state failed", "cat"),
        ("--state running,failed", "int1 cat"),
        ("--state pending --state queued", "rad prod ts"),
        ("--name [ip]*", "prod int1"),
        ("--batch cycle", "int1 cat"),
        ("--tag set=a", "int1 cat"),
        ("--since 1h", "rad prod ts int1 cat"),
        ("--since 2020-01-01", "rad prod ts int1 cat"),
        ("--since 2120-01-01", ""),
        ("--all-users --limit 1", "his"),
        ("@failed", "cat"),
        ("@waiting", "rad prod ts"),
        ("@batch:cycle --state failed", "cat"),
        ("@batch:cycle --batch other", ""),
        ("@failed --state running", ""),
        ("name:[ip]* --name *1", "int1"),
        ("tag:set=a @waiting --sort number", "cat int1 ts prod rad"),
        ("tag:set=a --tag set=b", ""),
        ("cycle", "int1 cat"),
        ("prod 1-2", "prod int1 cat"),
        ("1-2 5 --state running,waiting", "rad int1"),
        ("1,5,3 --limit 2", "rad ts"),
        ("1-5 --sort -priority --name ?a?", "rad cat"),
        ("1-5 --sort ended", "cat"),
        ("6", "his"),
        ("@waiting --all-users --limit 2", "his rad"),
        ("@waiting @failed --all-users --limit 2", "his rad"),
        ("@batch:none @failed:memory", ""),
    ],
)
def test_filters_and_order(any_nox: Nox, any_store: Store, words: str, expected: str) -> None:
    """
    A list is one's own jobs, newest first; options narrow and order it.
    """
    fill(any_store)

    assert expected.split() == listed(any_nox, *words.split())


def test_going_on_from_a_cursor(any_nox: Nox, any_store: Store) -> None:
    """
    The cursor of a page leads to the next; the last page has none.
    """
    fill(any_store)
    first = json.loads(any_nox("list", "--limit", "3", "--json").stdout)
    second = json.loads(any_nox("list", "--json", "--cursor", first["cursor"]).stdout)

    assert ["rad", "prod", "ts"] == [job["name"] for job in first["items"]]
    assert ["int1", "cat"] == [job["name"] for job in second["items"]]
    assert second["cursor"] is None


@pytest.mark.parametrize("sort", ["created", "-number", "priority", "-priority"])
def test_going_on_with_selected_jobs(any_nox: Nox, any_store: Store, sort: str) -> None:
    """
    A list of jobs that are named one by one has cursors too, and ends where it ends; others' are refused.
    """
    fill(any_store)
    words = ["list", "2-5", "@all", "--sort", sort, "--name", "[itpr]*"]
    whole = [job["name"] for job in json.loads(any_nox(*words, "--json", check=True).stdout)["items"]]
    pages: list[list[str]] = []
    cursor = ""
    while cursor is not None and len(pages) < 5:
        page = json.loads(any_nox(*words, "--json", "--limit", "2", "--cursor", cursor, check=True).stdout)
        pages += [[job["name"] for job in page["items"]]]
        cursor = page["cursor"]

    assert ["int1", "ts", "prod", "rad"] == (whole[::-1] if sort.startswith("-") else whole)
    assert [whole[:2], whole[2:]] == pages
    refused = any_nox(*words, "--cursor", "number-down.1")
    assert (2, True) == (refused.returncode, "the cursor is not one of this list" in refused.stderr)


def test_list_of_what_is_not_there(nox: Nox, store: Store) -> None:
    """
    A number without a job exits 3, and a word that names nothing 2; ids come from stdin too.
    """
    fill(store)

    assert (3, 2) == (nox("list", "99").returncode, nox("list", "prodd").returncode)
    assert ["name", "ts", "cat"] == nox(
        "list", "-", "-o", "tsv", "--columns", "name", input="1\n3\n"
    ).stdout.split()


def test_the_forms(nox: Nox, store: Store) -> None:
    """
    CSV and JSON have the same fields, NDJSON is an object a line, -q is ids only.
    """
    job_id = complete(store)
    (row,) = csv.DictReader(StringIO(nox("list", "-o", "csv").stdout))
    (item,) = json.loads(nox("list", "-o", "json").stdout)["items"]
    (line,) = nox("list", "-o", "jsonl").stdout.splitlines()

    assert [*JOB_FIELDS] == list(row)
    assert {"schema", *JOB_FIELDS} == set(item)
    assert item == json.loads(line)
    assert [job_id] == nox("list", "-q").stdout.splitlines() == nox("list", "-o", "ids").stdout.splitlines()
    assert ("completed", "done", "-5.0705441235", "3") == (
        row["state"],
        row["raw_state"],
        row["energy_hartree"],
        row["n_atoms"],
    )
    assert row["created_at"] == item["created_at"]


def test_the_fields_are_those_of_a_record(store: Store) -> None:
    """
    The names of columns are exactly the fields of a job's record.
    """
    (job_id,) = submit_named(store, "cat")

    assert set(JOB_FIELDS) == set(job_record.record(store.get(job_id)))


def test_the_table(nox: Nox, store: Store) -> None:
    """
    The table has energies with 8 decimals, and raw states.
    """
    complete(store)
    header, row = nox("list").stdout.splitlines()

    assert ["#", "name", "state", "calc", "atoms", "E/Eh", "time", "created", "note"] == header.split()
    assert ["1", "water", "done", "opt", "3", "-5.07054412"] == row.split()[:6]
    assert "" == nox("list", "--name", "none").stdout


@pytest.mark.parametrize(
    "words",
    [
        "--state bad",
        "--sort bad",
        "--since bad",
        "--tag bad",
        "--limit 0",
        "--json --limit 10001",
        "--columns bad",
        "-o bad",
        "--cursor bad",
    ],
)
def test_list_what_makes_no_sense(nox: Nox, words: str) -> None:
    """
    An option's value that makes no sense is a usage error, with a hint.
    """
    ended = nox("list", *words.split())

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "hint" in ended.stderr


def test_a_reader_that_leaves(nox: Nox, store: Store) -> None:
    """
    `nox list | head -1` is quiet and a success on both sides.
    """
    for start in range(0, 2_000, 200):
        submit(store, *(new_job(f"job{start + index}") for index in range(200)))
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$@" | head -1', "bash", *COMMAND, "list", "--limit", "2000"],
        env=nox.environ,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "", 1) == (piped.returncode, piped.stderr, piped.stdout.count("\n"))


def test_a_batch_is_counted(any_nox: Nox, any_store: Store) -> None:
    """
    A person who lists a batch is told how many of its jobs are in which state, of those not listed too.
    """
    submit_named(any_store, "a b c", batch="x")
    any_store.cancel(any_store.with_numbers(1, 1), owner=None)
    with Terminal(any_nox, "list", "--batch", "x", "--limit", "1") as terminal:
        terminal.wait_for("batch x: 1 cancelled · 2 waiting")
        assert 0 == terminal.end()
