"""Checkpoints of one attempt: from the engine's folder to the store, and from there to the next engine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workers.engine.checkpoint_file import CheckpointFile, stored
from workers.errors import LeaseLost, StoreBusy, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    from workers.engine.checkpoint_file import Packed
    from workers.job import Lease
    from workers.logs import Log
    from workers.runtime.worker import Worker


class Checkpoints:
    """Saves the checkpoints that the engines of an attempt write, and hands the newest to its next engine."""

    def __init__(self, worker: Worker, lease: Lease, log: Log) -> None:
        self._worker = worker
        self._lease = lease
        self._log = log
        self._file: CheckpointFile | None = None
        self._carried: Packed | None = None  # the checkpoint of an engine of this attempt that was lost
        self._is_carried_kept = False  # the store has it

    def hand_over(self, scratch: Path) -> None:
        """Put the checkpoint that has come furthest into the folder of the engine that starts next.

        It comes from a lost engine of this attempt, or from earlier attempts by way of the store.

        Raises:
            StoreError: the store could not be reached until the worker had to stop.
        """
        may_be_kept = self._lease.fence > 1 or self._file is not None
        self._file = CheckpointFile(scratch)
        found, is_kept = self._carried, self._is_carried_kept
        kept = self._read() if may_be_kept else None
        if kept is not None and (found is None or found.progress < kept.progress):
            found, is_kept = kept, True
        if found is not None:
            try:
                self._file.put(found, is_kept=is_kept)
            except OSError as error:
                self._note_useless(error)

    def carry(self) -> bool:
        """Take along the checkpoint of a lost engine, before its folder is removed.

        Returns:
            False: the attempt no longer owns the job.
        """
        taken = self._file.take() if self._file is not None else None
        if taken is not None:
            self._carried, self._is_carried_kept = taken, False
            try:
                self.save()
            except LeaseLost:
                return False
        return True

    def save(self, *, waits: bool = False) -> None:
        """Write the newest checkpoint to the store, unless the store has it.

        Args:
            waits: retry while the store does not answer, until the worker may wait no longer.

        Raises:
            LeaseLost: the attempt no longer owns the job.
        """
        taken = self._file.take() if self._file is not None else None
        if taken is None and not self._is_carried_kept:
            taken = self._carried
        if taken is None or self._file is None:
            return
        keep = partial(self._worker.store.keep_checkpoint, self._lease, taken.content, taken.progress)
        try:
            if waits:
                self._worker.retry(keep, self._log, borne=(StoreUnreachable, StoreBusy))
            else:
                keep()
        except StoreError as error:
            why = f"what was reached could not be kept: {error.message}"
            self._log.warning(why)
            return
        self._file.kept(taken)
        self._is_carried_kept = True

    def _read(self) -> Packed | None:
        """Read the checkpoint in the store."""
        store, job_id = self._worker.store, self._lease.job_id
        content = self._worker.retry(lambda: store.checkpoint(job_id), self._log)
        try:
            return None if content is None else stored(content)
        except ValueError as error:
            self._note_useless(error)
        return None

    def _note_useless(self, error: Exception) -> None:
        why = f"what was reached before is of no use, starting again: {error}"
        self._log.warning(why)
