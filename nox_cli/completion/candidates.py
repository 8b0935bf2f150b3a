"""Candidates from the store and the settings: jobs, batches, names, tags, files, workers, pools, profiles.

A store is only looked at: nothing is made, and no worker is started.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from glob import escape
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.config.profiles import OPTIONS, TABLE
from workers.errors import NoxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nox_cli.config.settings import Settings
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline

# The number of the newest jobs that are looked at, and of candidates from each end of a list.
NEWEST = 200
OFFERED = 50
# The number of jobs that are read between one batch and the next, and the time that all these steps may take.
_STEP, _STEPS_S = 10, 0.2
_GLOBBING = re.compile(r"[*?[]")


class Candidate(NamedTuple):
    """A word that can follow, and its description; empty: it needs none."""

    word: str
    means: str = ""


class Asked(NamedTuple):
    """The word to complete as far as it is typed, the words before it, and the settings in force."""

    typed: str
    before: Sequence[str]
    settings: Settings


def jobs(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find selectors: numbers, names, batches, labels, reasons to fail."""
    from workers.job import Reason

    typed = asked.typed
    head, colon, rest = typed.partition(":")
    within = asked._replace(typed=rest)
    if head in {"@failed", "@cancelled"} and colon:
        yield from (Candidate(f"{head}:{reason}") for reason in Reason)
    elif (find := {"@batch": batches, "name": names, "tag": tags}.get(head)) and colon:
        yield from (Candidate(f"{head}:{one.word}", one.means) for one in find(within, store))
    elif not typed:
        yield from map(_numbered, _newest(asked, store))
    elif typed.isdecimal():
        found = [*_at_numbers(asked, store), *_newest(asked, store)]
        yield from (_numbered(one) for one in found if str(one.number).startswith(typed))
    else:
        yield from _bare(asked, store)


