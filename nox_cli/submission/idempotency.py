"""Submits that may be repeated: the ids of their jobs derive from a key that the client chose."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from nox_cli.submission.handover import NOT_SUBMITTED
from workers.errors import UsageError

if TYPE_CHECKING:
    from nox_cli.submission.prepare import Prepared

MAX_KEY = 255
_ID_DIGITS, _BATCH_DIGITS = 32, 12


def check_key(key: str) -> None:
    """Check a key.

    Raises:
        UsageError: it is empty, too long, or not plain ASCII.
    """
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        what = f"a key of idempotency is 1 to {MAX_KEY} printable ASCII characters"
        raise UsageError(what, did=NOT_SUBMITTED)


def repeatable(
    prepared: Prepared, owner: str, key: str, content: bytes, *, has_batch: bool = False
) -> Prepared:
    """Give jobs ids by which a repeated submit finds the jobs of the first.

    The store accepts a stored job with the same id in place of a new one if their digests agree, and refuses
    the submit if they do not.  So a key is known as long as the jobs are stored.

    Args:
        prepared: the jobs.
        owner: the user of the jobs; keys of different users are different.
        key: the key that the client chose.
        content: all that the client sent: the same key with other content is refused by the store.
        has_batch: the client named the batch; else the key replaces the random ending of its name.
    """
    digest = hashlib.sha256(content).hexdigest()
    base = hashlib.sha256(f"{owner}\0{key}\0".encode())
    batch = prepared.batch
    if batch and not has_batch:
        batch = f"{batch.rpartition('-')[0]}-{base.hexdigest()[:_BATCH_DIGITS]}"
    jobs = []
    for index, job in enumerate(prepared.jobs):
        named = base.copy()
        named.update(str(index).encode())
        jobs.append(job._replace(id=named.hexdigest()[:_ID_DIGITS], digest=digest, batch=batch))
    return prepared._replace(jobs=jobs, batch=batch)
