"""Words that are neither numbers nor groups: the one job or batch of that name, or else what was meant."""

from __future__ import annotations

import glob
import re
import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.selectors.words import GROUPS, HELP, LAST, no_such_job
from workers.errors import JobNotFound, UsageError
from workers.store.values import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workers.job import Job
    from workers.store.base import Store

# The number of jobs of one name that are listed, and of the newest jobs whose names may be meant.
_LISTED, _NEWEST = 8, 200
_SHOWN_WORD = 80
_HEX = re.compile(r"[0-9a-fA-F]{1,32}")
_SHORT_ID = 4
_MORE = "nox help selectors"
# The beginnings of words that other programs take, and those of nox.
_BEGINNINGS = {
    "batch": "@batch:",
    "name": "name:",
    "tag": "tag:",
    "label": "tag:",
    "state": "@",
    "status": "@",
}


def find(store: Store, word: str, owner: str | None, ids: Sequence[str] = ()) -> Query | Sequence[str]:
    """Find the one job of a name, or the jobs of the one batch of that name.

    Args:
        store: the store.
        word: the name.
        owner: the user whose jobs they are; None: any user's.
        ids: the one job whose id begins with the word, if there is one.

    Raises:
        UsageError: several have the name, or none has it.
        JobNotFound: none has it, and the word looks like an id.
    """
    jobs = _named(store, word, owner)
    in_batch = sum(store.counts(owner=owner, batch=word).values()) if word else 0
    if ids:
        others = [job for job in jobs if job.id not in ids]
        if others or (in_batch and not jobs):
            raise _ambiguous(word, others, in_batch, ids[0])
        return ids
    if in_batch and (not jobs or (in_batch == len(jobs) == 1 and jobs[0].batch == word)):
        return Query(owner=owner, batch=word)
    if len(jobs) == 1 and not in_batch:
        return [jobs[0].id]
    if jobs:
        raise _ambiguous(word, jobs, in_batch)
    raise _missing(store, word, owner)


def not_numbered(store: Store, number: str, owner: str | None) -> JobNotFound:
    """Return the error that a number has no job; its hint names the jobs that have it as their name."""
    if _named(store, number, owner):
        return JobNotFound(f"there is no job {number}", hint=f"name:{number} is the job of that name")
    return no_such_job(number)


def backwards(store: Store, part: str, owner: str | None) -> UsageError:
    """Return the error that a range of numbers runs backwards, or is the name of jobs."""
    first, _, last = part.partition("-")
    is_name = _named(store, part, owner)
    hint = f"name:{part} is the job of that name" if is_name else f"write {last}-{first}"
    return UsageError(f"the range {part} runs backwards", hint=hint)


def no_group(word: str) -> UsageError:
    """Return the error that a word names no group of jobs."""
    return UsageError(f'"{word[:_SHOWN_WORD]}" names no group of jobs', hint=_hint(word, ()))


def _named(store: Store, name: str, owner: str | None) -> list[Job]:
    """Read the newest jobs of a name, one more than are listed."""
    query = Query(owner=owner, name_glob=glob.escape(name), limit=_LISTED + 1)
    found: list[Job] = []
    while name and len(found) <= _LISTED:
        page = store.page(query)
        found += page.items
        if not page.cursor:
            break
        query = query._replace(cursor=page.cursor)
    return found[: _LISTED + 1]


def _ambiguous(word: str, jobs: list[Job], in_batch: int, job_id: str = "") -> UsageError:
    """Return the error that a word names several; its hint has the selector of each.

    `job_id`: the id of another job, which begins with the word.
    """
    numbers = " ".join(str(job.number) for job in jobs[:_LISTED])
    is_more = len(jobs) > _LISTED
    many, hints = [], []
    if jobs:
        many.append(f"more than {_LISTED} jobs" if is_more else counted(len(jobs), "job"))
        several = f"one of {numbers}{' ...' * is_more} (the newest first)"
        hints.append(several if len(jobs) > 1 else numbers)
    if len(jobs) > 1:
        hints.append(f"{shlex.quote('name:' + glob.escape(word))} for all of them")
    if in_batch:
        many.append(f"a batch of {counted(in_batch, 'job')}")
        hints.append(f"{shlex.quote('@batch:' + word)} for the batch")
    begins = " and begins the id of another" if job_id else ""
    if job_id:
        hints.append(f"{job_id} for that one")
    return UsageError(f'"{word}" names {" and ".join(many)}{begins}', hint=f"write {', or '.join(hints)}")


def _missing(store: Store, word: str, owner: str | None) -> UsageError | JobNotFound:
    """Return the error that a word names nothing; its hint has what is spelled like it."""
    newest = store.page(Query(owner=owner, limit=_NEWEST)).items
    hint = _hint(word, (name for job in newest for name in (job.name, job.batch) if name))
    if _HEX.fullmatch(word):
        if len(word) >= _SHORT_ID:
            return JobNotFound(f"there is no job {word}", hint=hint)
        digits = f"write at least {_SHORT_ID} digits of it"
        return UsageError(f'"{word}" is too short for an id', hint=digits if hint == HELP else hint)
    return UsageError(f'"{word[:_SHOWN_WORD]}" names no job', hint=hint)


def _hint(word: str, names: Iterable[str]) -> str:
    """Write what a word may mean, or else what names jobs."""
    meant = list(dict.fromkeys((*_respelled(word), *_near(word, names))))
    return f"did you mean {' or '.join(map(shlex.quote, meant))}?  {_MORE}" if meant else HELP


def _respelled(word: str) -> Iterator[str]:
    """Yield the selector of a word that other programs, or other commands, take for one."""
    start, _, rest = word.lstrip("@").partition(":")
    start = _BEGINNINGS.get(start.lower(), "")
    if rest and start:
        found = f"{start}{word.partition(':')[2]}"
        if not start.endswith("@") or found in GROUPS:
            yield found
    elif word.startswith("@") and not rest and not list(_near(word, ())):
        yield f"@batch:{word[1:]}"
    elif re.search(r"[*?\[]", word):
        yield f"name:{word}"
    elif re.fullmatch(r"[\w.-]{1,64}=[^=]*", word, re.ASCII):
        yield f"tag:{word}"


def _near(word: str, names: Iterable[str]) -> Iterator[str]:
    """Yield groups and names that are spelled nearly like a word."""
    if len(word) > _SHOWN_WORD:
        return
    known = {name.lower(): name for name in names}
    known |= {group.removeprefix("@"): group for group in (LAST, *GROUPS)}
    for found in get_close_matches(word.removeprefix("@").lower(), known, n=2, cutoff=0.7):
        yield known[found]
