"""The tokens that are valid now: those of the store, read once a second at most, and the server's own."""

from __future__ import annotations

import asyncio
import hmac
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli.serve.guards.own_token import read_own_token
from nox_cli.serve.principal import Principal, Scope
from nox_cli.times import now_ms
from nox_cli.tokens.management import OWN_NAME
from workers.errors import StoreError, UsageError
from workers.store.tokens import Ceilings, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.store.base import Store
    from workers.store.tokens import Token

# Seconds after which tokens are read again, when one is used or has open streams.
FRESH_S = 0.9
# Seconds after which the use of a token is noted in the store again.
NOTED_S = 60.0
# Of the server's own token, which a page may open in many tabs.
OWN_CEILINGS = Ceilings(streams=1_000)


class Keyring:
    """Finds the holders of tokens.  All tokens are read at once, so guesses cost the store nothing.

    Its asynchronous methods belong to one event loop; `read` blocks, and runs in a thread.
    """

    def __init__(self, store: Callable[[], Store], home: Path, owner: str) -> None:
        """Prepare to read tokens.

        Args:
            store: returns the store; may block.
            home: the state directory, with the server's own token.
            owner: the user of the server.
        """
        self._store = store
        self._home = home
        self._owner = owner
        self._tokens: dict[str, Token] = {}
        self._own = ""
        self._secret = ""
        self._trouble: StoreError | None = None  # why the tokens of the store are not known now
        self._began = -FRESH_S  # when the newest reading began
        self._reading = asyncio.Lock()
        self._used: set[str] = set()
        self._noted: dict[str, float] = {}

    async def find(self, secret: str, *, waits: bool = True) -> Principal | None:
        """Find the holder of a token; None: it is not valid.

        Args:
            secret: the token.
            waits: whether a token that is not known waits until the tokens were read once more; that is for
                one that was made just now.

        Raises:
            StoreError: the tokens of the store cannot be read.
        """
        arrived = time.monotonic()
        digest = digest_of(secret)
        await self.refresh()
        found = self._holder(digest)
        if found is None and waits and self._began < arrived:
            await asyncio.sleep(self.wait_s)
            await self.refresh(since=arrived)
            found = self._holder(digest)
        if found is None and self._trouble is not None:
            raise self._trouble
        return found

    async def holder(self, token_id: str) -> Principal | None:
        """Find the holder of a token by its id, as a session has it; None: it is not valid any more.

        Raises:
            StoreError: the tokens of the store cannot be read.
        """
        await self.refresh()
        digests = (self._own, *self._tokens)
        found = self._holder(next((digest for digest in digests if digest.startswith(token_id)), ""))
        if found is None and self._trouble is not None:
            raise self._trouble
        return found

    @property
    def secret(self) -> str:
        """The server's own token, as it was last read; empty: there is none, so it signs nothing."""
        return self._secret

    @property
    def wait_s(self) -> float:
        """The seconds until the tokens may be read again."""
        return max(0.0, self._began + FRESH_S - time.monotonic())

    async def refresh(self, since: float | None = None) -> None:
        """Read the tokens, unless they were read a moment ago, or since a time."""
        async with self._reading:
            least = time.monotonic() - FRESH_S if since is None else since
            if self._began < least:
                began = time.monotonic()
                await asyncio.to_thread(self._read)
                self._began = began

    def is_valid(self, token_id: str) -> bool:
        """Whether a token was valid when tokens were read; while they cannot be read, each is."""
        if self._own.startswith(token_id) or self._trouble is not None:
            return True
        now = now_ms()
        return any(
            digest.startswith(token_id) and not token.is_expired(now)
            for digest, token in self._tokens.items()
        )

    def _holder(self, digest: str) -> Principal | None:
        if self._own and hmac.compare_digest(digest, self._own):
            # It may do what the command line does without --any-user.
            return Principal(OWN_NAME, Scope.ADMIN, self._owner, False, digest[:16], OWN_CEILINGS)
        token = None if self._trouble else self._tokens.get(digest)
        if token is None or not hmac.compare_digest(digest, token.digest) or token.is_expired(now_ms()):
            return None
        self._used.add(digest)
        return Principal.of(token)

    def _read(self) -> None:
        try:
            self._secret = read_own_token(self._home)
            self._own = digest_of(self._secret)
        except (UsageError, OSError):  # it was removed or replaced while the server runs
            self._secret = self._own = ""
        try:
            store = self._store()
            self._note(store)
            self._tokens = {token.digest: token for token in store.tokens()}
            self._trouble = None
        except StoreError as error:
            self._trouble = error

    def _note(self, store: Store) -> None:
        """Note the use of tokens, for `nox token list`; a store that cannot be written goes without."""
        now = time.monotonic()
        used, self._used = self._used, set()
        due = [digest for digest in used if now - self._noted.get(digest, -NOTED_S) >= NOTED_S]
        if due:
            with suppress(StoreError):
                store.note_tokens(due)
            self._noted = {digest: at for digest, at in self._noted.items() if now - at < NOTED_S}
            self._noted.update(dict.fromkeys(due, now))
