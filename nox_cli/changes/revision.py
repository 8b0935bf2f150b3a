"""New values of waiting jobs, as options and as the store takes them."""

from __future__ import annotations

import math
from typing import NamedTuple

from nox_cli.names import job_name, tags
from workers.errors import UsageError
from workers.job import round_memory
from workers.store.values import Revision


class SetOptions(NamedTuple):
    """The options of `nox set`: the new values.  None: the job keeps its value."""

    priority: int | None = None
    cores: int | None = None
    memory: int | None = None
    time: float | None = None
    name: str | None = None
    tag: list[str] | None = None


def revision(options: SetOptions) -> Revision:
    """Make a revision of the options.

    Raises:
        UsageError: there is no new value, or a tag is malformed.
        InputRefused: a name or the value of a tag cannot be used.
    """
    found = Revision(
        priority=options.priority,
        cores=options.cores,
        memory_bytes=None if options.memory is None else round_memory(options.memory),
        time_limit_s=None if options.time is None else math.ceil(options.time),
        name=None if options.name is None else job_name(options.name),
        tags=tags(options.tag or []),
    )
    if found == Revision():
        raise UsageError("nothing is to be set", hint="nox set 42 --priority 10")
    return found
