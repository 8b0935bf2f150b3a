"""Addresses of views, and what is read from them."""

from __future__ import annotations

import pytest

from tests.support.hostile import TEXTS
from tests.support.javascript import called

READ = "hash => { const {path, query} = library.parsed(hash); return {path, query: {...query}}; }"


def test_addresses_keep_any_words() -> None:
    """
    What an address is made of is read from it again, whatever letters it has.
    """
    queries = [{"name": text, text: ["a", text]} for text in TEXTS if text != "name"]
    hashes = called("lib/router", "library.href", [("jobs", query) for query in queries])

    found = called("lib/router", READ, [(one,) for one in hashes])

    assert [{"path": "jobs", "query": query} for query in queries] == found


@pytest.mark.parametrize(
    ("query", "address"),
    [
        (
            {"state": "failed,done", "tag": ["k=v", "a=b"], "sort": "-created"},
            "state=failed,done&tag=k=v&tag=a=b&sort=-created",
        ),
        ({"name": "conf_*", "batch": "@x:y/z"}, "name=conf_*&batch=@x:y/z"),
        ({"since": "", "limit": None, "all_users": False, "raw": True, "n": 0}, "raw=true&n=0"),
        ({"name": "a b&c#d?e%f"}, "name=a%20b%26c%23d%3Fe%25f"),
    ],
)
def test_addresses_are_readable(query: dict[str, object], address: str) -> None:
    """
    An address has the words of `nox list`, as a person would type them; empty ones are left out.
    """
    assert [f"#/jobs?{address}"] == called("lib/router", "library.href", [("jobs", query)])


@pytest.mark.parametrize(
    ("address", "path", "query"),
    [
        ("", "", {}),
        ("#/", "", {}),
        ("#/jobs/", "jobs", {}),
        ("#jobs?a", "jobs", {"a": ""}),
        ("#/jobs?a=%zz&b=1=2&&c=%", "jobs", {"a": "%zz", "b": "1=2", "c": "%"}),
        ("#/jobs?__proto__=1&constructor=2", "jobs", {"__proto__": "1", "constructor": "2"}),
    ],
)
def test_an_address_that_was_typed(address: str, path: str, query: dict[str, str]) -> None:
    """
    Whatever is typed as an address is read, and nothing is taken from the prototype of objects.
    """
    read = "hash => { const {path, query} = library.parsed(hash); return [path, Object.entries(query)]; }"

    assert [[path, [list(one) for one in query.items()]]] == called("lib/router", read, [(address,)])


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("", "", {}),
        ("jobs/:job", "jobs/42", {"job": "42"}),
        ("batches/:batch", "batches/a%2Fb%20c", {"batch": "a/b c"}),
        ("jobs/:job", "jobs", None),
        ("jobs/:job", "jobs/", None),
        ("jobs/:job", "jobs/42/x", None),
        ("jobs", "job", None),
    ],
)
def test_parameters_of_a_path(pattern: str, path: str, found: dict[str, str] | None) -> None:
    """
    A path fits a pattern part by part.
    """
    assert [found] == called("lib/router", "library.params", [(pattern, path)])
