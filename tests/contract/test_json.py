"""JSON output: one value or one a line, each with its schema, whatever the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from nox_cli.changes.json_objects import CancelRecord, ChangesRecord, CleanRecord, RecallRecord
from nox_cli.commandline.registry import COMMANDS
from nox_cli.completion.words import all_words
from nox_cli.doctor.json_objects import ExaminationRecord, SettingEdited, SettingsFilesRecord, SettingsRecord
from nox_cli.plots.json_objects import PlotRecord
from nox_cli.results.columns import JOB_FIELDS
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.json_objects import (
    EventRecord,
    JobRecord,
    ListedArtifact,
    Page,
    PublicJob,
    ResultRow,
    RunRecord,
    Submitted,
    WholeJob,
)
from nox_cli.tokens.json_objects import NewTokenRecord, RevokedRecord, TokenRecord
from nox_cli.watch.json_objects import (
    ChangeRecord,
    Explanation,
    GroupRecords,
    OverviewRecord,
    WaitRecord,
    WorkerRecord,
)
from tests.contract.test_help import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nox import Nox

WATER = Path(__file__).parents[2] / "examples/water.xyz"
# A call of every command that has JSON output, where @last is a job that completed.
ONE_VALUE = [
    ["status", "--json"],
    ["status", "@last", "--json"],
    ["status", "@last", "--raw"],
    ["status", "1", "2", "--json"],
    ["list", "--json"],
    ["list", "-o", "json"],
    ["results", "@last", "-o", "json"],
    ["fetch", "@last", "--ls", "--json"],
    ["plot", "2", "--kind", "convergence", "--json"],
    ["wait", "@last", "--json"],
    ["clean", "--dry-run", "--json"],
    ["explain", "@last", "--json"],
    ["explain", "1", "2", "--json"],
    ["cancel", "@last", "--json"],
    ["hold", "@last", "--json"],
    ["release", "@last", "--json"],
    ["set", "@last", "--priority", "1", "--json"],
    ["push", "--recall", "--yes", "--json"],
    ["worker", "list", "--json"],
    ["token", "new", "a", "--scope", "read", "--json"],
    ["token", "list", "--json"],
    ["token", "revoke", "a", "--json"],
    ["doctor", "--json"],
    ["config", "show", "--json"],
    ["config", "path", "--json"],
    ["config", "set", "color", "auto", "--json"],
    ["config", "unset", "color", "--json"],
    ["version", "--json"],
    ["retry", "@last", "--done", "--yes", "--json"],
    ["submit", "--kind", "echo", "--payload", "{}", "--json"],
    ["submit", "--kind", "echo", "--payload", "{}", "--json", "--wait"],
]
# The type of each command's JSON; all but rows of results refuse fields that they do not have.
TYPES: dict[str, Any] = {
    "status": OverviewRecord | WholeJob | PublicJob | Page[PublicJob],
    "list": Page[JobRecord] | JobRecord,
    "results": Page[ResultRow] | ResultRow,
    "fetch": Page[ListedArtifact],
    "plot": PlotRecord,
    "wait": WaitRecord,
    "clean": CleanRecord,
    "explain": Explanation | GroupRecords,
    "cancel": CancelRecord,
    "hold": ChangesRecord,
    "release": ChangesRecord,
    "set": ChangesRecord,
    "retry": ChangesRecord,
    "push": RecallRecord,
    "worker": Page[WorkerRecord],
    "token": NewTokenRecord | Page[TokenRecord] | RevokedRecord,
    "doctor": ExaminationRecord,
    "config": SettingsRecord | SettingsFilesRecord | SettingEdited,
    "version": dict[str, Any],
    "submit": Submitted,
    "watch": ChangeRecord,
    "events": EventRecord,
    "run": RunRecord,
}
# The commands that tell of jobs with their batches: in one value, and in lines or after a run.
BATCHED = ("status", "list", "results", "explain", "submit")
BATCHED_IN_LINES = ("list", "results", "events", "run")
LINES = [["list", "-o", "jsonl"], ["results", "@last", "-o", "jsonl"], ["watch", "@last", "--json"]]


@pytest.fixture
def busy(any_nox: Nox) -> Nox:
    """A nox with a worker and two completed jobs, one of them a calculation."""
    any_nox.worker("--slots", "1").wait_log("1 slot")
    any_nox("submit", "--kind", "echo", "--payload", '{"x": 1}', "--wait", check=True)
    any_nox("submit", str(WATER), "--opt", "--wait", check=True)
    return any_nox


def parsed(text: str) -> dict[str, Any]:
    """Read a JSON object strictly: no NaN, no key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        assert len(found) == len(pairs)
        return found

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document: dict[str, Any] = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    return document


