"""The state that all requests share: options, settings, the store, and the threads that call it."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar, cast

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from nox_cli.config.server import ServeOptions
from nox_cli.config.settings import Settings
from nox_cli.serve.guards.ceilings import Ceilings
from nox_cli.serve.guards.failures import Failures
from nox_cli.serve.guards.keyring import FRESH_S, Keyring
from nox_cli.serve.guards.visibility import OwnedStore
from nox_cli.serve.hub import Hub
from nox_cli.serve.principal import Principal
from nox_cli.serve.recent import Readings, Recent
from nox_cli.submission.submit import StoreView, pools_of
from workers.store.base import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.logs import Log

P = ParamSpec("P")
T = TypeVar("T")
# Calls of the store that run at once; more wait in line.  Nothing that waits for jobs holds a thread.
THREADS = 16
# The least number of seconds between two looks at the tokens of open streams.
LEAST_S = 0.05


class ServerState:
    """The state of one server.  Its store is opened by the first request that needs it, and once.

    A store that cannot be opened is tried again by the next request; one that was opened connects again by
    itself.
    """

    def __init__(self, options: ServeOptions, settings: Settings, log: Log) -> None:
        self.options = options
        # Its own worker is enough.
        self.settings = settings._replace(autostart="never") if options.with_worker else settings
        self.log = log
        self.hub = Hub(lambda: self.store, self.call)
        self.keyring = Keyring(lambda: self.store, settings.home, settings.owner)
        self.failures = Failures()
        self.ceilings = Ceilings()
        self.view = StoreView(
            Recent(lambda: self.store.health().risks),
            Recent(lambda: list(self.store.workers())),
            lambda owner: pools_of(self.store, owner),
        )
        self.readings = Readings(lambda: self.store, settings.home)
        self._limiter = CapacityLimiter(THREADS)
        self._opening = Lock()
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The store; to be used in a thread of `call` only, since it blocks.

        Raises:
            StoreError: it cannot be opened.
        """
        from workers.store.opening import open_store

        with self._opening:
            if self._store is None:
                self._store = open_store(self.settings.store)
            return self._store

    def store_of(self, principal: Principal) -> Store:
        """Return the store as the holder of a token sees and changes it; as `store`, and raises what it does.

        Only jobs that it may see exist there; events name the token, and its jobs count for it.
        """
        acting = self.store.acting_as(principal.name)
        return acting if principal.sees_all else cast("Store", OwnedStore(acting, principal.owner))

    async def end_revoked(self) -> None:
        """End the streams and waits of tokens that are no longer valid, until it is cancelled."""
        while True:
            await anyio.sleep(max(LEAST_S, self.keyring.wait_s) if self.hub.holders else FRESH_S)
            if self.hub.holders:
                await self.keyring.refresh()
            for holder in self.hub.holders:
                if not self.keyring.is_valid(holder):
                    self.hub.end(holder)

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that blocks in a thread, and return its result; raises what it raises."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._limiter)

    def close(self) -> None:
        """Close the hub and the store."""
        self.hub.close()
        self.hub.rest()
        with self._opening:
            if self._store is not None:
                self._store.close()
                self._store = None


def state_of(request: Request) -> ServerState:
    """Return the state of the server that got a request."""
    state: ServerState = request.app.state.nox
    return state


async def _dependency(request: Request) -> ServerState:
    return state_of(request)  # FastAPI would call a plain function in a thread


State = Annotated[ServerState, Depends(_dependency)]
