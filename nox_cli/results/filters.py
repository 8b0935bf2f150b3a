"""Filters of the list of jobs, as a person types them into `nox top`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.results.job_list import JobFilters
from nox_cli.selectors.words import GROUPS, group
from workers.errors import UsageError

if TYPE_CHECKING:
    from workers.job import Reason
    from workers.store.values import Query

SYNTAX = "part of a name, GLOB, @running, @failed:REASON, @batch:B, tag:K=V, since:2d"
_GLOB = frozenset("*?[")
_ALL = "@all"


class Filters(NamedTuple):
    """The filters of `nox list`, and the reason that a selector such as `@failed:scf` adds."""

    words: str = ""  # as they were typed
    options: JobFilters = JobFilters()
    selector: str = ""  # that names the reason
    reason: Reason | None = None

    def query(self, owner: str) -> Query:
        """Return the query of jobs of a user, or of all users if these are wanted.

        Raises:
            UsageError: a filter is not valid.
        """
        return self.options.query(owner)._replace(reason=self.reason)

    @property
    def command(self) -> str:
        """The command that lists the same jobs."""
        options, words = self.options, ["nox", "list"]
        for name, value in (
            ("", self.selector),
            ("--state", "" if self.selector else ",".join(options.state or ())),
            ("--name", options.name),
            ("--batch", options.batch),
            *(("--tag", tag) for tag in options.tag or ()),
            ("--since", options.since),
        ):
            words += filter(None, [name, value]) if value else []
        return shlex.join([*words, "--all-users"] if options.all_users else words)


def read_filters(text: str, *, all_users: bool = False) -> Filters:
    """Read filters, with blanks between them: jobs pass that pass each, in any of the states that are named.

    They are the selectors of groups, `state:S` and `since:TIME`, and a bare word: a part of a name, or a
    pattern of it.

    Raises:
        UsageError, InputRefused: a filter is not valid.
    """
    found = Filters(" ".join(text.split()), JobFilters(all_users=all_users))
    for word in text.split():
        found = _with(found, word)
    found.query("")
    return found


def _with(filters: Filters, word: str) -> Filters:
    """Add the filter of one word.

    Raises:
        UsageError, InputRefused: it is not valid.
    """
    # What a person who types `batch:screen` or `failed:scf` means is clear.
    name, _, value = word.partition(":")
    named = group(f"@{word}" if value and name in {"batch", "failed", "cancelled"} else word)
    fields = filters.options._asdict()
    if named is not None and named.reason is not None:
        selector = f"@{word.removeprefix('@')}"
        filters, fields["state"] = filters._replace(selector=selector, reason=named.reason), [*named.states]
    elif word in GROUPS:
        if word != _ALL:
            fields["state"] = [*(fields["state"] or ()), word.removeprefix("@")]
    elif named is not None:
        fields["tag"] = [*(fields["tag"] or ()), *(f"{key}={one}" for key, one in named.tags.items())]
        fields["batch"] = named.batch or fields["batch"]
        fields["name"] = named.name_glob or fields["name"]
    elif value and name == "state":
        fields["state"] = [*(fields["state"] or ()), value]
    elif value and name == "since":
        fields["since"] = value
    elif word.startswith("@"):
        raise UsageError(f'"{word[:40]}" is no filter', hint=SYNTAX)
    else:
        fields["name"] = word if _GLOB & set(word) else f"*{word}*"
    return filters._replace(options=JobFilters(**fields))
