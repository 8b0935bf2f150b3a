"""Options of `list`: how it declares `nox_cli.results.job_list.JobFilters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import COLUMNS
from nox_cli.results.job_list import MAX_LISTED

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTERS: Mapping[str, Any] = {
    "state": groups.selection(
        metavar="STATE,...", help="Only jobs in these states: waiting, running, done, failed, ..."
    ),
    "since": groups.selection(metavar="TIME", help="Only jobs submitted since TIME: 2d, 90m, 2026-03-01."),
    "name": groups.selection(metavar="GLOB", help="Only jobs whose name matches this shell pattern."),
    "tag": groups.selection(metavar="KEY=VALUE", help="Only jobs with this label."),
    "batch": groups.selection(metavar="NAME", help="Only jobs of this batch."),
    "all_users": groups.selection("--all-users", help="Include the jobs of other users."),
    "limit": groups.selection(metavar="NUMBER", min=1, max=MAX_LISTED, help="Maximum number of jobs."),
    "cursor": groups.selection("--cursor", metavar="CURSOR", help="Continue where an earlier list ended."),
    "sort": groups.output(
        metavar="KEY", help="Sort by created, number, ended or priority; -KEY: descending."
    ),
    "columns": COLUMNS,
}
