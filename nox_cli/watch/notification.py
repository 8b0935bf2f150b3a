"""The command of the user that is run at the end of a wait or a watch."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli.counts import by_public_state
from nox_cli.selectors.reader import look_up
from workers.errors import JobNotFound, StoreError, UsageError
from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workers.job import JobState
    from workers.store.base import Store

# The time that a command may take, which nox waits for.
_LIMIT_S = 30.0
# The state of some jobs is the first of these that one of them has.
_FIRST = (PublicState.FAILED, PublicState.RUNNING, PublicState.PENDING, PublicState.CANCELLED)


def command_of(text: str) -> list[str]:
    """Split a command into words, as a shell does, which does not run it.

    Raises:
        UsageError: it is no list of words, or its first word is no program.
    """
    import shlex
    import shutil

    hint = "name a program and its arguments: --notify 'notify-send \"{batch}: {state}\"'"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--notify cannot be read: {str(error).lower()}", hint=hint) from error
    if text and (not words or shutil.which(words[0]) is None):
        name = words[0] if words else text
        raise UsageError(f"--notify: there is no program {name!r}", hint=f"{hint}; no shell runs it")
    return words


def run(command: Sequence[str], store: Store, states: Mapping[str, JobState]) -> str:
    """Run a command about some jobs, and wait for its end; its output goes to stderr.

    Args:
        command: its words; `{batch}`, `{state}`, `{total}`, `{completed}`, `{failed}`, `{cancelled}` and
            `{left}` in its arguments are replaced.
        store: the store of the jobs.
        states: the states of the jobs, by id.

    Returns:
        Why it failed; empty: it did not.
    """
    import subprocess

    values = _values(store, states)
    words = [re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), word) for word in command[1:]]
    words.insert(0, command[0])  # no name of a job or a batch becomes a program
    try:
        ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=2, check=False, timeout=_LIMIT_S)
    except OSError as error:
        return f"{words[0]} cannot be run: {(error.strerror or str(error)).lower()}"
    except subprocess.TimeoutExpired:
        return f"{words[0]} took more than {_LIMIT_S:.0f} s and was killed"
    return f"{words[0]} ended with code {ended.returncode}" if ended.returncode else ""


def _values(store: Store, states: Mapping[str, JobState]) -> dict[str, str]:
    """Return the text for each placeholder."""
    counts = by_public_state(Counter(states.values()))
    left = counts[PublicState.PENDING] + counts[PublicState.RUNNING]
    return {
        "batch": _batch(store, states),
        "state": next((state for state in _FIRST if counts[state]), PublicState.COMPLETED),
        "total": str(len(states)),
        "completed": str(counts[PublicState.COMPLETED]),
        "failed": str(counts[PublicState.FAILED]),
        "cancelled": str(counts[PublicState.CANCELLED]),
        "left": str(left),
    }


def _batch(store: Store, job_ids: Iterable[str]) -> str:
    """Name the batch of all jobs; empty: none, several, or the store cannot be read now."""
    batches: set[str] = set()
    with suppress(StoreError, JobNotFound):
        for job in look_up(store, job_ids):
            batches.add(job.batch)
            if len(batches) > 1:
                break
    return batches.pop() if len(batches) == 1 else ""
