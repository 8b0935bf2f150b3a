"""Files sent as a form, as browsers do: what `POST /jobs` makes of them, and what a form offers."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.inputs.form import read_form
from nox_cli.submission import drafts
from tests.support.nox import LIMIT_S
from tests.support.waiting import wait_until
from workers.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from fastapi.testclient import TestClient

    from tests.support.nox import Nox
    from tests.support.server import Server

WATER = b"3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
HYDROXIDE = b"2\n\nO 0 0 0\nH 0 0 0.97\n"
RADICAL = b"2\nuhf=1\nO 0 0 0\nH 0 0 0.97\n"
MOL = b"hydrogen\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n" + b"".join(
    b"    0.0000    0.0000    %.4f H   0  0\n" % z for z in (0.0, 0.74)
)
H2 = MOL + b"  1  2  1  0\nM  END\n"
MANY_LINES = 6_000_000
# What differs between two submits of the same files.
OWN = {"job_id", "number", "created_at", "batch", "revision", "ready_at", "queued_at", "digest"}


def form(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """Make the parts of a form."""
    return [("file", (name, content)) for name, content in files]


def test_files_of_a_form_become_the_jobs_of_nox_submit(
    client: httpx2.Client, server: Server, tmp_path: Path
) -> None:
    """
    A form with files gives the records that `nox submit` gives: names, sources, charges from files next to
    them, formats by name, and packed files.
    """
    files = {
        "set/water.xyz": WATER,
        "set/ion.xyz": HYDROXIDE,
        "set/ion.CHRG": b"-1\n",
        "set/h2.mol": H2,
        "set/packed.xyz.gz": gzip.compress(RADICAL),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    structures = [name for name in files if not name.endswith(".CHRG")]
    options = ("--opt", "tight", "--alpb", "water", "--tag", "a=b", "--cores", "2")

    printed = server.nox("submit", *structures, *options, "--json", cwd=tmp_path, check=True)
    parameters = {"opt": "tight", "alpb": "water", "tag": "a=b", "cores": "2"}
    sent = client.post("/jobs", files=form(*files.items()), params=parameters)

    assert 201 == sent.status_code, sent.text
    told, found = json.loads(printed.stdout), sent.json()
    assert ["water", "ion", "h2", "packed"] == [job["name"] for job in found["jobs"]]
    assert told["batch"].startswith("set-")
    assert found["batch"].startswith("set-")
    for ours, theirs in zip(found["jobs"], told["jobs"], strict=True):
        assert record(client, theirs["job_id"]) == record(client, ours["job_id"])


def record(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    """Read what a job is, without what is its own."""
    found: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
    return {name: value for name, value in found.items() if name not in OWN}


def test_a_form_reads_no_file_of_the_server(
    app_client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The name of a sent file is a name: no file of that name, and none next to it, is opened.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".CHRG").write_text("1")
    for name in ("ion.CHRG", "ion.UHF"):
        (tmp_path / name).write_text("1")
    names = ("ion.xyz", str(tmp_path / "ion.xyz"), "../ion.xyz", "/etc/passwd")

    answer = app_client.post(
        "/jobs/check", files=form(*((name, HYDROXIDE) for name in names)), params={"uhf": "auto"}
    )

    jobs = answer.json()["plan"]["jobs"]
    assert [(name, 0, "default") for name in names] == [
        (job["file"], job["charge"], job["charge_origin"]) for job in jobs
    ]


def test_refusals_of_a_form_name_file_line_and_column(app_client: TestClient) -> None:
    """
    Each refused file is named, with line and column; nothing is stored.
    """
    files = form(
        ("good.xyz", WATER),
        ("a/bad.xyz", b"1\n\nXx 0 0 0\n"),
        ("x.cif", b"data_"),
        ("cut.xyz.gz", gzip.compress(WATER)[:20]),
        ("odd.xyz", HYDROXIDE),
    )

    answer = app_client.post("/jobs", files=files)

    refusals = answer.json()["refusals"]
    assert 422 == answer.status_code
    assert ["a/bad.xyz:3:1", "x.cif: ", "cut.xyz.gz", "odd.xyz: "] == [
        one["message"][: len(start)]
        for one, start in zip(refusals, ("a/bad.xyz:3:1", "x.cif: ", "cut.xyz.gz", "odd.xyz: "), strict=True)
    ]
    assert [1, 2, 3, 4] == [one["index"] for one in refusals]
    assert [] == app_client.get("/jobs").json()["items"]


def test_refused_files_of_a_form_are_let_go(app_client: TestClient) -> None:
    """
    Packed files of a few kilobytes may have megabytes each: not all of them are in memory at once.
    """
    packed = gzip.compress(b"\n" * MANY_LINES)
    tracemalloc.start()
    answer = app_client.post("/jobs/check", files=form(*((f"{one}.xyz.gz", packed) for one in range(12))))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ["more than 1,000,000 lines"] * 12 == [
        one["message"].partition(": ")[2] for one in answer.json()["refusals"]
    ]
    assert peak < 8 * MANY_LINES


def test_a_form_is_unpacked_within_a_limit(app_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It holds for all files together, so that a small body is not hours of work.
    """
    monkeypatch.setattr(drafts, "MOST_SENT_BYTES", 1024**2)
    blank = gzip.compress(WATER + b" " * 600_000)
    files = form(*((f"{one}.xyz.gz", blank) for one in range(4)))

    answer = app_client.post("/jobs", files=files)
    assert ["2.xyz.gz: not unpacked", "3.xyz.gz: not unpacked"] == [
        one["message"].partition(",")[0] for one in answer.json()["refusals"]
    ]
    assert [] == app_client.get("/jobs").json()["items"]
    damaged = form(("damaged.xyz.gz", blank[:-9]), ("good.xyz.gz", blank))
    assert 2 == len(app_client.post("/jobs", files=damaged).json()["refusals"])
    assert 201 == app_client.post("/jobs", files=files[:2]).status_code


