"""Output of `nox clean`: the jobs and files that were removed, and those that were not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli.changes.removal import Extent
from nox_cli.counts import counted, state_words
from workers.store.values import Removed

if TYPE_CHECKING:
    from nox_cli.changes.removal import Cleaned
    from nox_cli.render.terminal.out import Out

_SHOWN = 5


def text(cleaned: Cleaned, out: Out) -> None:
    """Write one line that counts, and one for each kind of thing that was not removed."""
    out.line(f"{_words(cleaned)} ({cleaned.kind}: {cleaned.where})")
    if needed := cleaned.what[Removed.NEEDED]:
        out.line(f"{counted(needed, 'job')} kept: others that have not ended wait for what they left")
    if cleaned.unended:
        have = "has" if cleaned.unended == 1 else "have"
        out.line(f"{counted(cleaned.unended, 'job')} kept: {have} not ended (nox cancel ends jobs)")
    if cleaned.elsewhere:
        out.line(f"{counted(len(cleaned.elsewhere), 'file')} on other machines or in other places left:")
        for place in cleaned.elsewhere[:_SHOWN]:
            out.line(f"  {place}")


def _words(cleaned: Cleaned) -> str:
    if cleaned.is_dry:
        by_state = state_words(cleaned.found) if cleaned.found else ""
        many = counted(sum(cleaned.found.values()), "job")
        what = f"the files of {many}" if cleaned.extent is Extent.FILES else many
        if cleaned.extent is Extent.ATTEMPTS:
            what = f"what earlier attempts of {many} left"
        return f"would remove {what}{f' ({by_state})' if by_state else ''}"
    removed = cleaned.what[Removed.REMOVED]
    if not removed:
        return "nothing was removed"
    files = counted(cleaned.files, "file")
    if cleaned.extent is Extent.ATTEMPTS:
        of = f"what earlier attempts of {counted(removed, 'job')} left"
        return f"removed {of}: {files} beside those in the store"
    if cleaned.extent is Extent.FILES:
        return f"removed the files of {counted(removed, 'job')}: {files} beside those in the store"
    return f"removed {counted(removed, 'job')} and {files}"
