"""Clients: submitting jobs to one store, and finding them again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nox_cli.api.batch import Batch, finish
from nox_cli.api.connection import connect, warn
from nox_cli.api.job import Job
from nox_cli.api.keywords import seconds, submit_arguments
from nox_cli.api.structures import inputs_of
from workers.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self, Unpack

    from nox_cli.api.connection import Selected
    from nox_cli.api.keywords import SubmitArguments, SubmitKeywords
    from nox_cli.api.structures import Structures
    from nox_cli.submission.prepare import Prepared
    from nox_cli.submission.submit import Submission


class Client:
    """Submits jobs to one store and finds them again; `with Client() as nox:` closes it.

    Safe for several threads, but not across a fork.  Batches and jobs of a closed client can no longer be
    read.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        home: str | Path | None = None,
        owner: str | None = None,
        *,
        local: bool = False,
    ) -> None:
        """Read the settings as the command does: the environment and the settings files.

        Args:
            redis_url: the Redis, in place of `REDIS_URL`.
            home: the directory of the local store, in place of `NOX_HOME`.
            owner: the user, in place of `NOX_USER`.
            local: use the local store even if a Redis is set, like `--local`.

        Raises:
            SettingsInvalid: a setting has a value that nox cannot use.
            StoreRefused: the state directory cannot hold a local store.
        """
        self._connection = connect(redis_url, home, owner, local=local)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Name its store, without a password, and its user."""
        settings = self._connection.settings
        where = settings.shown["redis_url"] if settings.store.redis_url else settings.home
        return f"<Client {where} of {settings.owner}>"

    def close(self) -> None:
        """Close the store; jobs continue."""
        self._connection.close()

    def submit(
        self,
        inputs: Structures = (),
        *,
        wait: bool = False,
        timeout: float | str | None = None,
        **keywords: Unpack[SubmitKeywords],
    ) -> Batch:
        """Check all inputs and store a job for each, or for none; workers run them.

        A worker of the local store is started in the background, as by `nox submit`.

        Args:
            inputs: a path, ASE Atoms, a request (a dict of `nox schema request`), or an iterable of these.
            wait: wait until the jobs have ended.
            timeout: with `wait`: how long, in seconds or as a text such as "30m".
            **keywords: the options of `nox submit` by their long names (`SubmitKeywords`).

        Raises:
            UsageError: an option cannot be used, or options contradict each other.
            InputRefused: an input cannot be computed; `details` names each of several.
            NothingMatched, JobNotFound: there is no input, or a job to wait for does not exist.
            WaitTimedOut: the wait is over; the jobs continue.
            StoreError: nothing was stored, or only some jobs; the message states which.
        """
        from nox_cli.submission.options import Found
        from nox_cli.submission.submit import HandoverOptions, submit

        if timeout is not None and not wait:
            raise UsageError("timeout limits a wait, and none is asked for", hint="add wait=True")
        limit_s = seconds(timeout)
        given = submit_arguments(keywords)
        prepared = self._prepare(inputs, given)
        if not prepared.jobs:
            return Batch(self._connection, ())
        handover = HandoverOptions(
            durable=given.durable,
            retries_failed=given.unique.if_exists is Found.RETRY_FAILED,
            starts_worker=given.starts_worker,
            awaits_move=self._connection.awaits_move,
        )
        done = submit(self._connection.store, prepared, self._connection.settings, handover)
        if done.stored.cut is not None:
            raise done.stored.cut
        warn([*self._connection.fallback_words(), *done.warnings()])
        jobs = [Job(self._connection, one.job_id, one.number, one.name) for one in done.stored.jobs]
        batch = Batch(self._connection, jobs, prepared.batch)
        if wait:
            self._wait(batch, done, limit_s)
        return batch

    def check(self, inputs: Structures = (), **keywords: Unpack[SubmitKeywords]) -> list[str]:
        """Check inputs without submitting, as `--dry-run`; return the names of the jobs there would be.

        Args and errors are those of `submit`; there is no `wait`.
        """
        return [job.name for job in self._prepare(inputs, submit_arguments(keywords)).jobs]

    def jobs(self, *selected: Selected) -> Batch:
        """Find jobs by numbers, ids and other selectors; without any, those of the last submit.

        Examples: `jobs(42, 43)`, `jobs("@last")`, `jobs("@batch:NAME")`, `jobs("name:butane*")`.

        Raises:
            UsageError, NothingMatched, JobNotFound: they name no jobs.
            StoreError: the store cannot be read.
        """
        found = self._connection.outlines(selected or ("@last",))
        jobs = [Job(self._connection, one.id, one.number, one.name) for one in found]
        is_batch = len(selected) == 1 and str(selected[0]).startswith("@batch:")
        return Batch(self._connection, jobs, str(selected[0]).removeprefix("@batch:") if is_batch else "")

    def job(self, selected: int | str) -> Job:
        """Find one job by its number or id.

        Raises:
            UsageError: it names several jobs, or none.
            JobNotFound: there is no such job.
            StoreError: the store cannot be read.
        """
        found = self.jobs(selected)
        if len(found) != 1:
            raise UsageError(f"{selected} names {len(found)} jobs", hint="jobs(...) finds several")
        return found[0]

    def _prepare(self, inputs: Structures, given: SubmitArguments) -> Prepared:
        """Check the inputs, or the jobs whose geometries are taken, and make jobs of them."""
        from nox_cli.submission.engine_choice import offered
        from nox_cli.submission.geometry_sources import common_batch, read_sources, refuse_other_inputs
        from nox_cli.submission.jobs import start_of
        from nox_cli.submission.prepare import CallContext, prepare

        connection = self._connection
        read = inputs_of(inputs)
        start = start_of(given.start, lambda words: [one.id for one in connection.found(words)])
        context = CallContext(connection.settings.owner, offered=lambda: offered(connection.store))
        if given.start.from_ is not None:
            refuse_other_inputs(given.options, ["a structure"] if read else [])
            ids = [one.id for one in connection.found(given.start.from_)]
            sources, batch = read_sources(connection.store, ids), common_batch(connection.store, ids)
            context = context._replace(sources=sources, batch=batch)
        prepared = prepare(read, given.options, context, start, given.unique)
        warn(prepared.warnings)
        return prepared

    def _wait(self, batch: Batch, done: Submission, limit_s: float | None) -> None:
        """Wait for the jobs that a worker will run."""
        from nox_cli.watch.follower import Follower, Until, Waiting
        from nox_cli.watch.workforce import Absence

        store, home = self._connection.store, self._connection.home
        until = Until(limit_s, hopeless=done.hopeless, later="batch.wait()")
        finish(
            Waiting(
                Follower(store, batch.job_ids), until, Absence(store, home, self._connection.settings.owner)
            )
        )


_shared: dict[object, Client] = {}
_sharing = threading.Lock()


def shared() -> Client:
    """Return the client of the settings as they are now, the same one for the same settings.

    Raises:
        SettingsInvalid, StoreRefused: as `Client`.
    """
    client = Client()
    settings = client._connection.settings  # noqa: SLF001  of this module
    key = settings.store, settings.owner, settings.artifacts, settings.autostart, settings.fallback
    with _sharing:
        known = _shared.get(key)
        if known is None or known._connection.fell_back:  # noqa: SLF001  likewise
            known = _shared[key] = client
        return known


def submit(
    inputs: Structures = (),
    *,
    wait: bool = False,
    timeout: float | str | None = None,
    **keywords: Unpack[SubmitKeywords],
) -> Batch:
    """Submit to the store of the environment; as `Client.submit`."""
    return shared().submit(inputs, wait=wait, timeout=timeout, **keywords)


def check(inputs: Structures = (), **keywords: Unpack[SubmitKeywords]) -> list[str]:
    """Check inputs without submitting; as `Client.check`."""
    return shared().check(inputs, **keywords)


def jobs(*selected: Selected) -> Batch:
    """Find jobs in the store of the environment; as `Client.jobs`."""
    return shared().jobs(*selected)


def job(selected: int | str) -> Job:
    """Find one job in the store of the environment; as `Client.job`."""
    return shared().job(selected)