def test_a_form_sent_again_makes_no_second_job(app_client: TestClient) -> None:
    """
    The same files with the same key are the same jobs, though each form has a boundary of its own; other
    files, or files by another name, are refused.
    """
    key = {"Idempotency-Key": "once"}

    def post(*files: tuple[str, bytes]) -> Any:
        return app_client.post("/jobs", files=form(*files), headers=key)

    first, again = (
        post(("set/a.xyz", WATER), ("set/b.xyz", WATER)),
        post(("set/a.xyz", WATER), ("set/b.xyz", WATER)),
    )

    assert 201 == first.status_code
    assert first.json() == again.json()
    assert first.json()["batch"].startswith("set-")
    assert 422 == post(("set/a.xyz", WATER), ("set/c.xyz", WATER)).status_code
    assert 422 == post(("set/a.xyz", WATER), ("set/b.xyz", WATER), (".CHRG", b"2")).status_code
    assert 2 == len(app_client.get("/jobs").json()["items"])


def test_a_form_with_too_many_files_is_refused_unread(app_client: TestClient) -> None:
    """
    More files than a request may make jobs are refused before one of them is read.
    """
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.xyz"\r\n\r\nbad\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    answer = app_client.post("/jobs/check", content=part * 10_001 + b"--x--\r\n", headers=headers)

    assert (413, "too_many") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"no form", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="opt"\r\n\r\ntight\r\n--x--\r\n', "a/b; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n1', "a/b; boundary=x"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(content: bytes, kind: str) -> None:
    """
    A malformed form, one that is cut off, one without a boundary, and a field that is no file are refused.
    """
    with pytest.raises(UsageError):
        read_form(content, kind)


def test_names_of_files_are_read_as_browsers_write_them() -> None:
    """
    A browser escapes quotes and line ends in the name of a file.
    """
    head = 'Content-Disposition: form-data; name="file"; filename="a%22b%0A\N{GREEK SMALL LETTER ALPHA}.xyz"'
    content = b"--x\r\n" + head.encode() + b"\r\n\r\n1\r\n--x--\r\n"

    (found,) = read_form(content, "multipart/form-data; boundary=x").structures

    assert os.fsdecode(b'a"b\n\xce\xb1.xyz') == found.path
    assert b"1" == found.content


