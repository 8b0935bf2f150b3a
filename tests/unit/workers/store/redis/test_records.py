"""Values on their way into Redis and out of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.stores import claimant, new_job
from workers.errors import InputRefused
from workers.job import JobState, Progress, Reason
from workers.store.redis.records import (
    artifact_of,
    attempts_of,
    counts_of,
    event_of,
    job_of,
    packed_claimants,
    packed_jobs,
    packed_progress,
    workers_of,
)
from workers.store.values import Ahead

SOUND = {"id": "0" * 32, "n": "7", "s": "queued", "o": "ada", "k": "echo", "c": "1700000000000"}
ATTEMPT = {
    "number": 1,
    "round": 1,
    "worker": "node-1-a",
    "started_ms": 1,
    "ended_ms": 2,
    "ended_as": "given_back",
    "message": "",
    "ran": True,
}
ARTIFACT = {"name": "opt.xyz", "size": 7, "sha256": "ab", "mime": "chemical/x-xyz", "host": "", "path": ""}


def record(**fields: str) -> bytes:
    """Write a record as the scripts hand it out."""
    return json.dumps(SOUND | fields).encode()


def test_absent_fields_have_their_defaults() -> None:
    """
    Only what is not default is stored.
    """
    job = job_of(record())

    assert (7, JobState.QUEUED, "ada", 1, 0, 0) == (
        job.number,
        job.state,
        job.owner,
        job.cores,
        job.priority,
        job.attempt,
    )
    assert (None, None, {}, Progress()) == (job.reason, job.ended_ms, job.tags, job.progress)


@pytest.mark.parametrize("missing", ["n", "s", "o", "k", "c"])
def test_a_record_that_lacks_a_field_is_damaged(missing: str) -> None:
    """
    What is left is still told, above all the id.
    """
    fields = {name: value for name, value in SOUND.items() if name != missing}
    job = job_of(json.dumps(fields).encode())

    assert (SOUND["id"], JobState.FAILED, Reason.DAMAGED) == (job.id, job.state, job.reason)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("s", "banana"),
        ("at", "-1"),
        ("at", "two"),
        ("at", "\N{SUPERSCRIPT TWO}"),
        ("p", "high"),
        ("r", "whim"),
        ("m", "1e9"),
        ("pe", "nan"),
        ("pf", "half"),
        ("t", "[1]"),
        ("t", "{"),
        ("t", "null"),
        ("t", "[" * 100_000),
        ("st", ""),
    ],
)
def test_a_record_that_says_nonsense_is_damaged(field: str, value: str) -> None:
    """
    No value in a record can raise.
    """
    job = job_of(record(**{field: value}))

    assert (JobState.FAILED, Reason.DAMAGED, "ada", 7 if field != "n" else 0) == (
        job.state,
        job.reason,
        job.owner,
        job.number,
    )


def test_bytes_that_are_no_text_are_damage() -> None:
    """
    A script hands bytes out as they are; the id is still told.
    """
    job = job_of(record(nm="NAME").replace(b"NAME", b"\xff\xfe"))

    assert (SOUND["id"], Reason.DAMAGED) == (job.id, job.reason)


@given(
    st.dictionaries(
        st.sampled_from(["n", "s", "o", "k", "c", "p", "t", "r", "at", "pe", "ps", "st"]), st.text()
    )
)
def test_records_no_record_raises(fields: dict[str, str]) -> None:
    """
    Whatever stands in the fields, there is a job to show.
    """
    assert SOUND["id"] == job_of(record(**fields)).id


def test_records_what_stands_beside_is_left_out_if_it_cannot_be_read() -> None:
    """
    A foreign line among attempts, events, workers or counts hides no other.
    """
    good = {"number": 1, "round": 1, "worker": "w", "started_ms": 1, "ended_ms": 2, "ended_as": "given_back"}
    event = [b"i", b"x", b"n", b"1", b"s", b"queued", b"a", b"0", b"r", b"", b"b", b""]

    assert [1] == [attempt.number for attempt in attempts_of([b"{", b"[]", json.dumps(good).encode()])]
    assert event_of(b"5-0", [b"foo", b"bar"]) is None
    assert event_of(b"5-0", event) is not None
    assert [] == workers_of([1, b"w", b"1", b"1", b"{}", b""], 6_000)
    assert {JobState.DONE: 3} == counts_of(
        [b"done ada", b"3", b"banana ada", b"1", b"failed ada", b"0"], None
    )


def test_counts_are_added_up_over_owners() -> None:
    """
    One owner's are hers alone, whatever the name looks like.
    """
    flat = [b"done ada", b"3", b"done ada b", b"4"]

    assert {JobState.DONE: 7} == counts_of(flat, None)
    assert {JobState.DONE: 3} == counts_of(flat, "ada")
    assert {JobState.DONE: 4} == counts_of(flat, "ada b")


@pytest.mark.parametrize("field", ["owner", "lane", "engine"])
def test_a_text_that_would_blur_shapes_is_refused(field: str) -> None:
    """
    The character between the parts of a shape cannot be in one of them.
    """
    with pytest.raises(InputRefused):
        packed_jobs([new_job(**{field: "a\x1fb"})])


def test_a_text_that_is_none_is_refused() -> None:
    """
    A file's name may hold bytes that are no text; they cannot be stored.
    """
    with pytest.raises(InputRefused):
        packed_jobs([new_job("caf\udce9")])


def test_a_claimant_of_any_owner_names_none() -> None:
    """
    An owner that is empty is an owner.
    """
    any_owner, one_owner = packed_claimants([claimant(owner=None), claimant(owner="")])
    assert "owner" not in json.loads(str(any_owner[0]))
    assert "" == json.loads(str(one_owner[0]))["owner"]


def test_claimants_of_one_slot_are_written_once() -> None:
    """
    What does not change from one to the next is left out, also after one that claims nothing.
    """
    same, wider = claimant(sequence=1), claimant(slot=2, sequence=4, cores=9)
    ahead = same._replace(slot=1, sequence=3, ahead=Ahead(2, "echo", "sp", 5))
    first, *rest = packed_claimants([same, None, ahead, wider])

    assert (0, 1, "") == first[1:]
    assert [("", "", "", ""), ("", 1, 3, '[2, "echo", "sp", 5]')] == rest[:2]
    assert 9 == json.loads(str(rest[2][0]))["cores"]


def test_progress_keeps_zeros_apart_from_nothing() -> None:
    """
    Zero is a number; what is not known is empty.
    """
    assert ["0.0", "opt", "0", "", "", "1e-05"] == packed_progress(
        Progress(fraction=0.0, phase="opt", step=0, gradient_norm_hartree_per_bohr=1e-5)
    )


def test_fields_of_a_newer_nox_are_ignored() -> None:
    """
    An attempt or an artifact that has a field more is read without it.
    """
    (tried,) = attempts_of([json.dumps(ATTEMPT | {"host": "node"}).encode()])
    kept = artifact_of(json.dumps(ARTIFACT | {"checked": True}).encode(), b"content")

    assert tuple(ATTEMPT.values()) == tried
    assert kept is not None
    assert ("opt.xyz", b"content", False) == (kept.name, kept.content, kept.dropped)
