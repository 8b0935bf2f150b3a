"""`nox token`: tokens are shown once, kept as hashes, listed and revoked, on both stores."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from tests.support.nox import Nox

SECRET = re.compile(r"nox_[A-Za-z0-9_-]{43}\n")


def test_a_new_token_is_alone_on_stdout(any_nox: Nox) -> None:
    """
    So a script can take it; stderr describes it, and neither the list nor its JSON shows it again.
    """
    made = any_nox("token", "new", "ci", "--scope", "submit", check=True)

    assert SECRET.fullmatch(made.stdout)
    assert "token ci: submit for" in made.stderr
    secret = made.stdout.strip()
    assert secret not in made.stderr
    listed = any_nox("token", "list", check=True).stdout + any_nox("token", "list", "--json").stdout
    assert secret not in listed
    assert hashlib.sha256(secret.encode()).hexdigest() not in listed


def test_the_store_has_only_the_hash_of_a_token(nox: Nox) -> None:
    """
    No file of the state directory contains the token.
    """
    secret = nox("token", "new", "ci", "--scope", "read", check=True).stdout.strip()
    contents = b"".join(path.read_bytes() for path in nox.home.rglob("*") if path.is_file())

    assert secret.encode() not in contents
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in contents


def test_tokens_are_listed_with_their_rights(any_nox: Nox) -> None:
    """
    JSON has owner, end and ceilings of each; null means none.
    """
    options = ("--owner", "ada", "--expires", "90d", "--max-jobs", "5", "--max-memory", "4G")
    made = json.loads(any_nox("token", "new", "a", "--scope", "admin", *options, "--json", check=True).stdout)
    any_nox("token", "new", "b", "--scope", "read", check=True)
    first, second = json.loads(any_nox("token", "list", "--json", check=True).stdout)["items"]

    assert made["token"] == first
    assert SECRET.fullmatch(made["secret"] + "\n")
    assert ("a", "admin", "ada", None) == tuple(
        first[key] for key in ("name", "scope", "owner", "last_used_at")
    )
    most = {"jobs": 5, "cores": None, "memory_bytes": 4 * 2**30, "stored_bytes": None, "streams": None}
    assert most == first["ceilings"]
    assert first["created_at"] < first["expires_at"]
    assert second["expires_at"] is None
    table = any_nox("token", "list", check=True).stdout.splitlines()
    assert ["name", "a", "b"] == [line.split()[0] for line in table]
    assert "jobs 5, memory 4.0 GiB" in table[1]


def test_a_revoked_token_is_listed_no_more(any_nox: Nox) -> None:
    """
    A second revocation exits with 3 and changes nothing.
    """
    any_nox("token", "new", "ci", "--scope", "read", check=True)
    assert "revoked ci" in any_nox("token", "revoke", "ci", check=True).stdout

    again = any_nox("token", "revoke", "ci")
    assert 3 == again.returncode
    assert "there is no token 'ci'" in again.stderr
    assert "no tokens" in any_nox("token", "list", check=True).stdout


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("new", "ci"), 2, "--scope"),
        (("new", "../x", "--scope", "read"), 2, "cannot be the name of a token"),
        (("new", "server", "--scope", "read"), 2, "cannot be the name of a token"),
        (("new", "a", "--scope", "root"), 2, "--scope"),
        (("new", "a", "--scope", "read", "--owner", "a b"), 2, "is not the name of a user"),
        (("new", "a", "--scope", "read", "--expires", "soon"), 2, "is not a duration"),
        (("new", "taken", "--scope", "read"), 5, "there is a token 'taken' already"),
    ],
)
def test_what_cannot_be_a_token_is_refused(nox: Nox, words: tuple[str, ...], code: int, error: str) -> None:
    """
    One line says why, and no token is made.
    """
    nox("token", "new", "taken", "--scope", "read", check=True)
    refused = nox("token", *words)

    assert (code, "") == (refused.returncode, refused.stdout)
    assert error in refused.stderr
    store = open_store(StoreSettings(redis_url=None, prefix="nox:", home=nox.home))
    assert ["taken"] == [token.name for token in store.tokens()]
    store.close()