def test_a_check_describes_what_would_be_computed(app_client: TestClient) -> None:
    """
    A check returns the engine, the charges with their sources, and formula, electrons and atoms of each job.
    """
    files = form(("ion.xyz", HYDROXIDE), ("ion.CHRG", b"-1"), ("water.xyz", WATER))

    found = app_client.post("/jobs/check", files=files, params={"opt": "loose", "alpb": "water"}).json()

    plan = found["plan"]
    assert plan["engine"].startswith("tblite ")
    assert [(-1, 0, "ion.CHRG", 1), (0, 0, "default", 1)] == [
        tuple(one[name] for name in ("charge", "unpaired_electrons", "origin", "count"))
        for one in plan["charges"]
    ]
    ion, water = plan["jobs"]
    assert ("ion", "ion.xyz", "opt", "HO", 2, -1, "ion.CHRG", 0, 10) == tuple(
        ion[name]
        for name in (
            *("name", "file", "calculation", "formula", "n_atoms"),
            *("charge", "charge_origin", "unpaired_electrons", "electrons"),
        )
    )
    assert ["O", "H", "H"] == water["structure"]["symbols"]
    assert [0.76, 0.59, 0.0] == water["structure"]["positions_angstrom"][1]


def test_a_check_describes_the_first_jobs_only(app_client: TestClient) -> None:
    """
    Of many jobs the first 200 are described, and the atoms of the first structures.
    """
    atoms = b"".join(b"He %d 0 0\n" % (3 * place) for place in range(300))
    files = form(*((f"{number}.xyz", b"300\n\n" + atoms) for number in range(5)))
    many = [{"kind": "echo", "payload": 1}] * 201

    structures = app_client.post("/jobs/check", files=files).json()["plan"]["jobs"]
    echoes = app_client.post("/jobs/check", json=many).json()

    assert [True, True, True, False, False] == [job["structure"] is not None for job in structures]
    assert (201, 200) == (len(echoes["jobs"]), len(echoes["plan"]["jobs"]))
    assert echoes["plan"]["jobs"][0]["electrons"] is None


def test_choices_are_those_of_a_submit(app_client: TestClient) -> None:
    """
    `GET /choices` names the parameters of `POST /jobs`, and each solvent and engine it names is accepted.
    """
    app: Any = app_client.app
    described = {one["name"] for one in app.openapi()["paths"]["/jobs"]["post"]["parameters"]}

    found = app_client.get("/choices").json()

    assert described - {"idempotency-key"} == found["parameters"].keys()
    assert {"least": 1, "most": 1_024} == {
        name: found["parameters"]["cores"][name] for name in ("least", "most")
    }
    optimisation = found["parameters"]["opt"]
    assert "vtight" in optimisation["choices"]
    assert ("Calculation", "normal") == (optimisation["group"], optimisation["implied"])
    assert {"array", "boolean", "integer", "number", "string"} == {
        one["type"] for one in found["parameters"].values()
    }
    for method in found["methods"]:
        for model, solvents in method["solvents"].items():
            for solvent in solvents[:1]:
                answer = app_client.post(
                    "/jobs/check",
                    files=form(("a.xyz", WATER)),
                    params={**method["parameters"], model: solvent},
                )
                assert 200 == answer.status_code, answer.text


def test_a_form_with_cores_that_no_worker_has_is_checked_with_a_warning(
    app_client: TestClient, any_nox: Nox
) -> None:
    """
    A check warns of jobs that no living worker could run, as a submit does.
    """
    any_nox.worker()
    files = form(("a.xyz", WATER))

    def warnings() -> list[str]:
        found: list[str] = app_client.post("/jobs/check", files=files, params={"cores": "1000"}).json()[
            "warnings"
        ]
        return found

    wait_until(lambda: any("1 job will wait" in one for one in warnings()), LIMIT_S, "a warning")