def batches(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find names of batches, the newest first."""
    owner, until = asked.settings.owner, time.monotonic() + _STEPS_S
    seen: dict[str, int] = {}
    found, width = _newest_jobs(asked, store), _STEP
    below = found[-1].number - 1 if found else 0
    while True:
        for job in found:
            if job.batch and job.owner == owner:
                seen[job.batch] = seen.get(job.batch, 0) + 1
        last = found[-1] if found else None
        if last is not None and last.batch in seen:
            # The other jobs of this batch are skipped: mostly they have the numbers below.
            counted = sum(store.counts(owner=owner, batch=last.batch).values())
            below -= max(0, counted - seen[last.batch])
            seen[last.batch] = max(counted, seen[last.batch])
        if below < 1 or time.monotonic() > until:
            break
        found = store.get_many(store.with_numbers(max(1, below - width + 1), below, limit=_STEP))[::-1]
        below, width = (found[-1].number - 1, _STEP) if found else (below - width, 2 * width)
    yield from (Candidate(name) for name in seen)


def names(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find names of jobs as patterns that match them, the newest and the oldest first."""
    for one in _by_name(asked._replace(typed=_GLOBBING.split(asked.typed)[0]), store):
        yield Candidate(_GLOBBING.sub(r"[\g<0>]", one.name), f"{one.number} {one.state}")


def tags(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find the labels of the newest jobs."""
    for job in _newest_jobs(asked, store):
        yield from (Candidate(f"{key}={value}") for key, value in job.tags.items())


def files(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find the files of the job that is named before on the line."""
    from io import StringIO
    from itertools import islice

    from nox_cli.selectors.selection import named

    for word in asked.before:
        if word.startswith("-"):
            continue
        try:
            found = list(islice(named(store, [word], owner=asked.settings.owner, stdin=StringIO()), OFFERED))
        except NoxError:
            continue
        for job_id in found:
            if made := store.artifacts(job_id):
                yield from (Candidate(one.name) for one in made)
                return


def workers(_asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find the names of workers."""
    for seen in store.workers():
        yield Candidate(seen.beat.name, seen.host)


def pools(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find the names of the user's pools."""
    for pool in store.pools.pools(asked.settings.owner) if store.pools is not None else ():
        yield Candidate(pool.name, f"paused ({pool.paused})" if pool.paused else "")


def profiles(asked: Asked) -> Iterator[Candidate]:
    """Find the names of profiles."""
    for name, profile in asked.settings.profiles.items():
        yield Candidate(name, profile.words())


def keys(asked: Asked) -> Iterator[Candidate]:
    """Find the options of profiles, as `nox config set` names them."""
    head, _, option = asked.typed.rpartition(".")
    if head.count("."):
        yield from (Candidate(f"{head}.{one}") for one in OPTIONS if one.startswith(option))
    else:
        yield from (Candidate(f"{TABLE}.{name}.") for name in asked.settings.profiles)


def values(asked: Asked) -> Iterator[Candidate]:
    """Find values of the setting that is named before."""
    from nox_cli.argv import COLORS, LEVELS
    from nox_cli.config.settings import AUTOSTARTS, STORES, Fallback
    from workers.engine.molecule.solvents import solvents
    from workers.names import EngineName, Method

    key = asked.before[-1].rpartition(".")[2] if asked.before else ""
    known: dict[str, Iterable[str]] = {
        "autostart": AUTOSTARTS,
        "color": COLORS,
        "store": STORES,
        "fallback": Fallback,
        "engine": EngineName,
        **dict.fromkeys(("opt", "ohess", "bhess"), LEVELS),
        **dict.fromkeys(("sp", "grad", "hess", "gfnff", "ipea1", "spinpol"), ("true",)),
        **{model: sorted(solvents(model, Method.GFN2)) for model in ("alpb", "gbsa")},
    }
    yield from map(Candidate, known.get(key, ()))


def _bare(asked: Asked, store: Store) -> Iterator[Candidate]:
    """Find names that are selectors as they are: of one job, or of one batch."""
    found = _by_name(asked, store)
    known = [one.word for one in batches(asked, store) if one.word.startswith(asked.typed)]
    times = Counter([*(one.name for one in found), *known])
    yield from (Candidate(name, "batch") for name in known if times[name] == 1)
    yield from (Candidate(one.name, f"{one.number} {one.state}") for one in found if times[one.name] == 1)


def _by_name(asked: Asked, store: Store) -> Sequence[Outline]:
    """Find the newest and the oldest jobs whose names begin as the typed word.

    With names from both ends the shell finds the beginning that all names share.
    """
    from workers.store.values import Query, SortKey

    wanted = Query(
        owner=asked.settings.owner, name_glob=f"{escape(asked.typed)}*", sort=SortKey.NUMBER, limit=OFFERED
    )
    newest = store.outline_page(wanted)
    oldest = store.outline_page(wanted._replace(descending=False)).items if newest.cursor else ()
    return [one for one in dict.fromkeys((*newest.items, *oldest)) if one.name]


def _numbered(job: Outline) -> Candidate:
    return Candidate(str(job.number), f"{job.state} {job.name}".rstrip())


def _newest(asked: Asked, store: Store) -> Sequence[Outline]:
    """Read the newest jobs, as many as are looked at if some digits are typed."""
    from workers.store.values import Query, SortKey

    limit = NEWEST if asked.typed else OFFERED
    return store.outline_page(Query(asked.settings.owner, sort=SortKey.NUMBER, limit=limit)).items


def _newest_jobs(asked: Asked, store: Store) -> Sequence[Job]:
    from workers.store.values import Query, SortKey

    return store.page(Query(asked.settings.owner, sort=SortKey.NUMBER, limit=NEWEST)).items


def _at_numbers(asked: Asked, store: Store) -> Iterator[Outline]:
    """Read jobs whose numbers begin with the digits that are typed, the shortest numbers first."""
    first, count, left = int(asked.typed), 1, OFFERED
    while left and 0 < first < 10**15:
        ids = store.with_numbers(first, first + count - 1, limit=left)
        left -= len(ids)
        yield from (one for one in store.outlines(ids) if one.owner == asked.settings.owner)
        first, count = first * 10, count * 10