def batches(value: object) -> Iterator[object]:
    """Find every `batch` in a document."""
    if isinstance(value, dict):
        yield from (value[key] for key in value if key == "batch")
        for inner in value.values():
            yield from batches(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from batches(inner)


def test_json_one_value_with_its_schema(busy: Nox) -> None:
    """
    Each command's JSON is one object on stdout, begins with "schema": 1, is of its type, and stderr is
    empty.  A job in no batch has `"batch": null` in each.
    """
    found: set[tuple[str, object]] = set()
    for argv in ONE_VALUE:
        ended = busy(*argv)
        document = parsed(ended.stdout)

        TypeAdapter(TYPES[argv[0]]).validate_json(ended.stdout)
        assert (argv, "schema", 1) == (argv, next(iter(document)), document["schema"])
        assert (argv, 0, "") == (argv, ended.returncode, ended.stderr)
        assert (argv, 1) == (argv, ended.stdout.count("\n"))
        found |= {(argv[0], batch) for batch in batches(document)}

    assert {(name, None) for name in BATCHED} == found


def test_a_line_an_object(busy: Nox) -> None:
    """
    NDJSON is one object a line, each with "schema": 1.
    """
    for argv in LINES:
        ended = busy(*argv, check=True)

        assert ended.stdout
        assert {1} == {parsed(line)["schema"] for line in ended.stdout.splitlines()}
        for line in ended.stdout.splitlines():
            TypeAdapter(TYPES[argv[0]]).validate_json(line)


def test_every_command_with_json_is_looked_at() -> None:
    """
    No command that takes --json is missing above, but those whose tests have calculations, a server or a
    batch system.
    """
    takes_json = {
        path
        for path, command in paths(all_words())
        if any("--json" in option.names for option in command.options)
    }
    below = {"show", "path", "set", "unset", "list", "new", "revoke"}
    looked_at = {tuple(argv[: 2 if argv[1] in below else 1]) for argv in [*ONE_VALUE, *LINES]}

    pools = {("alloc", name) for name in ("set", "run", "list", "show", "pause", "resume", "remove")}
    assert {("run",), ("cite",), ("open",), ("serve", "link")} | pools == takes_json - looked_at
    assert {path[0] for path in looked_at} <= set(COMMANDS)


def test_lists_have_items_and_a_cursor(any_nox: Nox) -> None:
    """
    A list is {schema, items, cursor}; so is the status of several jobs.
    """
    any_nox.submit("-", "--no-start", input='{"kind": "echo"}\n' * 2)
    for argv in (["list", "--json"], ["status", "1", "2", "--json"]):
        document = parsed(any_nox(*argv, check=True).stdout)

        assert ["schema", "items", "cursor"] == list(document)
        assert 2 == len(document["items"])


def test_rows_of_results_have_their_columns_in_order() -> None:
    """
    The type of a row names each column of `nox results`, in order, with those of comparisons and a payload.
    """
    compared = ComparisonOptions(boltzmann=True).fields()

    assert ["schema", *compared, "payload"] == list(ResultRow.__annotations__)


def test_records_of_jobs_have_the_columns_of_lists(nox: Nox) -> None:
    """
    A job's record has the columns of `nox list`, in order, behind its id.
    """
    nox.submit("-", "--no-start", input='{"kind": "echo"}\n')
    (line,) = nox("list", "-o", "jsonl", check=True).stdout.splitlines()

    assert ["schema", *dict.fromkeys(("job_id", *JOB_FIELDS))] == list(parsed(line))


def test_json_no_batch_is_null_everywhere(busy: Nox) -> None:
    """
    A job in no batch has `"batch": null` in every line of JSON, too; a batch is there under its name.
    """
    calls = [*LINES, ["events", "--since", "0"], ["run", str(WATER), "--json"]]
    found: set[tuple[str, object]] = set()
    for argv in calls:
        for line in busy(*argv).stdout.splitlines():
            TypeAdapter(TYPES[argv[0]]).validate_json(line)
            found |= {(argv[0], batch) for batch in batches(parsed(line))}
    assert {(name, None) for name in BATCHED_IN_LINES} == found

    busy("submit", str(WATER), "--batch", "cycle", check=True)
    named = parsed(busy("list", "--batch", "cycle", "--json", check=True).stdout)
    assert ["cycle"] == list(batches(named))


def test_records_are_as_their_schemas_say(busy: Nox) -> None:
    """
    What `nox schema record`, `event` and `submitted` describe is what is written: no field more, none less.
    """
    (first, *_) = parsed(busy("list", "--json", check=True).stdout)["items"]
    event = parsed(busy("events", "--since", "0", check=True).stdout.splitlines()[0])
    submitted = parsed(busy("submit", "--kind", "echo", "--payload", "{}", "--json").stdout)
    for name, model, document in (
        ("record", JobRecord, first),
        ("event", EventRecord, event),
        ("submitted", Submitted, submitted),
    ):
        TypeAdapter(model).validate_python(document)
        schema = json.loads(busy("schema", name, check=True).stdout)
        assert set(schema["properties"]) == set(document)
        assert {"string", "null"} == {one["type"] for one in schema["properties"]["batch"]["anyOf"]}


def test_the_public_form_of_a_job(busy: Nox) -> None:
    """
    `nox status JOB --json` is {schema, job_id, state, progress, message}, with a public state.
    """
    document = parsed(busy("status", "@last", "--json", check=True).stdout)

    assert ["schema", "job_id", "state", "progress", "message"] == list(document)
    assert "completed" == document["state"]
    assert 32 == len(document["job_id"])


def test_errors_are_json_too(any_nox: Nox) -> None:
    """
    With JSON asked for, an error is one JSON object on stderr, and stdout is empty.
    """
    for argv in (
        ["status", "999", "--json"],
        ["list", "-o", "json", "--limit", "-1"],
        ["wait", "zz", "--json"],
    ):
        ended = any_nox(*argv)
        document = parsed(ended.stderr)

        assert "" == ended.stdout
        assert (["schema", "error"], 1) == (list(document), document["schema"])
        assert ["code", "message", "hint"] == list(document["error"])
