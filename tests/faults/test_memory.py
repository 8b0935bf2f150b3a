"""What is too large, too deep or without end: a client stays below 150 MB and a worker below 120 MB."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nox_cli.inputs.requests import read_value
from tests.support.memory import CLIENT_KIB, WORKER_KIB, peak_kib, peak_so_far_kib
from tests.support.waiting import wait_until
from workers.errors import InputRefused
from workers.job import FINAL

if TYPE_CHECKING:
    from tests.support.nox import Nox

MIB = 1024**2
DEEP = 100_000
PAYLOADS = {
    "deep": "[" * DEEP + "]" * DEEP,
    "deep objects": '{"a": ' * DEEP + "1" + "}" * DEEP,
    "a huge integer": "9" * 4 * MIB,
    "equal keys": "{" + '"a": 1, ' * DEEP + '"a": 2}',
    "many numbers": "[" + "0.5, " * 3 * MIB + "1]",
    "many arrays": "[" + "[]," * 5 * MIB + "1]",
    "many objects": "[" + '{"":1},' * 2 * MIB + "1]",
    "as many arrays as are read": "[" + "[]," * 120_000 + '"' + "x" * MIB + '"]',
    "as many objects as are read": "[" + '{"":1},' * 120_000 + '"' + "x" * MIB + '"]',
    "many infinities": "[" + "1e999, " * MIB + "1]",
    "a long text": '"' + "x" * 15 * MIB + '"',
    "more than is read": '"' + "x" * 17 * MIB + '"',
}


def request(what: str) -> str:
    """Write a request for an echo job."""
    return f'{{"kind": "echo", "payload": {PAYLOADS[what]}}}'


@pytest.mark.parametrize("name", ["sparse.xyz", "/dev/zero", "pipe.xyz", "full.xyz", "lines.xyz", "."])
def test_a_client_given_too_large_a_file(nox: Nox, name: str) -> None:
    """
    Five gibibytes, an endless device, a pipe, 16 MiB of atoms or of empty lines, and a directory are refused.
    """
    os.mkfifo(nox.cwd / "pipe.xyz")
    with (nox.cwd / "sparse.xyz").open("wb") as file:
        file.truncate(5 * 1024**3)
    (nox.cwd / "full.xyz").write_text("600000\n\n" + "He 0.0 0.0 0.00000001\n" * 600_000)
    (nox.cwd / "lines.xyz").write_text("\n" * 15 * MIB)

    assert CLIENT_KIB > peak_kib(nox, "submit", name, code=5)


@pytest.mark.parametrize("what", PAYLOADS)
def test_a_client_given_json_without_measure(nox: Nox, what: str) -> None:
    """
    Depth, digits, equal keys, numbers and texts beyond measure are refused.
    """
    assert CLIENT_KIB > peak_kib(nox, "submit", "-", code=5, stdin=request(what))


@pytest.mark.parametrize("what", ["deep", "deep objects", "a huge integer", "equal keys", "many infinities"])
def test_json_without_measure_is_refused_soon(what: str) -> None:
    """
    Refusing it takes less than a second of the processor's time.
    """
    began = time.process_time()
    with pytest.raises(InputRefused):
        read_value(PAYLOADS[what], "payload")

    assert time.process_time() - began < 1


def test_a_worker_given_what_a_client_would_refuse(nox: Nox) -> None:
    """
    Specifications edited in the store, too deep and too large, and engines that print beyond measure: each
    job ends, and the worker itself stays small.
    """
    for _ in range(3):
        nox.submit("--kind", "echo", "--no-start")
    deeds = [{"do": "babble", "mib": 200}, {"do": "tell", "print": ["x" * 1000] * 900}]
    for deed in deeds:
        nox("submit", "-", "--no-start", input=json.dumps({"kind": "echo", "payload": deed}), check=True)
    with closing(sqlite3.connect(nox.home / "nox.sqlite3")) as database, database:
        for number, what in enumerate(("deep", "a long text", "many numbers"), 1):
            database.execute("UPDATE specs SET spec = ? WHERE number = ?", (request(what), number))
    worker = nox.worker("--slots", "1", standin=True)
    with nox.store() as store:
        jobs = store.with_numbers(1, 5)
        wait_until(lambda: all(job.state in FINAL for job in store.get_many(jobs)), 60, lambda: worker.log)
        messages = [nox.status(job)["message"] for job in jobs[:3]]
    peak = peak_so_far_kib(worker.pid)

    assert peak < WORKER_KIB
    assert ["the job cannot be read: it is larger than 1 MiB"] * 2 == messages[1:]
    assert messages[0].startswith("the job cannot be read: ")
