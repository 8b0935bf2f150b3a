"""`workers.errors`: one tree, each class with words and a code of its own."""

from __future__ import annotations

import re

import pytest

from workers import errors
from workers.errors import NoxError, Retry, SubmitCut

CODES = {
    "NoxError": "error",
    "UsageError": "usage",
    "SettingsInvalid": "settings_invalid",
    "FileInTheWay": "file_in_the_way",
    "NothingMatched": "nothing_matched",
    "JobNotFound": "job_not_found",
    "ArtifactNotFound": "artifact_not_found",
    "InputRefused": "input_refused",
    "StoreError": "store_error",
    "StoreUnreachable": "store_unreachable",
    "StoreRefused": "store_refused",
    "NoxOutdated": "nox_outdated",
    "StoreFull": "store_full",
    "StoreBusy": "store_busy",
    "StoreDamaged": "store_damaged",
    "SubmitCut": "submit_cut",
    "NotDurable": "not_durable",
    "LeaseLost": "lease_lost",
    "EngineError": "engine_error",
    "EngineMissing": "engine_missing",
    "EngineInput": "input",
    "NotConverged": "not_converged",
    "ScfNotConverged": "scf",
    "EngineCrashed": "crashed",
    "OutOfMemory": "memory",
    "TimedOut": "timeout",
}


def tree() -> dict[str, type[NoxError]]:
    """Find every error class by name."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.__name__: kind for kind in kinds if issubclass(kind, NoxError)}


def test_codes_are_frozen() -> None:
    """
    JSON output names these codes, so none may change; a new class adds one.
    """
    assert CODES == {name: tree()[name].code for name in CODES}


def test_every_error_derives_from_one_and_has_its_own_code() -> None:
    """
    One tree, and no two classes say the same code.
    """
    codes = [kind.code for kind in tree().values()]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]

    assert {NoxError} == {
        kind for kind in kinds if issubclass(kind, Exception) and kind.__base__ is Exception
    }
    assert sorted(codes) == sorted(set(codes))
    assert [] == [name for name, kind in tree().items() if "code" not in vars(kind)]
    assert [] == [code for code in codes if not re.fullmatch(r"[a-z_]+", code)]


@pytest.mark.parametrize("kind", tree().values(), ids=tree())
def test_every_error_says_when_it_is_raised(kind: type[NoxError]) -> None:
    """
    The documentation's table of errors is made from these sentences.
    """
    assert (kind.__doc__ or "").startswith("Raised when")
    assert kind.retry in Retry


def test_a_message_says_what_happened_and_what_nox_did() -> None:
    """
    Both stand on one line; the hint is apart.
    """
    error = NoxError("redis refused the connection", did="the job was not submitted", hint="start redis")

    assert "redis refused the connection; the job was not submitted" == error.message
    assert "start redis" == error.hint
    assert "redis refused the connection" == str(error)


def test_a_message_without_a_deed_is_what_happened() -> None:
    """
    Where nox did nothing about it, the line ends with what happened.
    """
    assert "no such job: 7" == NoxError("no such job: 7").message


def test_a_cut_submit_names_what_is_kept() -> None:
    """
    Nobody has to guess which jobs are stored.
    """
    assert ("a", "b") == SubmitCut("the connection broke", stored=("a", "b")).stored


def test_an_engine_error_carries_its_evidence() -> None:
    """
    The lines that show why stay with the error, and so does a partial result.
    """
    failed = errors.EngineCrashed("the engine died", evidence=("SIGSEGV",))
    partial = errors.NotConverged("200 steps", partial={"steps": 200})

    assert ("SIGSEGV",) == failed.evidence
    assert {"steps": 200} == partial.partial
    assert () == partial.evidence
